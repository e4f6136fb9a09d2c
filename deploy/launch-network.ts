/** The course of one launch: prepare, start kind by kind, tell, watch, stop. Resolves with the exit status once everything is stopped. */
import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { apiKey } from './api-key.ts'
import { childEnvironment } from './child-environment.ts'
import { closeDataFolder, identityKeyFile, openDataFolder } from './data-folder.ts'
import { findNatsServer } from './find-nats-server.ts'
import { firstAlert } from './first-alert.ts'
import type { LaunchOptions } from './launch-options.ts'
import { Network } from './network.ts'
import { ids, type Kind, type PlannedProcess, planNetwork } from './network-plan.ts'
import { type TakenPort, takenPorts, takenSentence } from './port-check.ts'
import { type PortPlan, planPorts } from './port-plan.ts'
import { readyDocument, writeReadyFile } from './ready-file.ts'
import { httpUrl } from './service-config.ts'
import type { Terminal } from './terminal.ts'

export interface Launch {
  readonly options: LaunchOptions
  readonly root: string
  readonly node: string
  readonly env: NodeJS.ProcessEnv
  readonly out: Terminal
  /** Aborts when everything is to stop. */
  readonly stop: AbortSignal
}

/** Servers and services of a launcher that was killed need a moment to notice and to stop. */
const leftoversStopWithinMs = 12_000

export async function launchNetwork(launch: Launch): Promise<number> {
  const { options, out, stop } = launch
  const startedMs = Date.now()
  let network: Network | undefined
  let failed = false
  try {
    const ports = planPorts(options.portBase, options.regions, options.agentsPerRegion)
    await prepare(launch, ports)
    const planned = await plan(launch, ports)
    const files = readyFiles(options)
    let key: string | undefined
    const tellPids = (pids: ReadonlyMap<string, number>) => {
      if (key === undefined) return
      const ready = readyDocument({ options, ports, planned, pids, apiKey: key })
      for (const file of files) writeReadyFile(file, ready)
    }
    network = new Network({
      planned,
      node: launch.node,
      say: (line, tone) => (tone === 'good' ? out.step(line) : tone === 'bad' ? out.bad(line) : out.note(line)),
      onPids: tellPids,
    })
    const made = await startAll(launch, network, planned, ports)
    key = made
    tellPids(network.pids)
    tellAddresses(launch, ports, Date.now() - startedMs)
    await watch(launch, ports, key, new Date(startedMs))
  } catch (error) {
    failed = !stop.aborted
    if (failed) out.bad(error instanceof Error ? error.message : String(error))
  }
  await stopAll(launch, network)
  return failed ? 1 : 0
}

async function prepare({ options, out }: Launch, ports: PortPlan): Promise<void> {
  openDataFolder(options.dataDir, options.fresh)
  let taken = await takenPorts(ports.all)
  // Of a launcher that was killed: started with a file in this very folder.
  const isLeftover = (port: TakenPort) => port.commandLine?.includes(`${options.dataDir}/`) === true
  if (taken.length > 0 && taken.every(isLeftover)) {
    out.note(`waiting for processes of an earlier start to end (${taken[0]?.holder})`)
    for (const endMs = Date.now() + leftoversStopWithinMs; taken.length > 0 && Date.now() < endMs; taken = await takenPorts(ports.all))
      await pause(500)
  }
  if (taken.length > 0) throw new Error(takenSentence(taken, options.portBase))
}

async function plan(launch: Launch, ports: PortPlan): Promise<PlannedProcess[]> {
  const { options, root, node, env, out } = launch
  const [server, simulated] = await Promise.all([
    findNatsServer({ env, say: (line) => out.note(line), signal: launch.stop }),
    simulatedCells(launch),
  ])
  out.step(`nats-server ${server.version} (${server.from}: ${server.path})`)
  const cellFiles = [simulated, options.cellsFile].filter((file) => file !== undefined)
  return planNetwork({
    options,
    ports,
    root,
    node,
    natsServer: server.path,
    keyFile: identityKeyFile(options.dataDir),
    cellFiles,
    env: childEnvironment(env),
  })
}

