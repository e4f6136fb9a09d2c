/** The hub's checks, in the order in which one would look: what it is started with, the machine, the process, the servers, then the region itself. */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CheckContext, loaderOf, metricOf } from '#shared/check-context.ts'
import { humanBytes } from '#shared/check-host.ts'
import { linkChecks } from '#shared/check-link.ts'
import { serviceChecks } from '#shared/check-service.ts'
import { streamsCheck } from '#shared/check-streams.ts'
import { bad, type Check, cannotTell, notRunning, pass, warn } from '#shared/checks.ts'
import { subjects } from '#shared/control.ts'
import { describeError } from '#shared/errors.ts'
import { configSchema, type HubConfig } from './config.ts'
import { readCells } from './import-cells.ts'

export type HubCheckContext = CheckContext<HubConfig>
type One = Check<HubCheckContext>

/** `running`: the checks run in the hub itself, with these settings. */
export function hubCheckContext(configFile: string, running?: HubConfig): HubCheckContext {
  return new CheckContext<HubConfig>({
    service: 'hub',
    configFile,
    load: running === undefined ? loaderOf(configSchema, configFile) : () => running,
    inside: running !== undefined,
    nats: ({ nats, region }) => ({ url: nats.url, name: `hub-${region}` }),
    quotaBytes: ({ spool }) => spool.quotaBytes,
    ports: ({ api, admin }) => [
      { setting: 'api.port', host: api.host, port: api.port, kind: 'tcp' },
      { setting: 'admin.port', host: admin.host, port: admin.port, kind: 'tcp' },
    ],
  })
}

export interface HubAgent {
  readonly agent: string
  readonly enrolled: boolean
  readonly isSilent: boolean
  readonly lastSeenMs: number | null
  readonly completeThroughMs: number | null
  readonly missing: number
  readonly received: number
  readonly backlog: readonly { readonly lane: string; readonly batches: number }[]
}

export interface HubStatus {
  readonly region: string
  readonly timeMs: number
  readonly subscribers: number
  readonly cells: number
  readonly rowsTaken: number
  readonly openAlerts: Readonly<Record<string, number>>
  readonly trunk: { readonly waitingBatches: number; readonly waitingBytes: number }
  readonly claimsWaiting: number
}

/** Undefined when the console's API does not answer. */
export async function askHub<T>({ api }: HubConfig, path: string, signal: AbortSignal): Promise<T | undefined> {
  const response = await fetch(`http://${api.host}:${api.port}/api/${path}`, { signal }).catch(() => undefined)
  return response?.ok === true ? ((await response.json()) as T) : undefined
}

const inventory: One = {
  id: 'inventory',
  title: 'the cell inventory can be read, and knows the cells that are heard',
  about:
    'Reads the files of `cells` as the hub does, and asks the running hub which cells it heard that are in none of them. A subscriber at an unknown cell has no place on the map.',
  remedy: 'Correct the line named, or add the cells; a later file restates a cell of an earlier one.',
  after: ['config'],
  deadlineMs: 6_000,
  run: async ({ settings }, signal) => {
    const files = [...(settings.cells.file === undefined ? [] : [settings.cells.file]), ...settings.cells.files]
    if (files.length === 0) return warn(0, 'no inventory is named: nothing can be put on a map', 'set cells.file')
    let [cells, badLines] = [0, 0]
    for (const file of files) {
      try {
        const read = readCells(file)
        cells += read.rows.length
        badLines += read.badLines
      } catch (error) {
        return bad(file, `${file}: ${describeError(error)}`, 'correct the path, or the file: OpenCellID’s columns, plain or .gz')
      }
    }
    const unknown = (await askHub<{ items: readonly { cell: string }[] }>(settings, 'unknown-cells', signal))?.items
    const words = `${cells} cells, ${badLines} bad lines; ${unknown === undefined ? 'the hub does not say which it misses' : `${unknown.length} heard that are in none`}`
    if ((unknown?.length ?? 0) > 0)
      return warn(
        unknown!.length,
        `${words}: ${unknown!
          .slice(0, 5)
          .map(({ cell }) => cell)
          .join(', ')}`,
        'add them to an inventory',
      )
    return badLines > 0 ? warn(cells, words, 'correct the bad lines; the log of the hub names them') : pass(cells, words)
  },
}

const snapshot: One = {
  id: 'snapshot',
  title: 'the hub’s state is saved at its pace',
  about:
    'The age of the snapshot on disk against `snapshot.intervalS`. Agents’ rows are freed only after it: an old one makes their backlog grow.',
  remedy: 'See disk-space, fsync and the hub’s log. A hub that does not run takes none; the next start reads on from the last.',
  after: ['data-dir'],
  run: async (context) => {
    const file = join(context.settings.dataDir, 'snapshot')
    if (!existsSync(file)) return cannotTell('there is none yet')
    const { mtimeMs, size } = statSync(file)
    const ageS = Math.round((Date.now() - mtimeMs) / 1000)
    const words = `${ageS} s old, ${humanBytes(size)}`
    if ((await context.running()) === undefined) return cannotTell(`${words}; the hub does not run`)
    return ageS > 60 + 4 * context.settings.snapshot.intervalS
      ? warn(ageS, words, 'see disk-space, fsync and the hub’s log')
      : pass(ageS, words)
  },
}

