/**
 * Which processes make up the network, with which files: a pure function of options, ports and paths, and the writing of those files.
 * Each process is the program itself (no wrapper), so that its pid is what the ready file says.
 */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeFileAtomically } from './data-folder.ts'
import type { LaunchOptions } from './launch-options.ts'
import { coreServerConfig, regionServerConfig } from './nats-config.ts'
import { plainYaml } from './plain-yaml.ts'
import type { PortPlan } from './port-plan.ts'
import { isServerReady, isServiceReady } from './probes.ts'
import { agentConfig, coreConfig, httpUrl, hubConfig, type ServiceConfig, simulatorArguments } from './service-config.ts'
import type { ChildSpec } from './supervise.ts'

/** In the order they start; they stop in the reverse of it. */
export const kinds = ['core-server', 'region-server', 'core', 'hub', 'agent', 'simulator'] as const
export type Kind = (typeof kinds)[number]

export interface PlannedProcess {
  readonly id: string
  readonly kind: Kind
  readonly spec: ChildSpec
  /** The file it is started with; undefined for the simulator. */
  readonly config: string | undefined
  /** True for a program that does not watch the launcher's pipe by itself. */
  readonly needsGuard: boolean
}

export interface PlanInput {
  readonly options: LaunchOptions
  readonly ports: PortPlan
  readonly root: string
  readonly node: string
  readonly natsServer: string
  readonly keyFile: string
  readonly cellFiles: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

export const ids = {
  coreServer: 'nats-core',
  core: 'core',
  server: (region: string) => `nats-${region}`,
  hub: (region: string) => `hub-${region}`,
  agent: (agent: string) => `agent-${agent}`,
  simulator: 'simulator',
}

/** Plans the network and writes every configuration file; files that are there are written anew from the options of this start. */
export function planNetwork(input: PlanInput): PlannedProcess[] {
  const { options, ports, root, keyFile, cellFiles } = input
  const folder = (id: string) => join(options.dataDir, id)
  const server = (id: string, name: string, port: number, text: string) =>
    serverProcess(input, {
      id,
      name,
      port,
      kind: id === ids.coreServer ? 'core-server' : 'region-server',
      config: written(join(folder(id), 'nats.conf'), text),
    })
  const service = (id: string, kind: Kind, name: string, main: string, adminPort: number, config: ServiceConfig) =>
    serviceProcess(input, {
      id,
      kind,
      name,
      main: join(root, main, 'main.ts'),
      adminPort,
      config: written(join(folder(id), `${kind}.yaml`), plainYaml(config, fileNote)),
    })

  const planned: PlannedProcess[] = [
    server(
      ids.coreServer,
      "core's server",
      ports.core.nats,
      coreServerConfig({ port: ports.core.nats, leafPort: ports.core.leaf, storeDir: join(folder(ids.coreServer), 'store') }),
    ),
    ...ports.regions.map((region) =>
      server(
        ids.server(region.name),
        `${region.name}'s server`,
        region.nats,
        regionServerConfig({
          region: region.name,
          port: region.nats,
          storeDir: join(folder(ids.server(region.name)), 'store'),
          coreLeafPort: ports.core.leaf,
        }),
      ),
    ),
    service(ids.core, 'core', 'core', 'core', ports.core.admin, coreConfig(ports, { dataDir: join(folder(ids.core), 'data'), keyFile })),
    ...ports.regions.map((region) => {
      const id = ids.hub(region.name)
      return service(
        id,
        'hub',
        `hub ${region.name}`,
        'regional-hub',
        region.admin,
        hubConfig(region, { dataDir: join(folder(id), 'data'), keyFile, cellFiles }),
      )
    }),
    ...ports.regions.flatMap((region) =>
      region.agents.map((agent) => {
        const id = ids.agent(agent.name)
        return service(
          id,
          'agent',
          `agent ${agent.name}`,
          'edge-agent',
          agent.admin,
          agentConfig(region, agent, { dataDir: join(folder(id), 'data'), keyFile }),
        )
      }),
    ),
  ]
  if (options.scenario !== undefined) planned.push(simulatorProcess(input))
  return planned
}

const fileNote = 'Written by npm start, anew at every start.'

function serverProcess(input: PlanInput, at: { id: string; name: string; port: number; kind: Kind; config: string }): PlannedProcess {
  return {
    id: at.id,
    kind: at.kind,
    config: at.config,
    needsGuard: true,
    spec: {
      name: at.name,
      command: input.natsServer,
      args: ['--config', at.config],
      env: input.env,
      logFile: join(input.options.dataDir, 'logs', `${at.id}.log`),
      isReady: () => isServerReady(at.port),
    },
  }
}

function serviceProcess(
  input: PlanInput,
  at: { id: string; kind: Kind; name: string; main: string; adminPort: number; config: string },
): PlannedProcess {
  return {
    id: at.id,
    kind: at.kind,
    config: at.config,
    needsGuard: false,
    spec: {
      name: at.name,
      command: input.node,
      args: [at.main, 'run', '--config', at.config],
      env: { ...input.env, TRIBUTARY_PARENT_PIPE: '1' },
      logFile: join(input.options.dataDir, 'logs', `${at.id}.log`),
      isReady: () => isServiceReady(httpUrl(at.adminPort)),
    },
  }
}

function simulatorProcess(input: PlanInput): PlannedProcess {
  const { options, ports, root } = input
  return {
    id: ids.simulator,
    kind: 'simulator',
    config: undefined,
    needsGuard: false,
    spec: {
      name: 'simulator',
      command: input.node,
      args: [join(root, 'simulators', 'main.ts'), ...simulatorArguments(options, ports, options.truthFile)],
      env: { ...input.env, TRIBUTARY_PARENT_PIPE: '1' },
      logFile: join(options.dataDir, 'logs', 'simulator.log'),
      isReady: async () => true,
      mayFinish: true,
    },
  }
}

function written(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileAtomically(path, text)
  return path
}