/** The hubs must know the simulated world's cells before its first event. */
function simulatedCells({ options, root, node, env, stop }: Launch): Promise<string | undefined> {
  if (options.scenario === undefined) return Promise.resolve(undefined)
  const file = join(options.dataDir, ids.simulator, 'cells.csv')
  mkdirSync(dirname(file), { recursive: true })
  const args = ['cells', options.scenario, '--seed', String(options.seed), '--regions', options.regions.join(','), '--out', file]
  return new Promise((resolve, reject) => {
    execFile(
      node,
      [join(root, 'simulators', 'main.ts'), ...args],
      { env: childEnvironment(env), signal: stop, timeout: 60_000 },
      (error, stdout, stderr) => {
        if (!error) return resolve(file)
        reject(
          new Error(
            `the simulator could not write its cells: ${(stderr || stdout || error.message).trim().split('\n').slice(-3).join(' ')}`,
          ),
        )
      },
    )
  })
}

async function startAll(launch: Launch, network: Network, planned: readonly PlannedProcess[], ports: PortPlan): Promise<string> {
  const { options, out, stop } = launch
  const coreUrl = httpUrl(ports.core.api)
  await network.start('core-server', stop)
  await network.start('region-server', stop)
  out.step(`servers: core, ${options.regions.join(', ')}`)
  await network.start('core', stop)
  out.step(`core: ${coreUrl}`)
  const keyMade = apiKey({
    ...launch,
    dataDir: options.dataDir,
    apiUrl: coreUrl,
    coreConfig: planned.find((process) => process.id === ids.core)?.config ?? '',
  })
  // Told where it is awaited; until then a failure must not end the process.
  keyMade.catch(() => undefined)
  await network.start('hub', stop)
  out.step(`hubs: ${options.regions.join(', ')}`)
  await network.start('agent', stop)
  out.step(`agents: ${ports.regions.flatMap((region) => region.agents.map((agent) => agent.name)).join(', ')}`)
  const key = await keyMade
  if (options.scenario !== undefined) {
    await network.start('simulator', stop)
    out.step(`simulator: ${options.scenario}, ${options.subscribers} subscribers, ${options.ratePerS} events/s, seed ${options.seed}`)
  }
  return key
}

function tellAddresses({ options, out }: Launch, ports: PortPlan, tookMs: number): void {
  out.plain('')
  for (const region of ports.regions) {
    out.plain(`  ${region.name.padEnd(10)} console ${httpUrl(region.api)}/   stream ${httpUrl(region.api)}/api/stream`)
    for (const agent of region.agents)
      out.plain(
        `    ${agent.name.padEnd(10)} mqtt://127.0.0.1:${agent.mqtt}   udp://127.0.0.1:${agent.netflow}   health ${httpUrl(agent.admin)}/health`,
      )
  }
  out.plain(`  ${'core'.padEnd(10)} API ${httpUrl(ports.core.api)}/docs   key in ${join(options.dataDir, 'api.key')}`)
  out.plain(`  ${'data'.padEnd(10)} ${options.dataDir}   logs in ${join(options.dataDir, 'logs')}`)
  out.plain('')
  out.step(`everything answers (${(tookMs / 1000).toFixed(1)} s). Ctrl-C stops it.`)
}

/** Until the end: the first alert, and whatever the supervisors have to say. */
async function watch({ options, out, stop }: Launch, ports: PortPlan, key: string, from: Date): Promise<void> {
  if (options.scenario !== undefined) {
    const alert = await firstAlert(httpUrl(ports.core.api), key, from, stop)
    if (alert)
      out.step(
        `first alert: ${alert.type} in ${alert.region} at ${alert.time} (${alert.severity}); all of them: ${httpUrl(ports.core.api)}/v1/alerts`,
      )
  }
  if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }))
}

async function stopAll({ options, out, stop }: Launch, network: Network | undefined): Promise<void> {
  if (network) {
    const startedMs = Date.now()
    const names: Record<Kind, string> = {
      simulator: 'simulator',
      agent: 'agents',
      hub: 'hubs',
      core: 'core',
      'region-server': "regions' servers",
      'core-server': "core's server",
    }
    await network.stop((kind) => out.note(`stopping ${names[kind]}`))
    out.step(
      `everything is stopped (${((Date.now() - startedMs) / 1000).toFixed(1)} s). The data stays in ${options.dataDir}: npm start continues from it, --fresh begins anew.`,
    )
  } else if (stop.aborted) out.step('stopped; nothing was started yet')
  closeDataFolder(options.dataDir)
}

/** The ready file that was asked for, and always one in the data folder. */
const readyFiles = (options: LaunchOptions) => [join(options.dataDir, 'ready.json'), ...(options.readyFile ? [options.readyFile] : [])]

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
