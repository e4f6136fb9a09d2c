/** The ready file: addresses and pids of a running network for scripts, sites and labs. Its shape is a promise to the outside (version 1). */
import { writeFileAtomically } from './data-folder.ts'
import type { LaunchOptions } from './launch-options.ts'
import { ids, type PlannedProcess } from './network-plan.ts'
import type { PortPlan } from './port-plan.ts'
import { httpUrl, natsUrl } from './service-config.ts'

interface Server {
  readonly pid: number
  readonly url: string
}

interface Service {
  readonly pid: number
  readonly admin: string
  readonly config: string
}

export interface Ready {
  readonly version: 1
  readonly pid: number
  readonly dataDir: string
  readonly regions: readonly {
    readonly name: string
    readonly console: string
    readonly nats: Server
    readonly hub: Service
    readonly agents: readonly (Service & { readonly name: string; readonly mqtt: string; readonly netflow: string })[]
  }[]
  readonly core: Service & { readonly api: string; readonly apiKey: string; readonly nats: Server }
  readonly simulator?: { readonly pid: number; readonly scenario: string; readonly seed: number; readonly log: string }
}

export interface ReadyInput {
  readonly options: LaunchOptions
  readonly ports: PortPlan
  readonly planned: readonly PlannedProcess[]
  readonly pids: ReadonlyMap<string, number>
  readonly apiKey: string
}

export function readyDocument({ options, ports, planned, pids, apiKey }: ReadyInput): Ready {
  const byId = new Map(planned.map((process) => [process.id, process]))
  const pid = (id: string) => pids.get(id) ?? 0
  const service = (id: string, adminPort: number): Service => ({
    pid: pid(id),
    admin: httpUrl(adminPort),
    config: byId.get(id)?.config ?? '',
  })
  const simulator = byId.get(ids.simulator)
  return {
    version: 1,
    pid: process.pid,
    dataDir: options.dataDir,
    regions: ports.regions.map((region) => ({
      name: region.name,
      console: httpUrl(region.api),
      nats: { pid: pid(ids.server(region.name)), url: natsUrl(region.nats) },
      hub: service(ids.hub(region.name), region.admin),
      agents: region.agents.map((agent) => ({
        name: agent.name,
        ...service(ids.agent(agent.name), agent.admin),
        mqtt: `mqtt://127.0.0.1:${agent.mqtt}`,
        netflow: `udp://127.0.0.1:${agent.netflow}`,
      })),
    })),
    core: {
      ...service(ids.core, ports.core.admin),
      api: httpUrl(ports.core.api),
      apiKey,
      nats: { pid: pid(ids.coreServer), url: natsUrl(ports.core.nats) },
    },
    ...(simulator
      ? { simulator: { pid: pid(ids.simulator), scenario: options.scenario ?? '', seed: options.seed, log: simulator.spec.logFile } }
      : {}),
  }
}

/** It holds an API key: readable by this user only. */
export function writeReadyFile(path: string, ready: Ready): void {
  writeFileAtomically(path, `${JSON.stringify(ready, null, 2)}\n`, 0o600)
}