const spool: One = {
  id: 'spool',
  title: 'the core takes what the region sends',
  about:
    'What waits for the trunk. While the core is away the spool holds it, up to `spool.quotaBytes`; beyond that the hub stops reading and the region’s stream holds.',
  remedy: 'Look at the link between the region’s NATS server and the core’s (leaf node), then at `tributary-core doctor`.',
  after: ['running'],
  run: async (context) => {
    const metrics = (await context.running())?.metrics
    if (metrics === undefined) return notRunning
    const bytes = metricOf(metrics, 'tributary_hub_spool_bytes') ?? 0
    const items = metricOf(metrics, 'tributary_hub_spool_items') ?? 0
    const share = bytes / context.settings.spool.quotaBytes
    const words = `${items} batches, ${humanBytes(bytes)} of ${humanBytes(context.settings.spool.quotaBytes)}`
    if (share > 0.9) return bad(bytes, words, 'bring the link to the core back; agents keep what no longer fits')
    return items > 1_000 ? warn(bytes, words, 'look at the link to the core') : pass(bytes, words)
  },
}

const history: One = {
  id: 'history',
  title: 'the region’s history is written',
  about: 'Whether writes to the console’s own history failed since the start, and what was left out because too much came.',
  remedy: 'See disk-space; lower `history.positionsPerS` if rows are left out on purpose. The core has them all.',
  after: ['running'],
  run: async (context) => {
    const metrics = (await context.running())?.metrics
    if (metrics === undefined) return notRunning
    const failures = metricOf(metrics, 'tributary_hub_history_failures_total') ?? 0
    const skipped = metricOf(metrics, 'tributary_hub_history_skipped_rows_total') ?? 0
    const words = `${failures} failed writes, ${skipped} rows left out since the start`
    return failures > 0 ? warn(failures, words, 'see disk-space and the hub’s log') : pass(failures, words)
  },
}

const agents: One = {
  id: 'agents',
  title: 'every enrolled agent is heard',
  about:
    'The agents of `roster`: silent ones, and those with batches that are known to be missing. A silent agent counts as incomplete in every answer.',
  remedy: 'On that site: `tributary-agent doctor`. An agent that is gone for good is taken out of `roster`.',
  after: ['running'],
  run: async ({ settings }, signal) => {
    const items = (await askHub<{ items: readonly HubAgent[] }>(settings, 'agents', signal))?.items
    if (items === undefined) return cannotTell('the console’s API does not answer')
    const silent = items.filter(({ enrolled, isSilent }) => enrolled && isSilent).map(({ agent }) => agent)
    const missing = items.filter((one) => one.missing > 0).map((one) => `${one.agent} (${one.missing} batches)`)
    const strangers = items.filter(({ enrolled }) => !enrolled).map(({ agent }) => agent)
    const words = [
      `${items.length - strangers.length} enrolled`,
      ...(silent.length > 0 ? [`silent: ${silent.join(', ')}`] : []),
      ...(missing.length > 0 ? [`with gaps: ${missing.join(', ')}`] : []),
      ...(strangers.length > 0 ? [`heard but not in roster: ${strangers.join(', ')}`] : []),
    ].join('; ')
    if (settings.roster.length === 0)
      return warn(items.length, `roster is empty; ${words}`, 'name the enrolled agents in roster, or nobody can be missed')
    return silent.length + missing.length + strangers.length > 0
      ? warn(silent.length, words, 'tributary-agent doctor on those sites')
      : pass(0, words)
  },
}

export const hubChecks: readonly One[] = [
  ...serviceChecks,
  inventory,
  ...linkChecks<HubConfig>({
    who: 'the region’s server',
    setting: 'nats.url',
    publishes: ({ tenant, region }: HubConfig) => [subjects.hubEpoch(tenant, region)],
    subscribes: ({ tenant, region }: HubConfig) => [subjects.beats(tenant, region)],
    stream: 'INBOX',
  }),
  streamsCheck('region-streams', 'the region’s streams are there and have room', () => [{ name: 'INBOX' }, { name: 'HUBS' }]),
  streamsCheck('core-streams', 'the core’s streams can be reached from here', (context) => {
    const { domain } = (context as HubCheckContext).settings.core
    return ['TRUNK', 'CLAIMS', 'CONTROL'].map((name) => ({ name, domain }))
  }),
  snapshot,
  spool,
  history,
  agents,
]
