/** What the launcher writes into each service's configuration file: names, folders and addresses; everything else keeps its default. */
import type { LaunchOptions } from './launch-options.ts'
import type { Plain } from './plain-yaml.ts'
import type { AgentPorts, PortPlan, RegionPorts } from './port-plan.ts'

const host = '127.0.0.1'
export const natsUrl = (port: number) => `nats://${host}:${port}`
export const httpUrl = (port: number) => `http://${host}:${port}`

export type ServiceConfig = { readonly [key: string]: Plain }

export function agentConfig(
  region: RegionPorts,
  agent: AgentPorts,
  at: { readonly dataDir: string; readonly keyFile: string },
): ServiceConfig {
  return {
    agent: agent.name,
    region: region.name,
    dataDir: at.dataDir,
    identity: { keyFile: at.keyFile },
    hub: { natsUrl: natsUrl(region.nats), consoleUrl: httpUrl(region.api) },
    mqtt: { enabled: true, host, port: agent.mqtt },
    // MCC 001 is the test network (TS 23.003 §2.2): flows and DPI events that name no cell count to a cell of the agent's own.
    netflow: { enabled: true, host, port: agent.netflow, cell: `001-01-${agent.netflow}` },
    admin: { host, port: agent.admin },
  }
}

export function hubConfig(
  region: RegionPorts,
  at: { readonly dataDir: string; readonly keyFile: string; readonly cellFiles: readonly string[] },
): ServiceConfig {
  return {
    region: region.name,
    dataDir: at.dataDir,
    identity: { keyFile: at.keyFile },
    nats: { url: natsUrl(region.nats) },
    api: { host, port: region.api },
    admin: { host, port: region.admin },
    ...(at.cellFiles.length > 0 ? { cells: { files: at.cellFiles } } : {}),
    roster: region.agents.map((agent) => agent.name),
  }
}

export function coreConfig(ports: PortPlan, at: { readonly dataDir: string; readonly keyFile: string }): ServiceConfig {
  return {
    dataDir: at.dataDir,
    identity: { keyFile: at.keyFile },
    nats: { url: natsUrl(ports.core.nats) },
    api: { host, port: ports.core.api },
    admin: { host, port: ports.core.admin },
  }
}

/** The simulator's arguments: its world, and where each region's agents take MQTT. */
export function simulatorArguments(options: LaunchOptions, ports: PortPlan, truthFile: string | undefined): string[] {
  const targets = ports.regions.flatMap((region) => {
    const urls = region.agents.map((agent) => `mqtt=mqtt://${host}:${agent.mqtt}`)
    return ['--target', [`region=${region.name}`, ...urls].join(',')]
  })
  const world = ['--subscribers', String(options.subscribers), '--rate', String(options.ratePerS), '--seed', String(options.seed)]
  return ['run', options.scenario ?? '', ...targets, ...world, ...(truthFile ? ['--truth', truthFile] : []), '--json']
}
