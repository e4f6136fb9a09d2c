/** The core's checks, in the order in which one would look: what it is started with, the machine, the process, its server, then trunk, stores and API. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CheckContext, loaderOf, metricOf } from '#shared/check-context.ts'
import { humanBytes } from '#shared/check-host.ts'
import { linkChecks } from '#shared/check-link.ts'
import { serviceChecks } from '#shared/check-service.ts'
import { streamsCheck } from '#shared/check-streams.ts'
import { bad, type Check, cannotTell, pass, warn } from '#shared/checks.ts'
import { subjects } from '#shared/control.ts'
import { type CoreConfig, configSchema } from './config.ts'

export interface CoreProbes {
  /** API keys that are neither revoked nor past their end; undefined while there is no store of them. */
  readonly validKeys?: (dataDir: string) => number | undefined
}

export class CoreCheckContext extends CheckContext<CoreConfig> {
  readonly probes: CoreProbes

  /** `running`: the checks run in the core itself, with these settings. */
  constructor(configFile: string, probes: CoreProbes = {}, running?: CoreConfig) {
    super({
      service: 'core',
      configFile,
      load: running === undefined ? loaderOf(configSchema, configFile) : () => running,
      inside: running !== undefined,
      nats: ({ nats }) => ({ url: nats.url, name: 'core' }),
      quotaBytes: () => 2 ** 30, // history has no quota: retention bounds it; a GiB is what a day or two may need
      ports: ({ api, admin }) => [
        { setting: 'api.port', host: api.host, port: api.port, kind: 'tcp' },
        { setting: 'admin.port', host: admin.host, port: admin.port, kind: 'tcp' },
      ],
    })
    this.probes = probes
  }
}

type One = Check<CoreCheckContext>

/** How far the core is behind its trunk, in frames; undefined when either end does not tell. */
export async function trunkLag(context: CoreCheckContext): Promise<number | undefined> {
  const running = await context.running()
  const position = running?.health.checks.find(({ id }) => id === 'intake')?.value
  const stream = await (await context.probe()).stream('TRUNK').catch(() => undefined)
  return typeof position === 'number' && stream !== undefined ? Math.max(0, stream.lastSeq - position) : undefined
}

const lag: One = {
  id: 'trunk-lag',
  title: 'the core keeps up with its trunk',
  about:
    'How many frames of the trunk are not stored yet. A few hundred come and go; thousands that grow mean that the disk or the processor does not keep up.',
  remedy: 'See fsync, memory and the core’s log. Nothing is lost: the trunk keeps what is not stored.',
  after: ['running', 'hub-nats'],
  run: async (context) => {
    const behind = await trunkLag(context)
    if (behind === undefined) return cannotTell('the core does not run, or there is no trunk yet')
    const words = `${behind} frames are not stored yet`
    return behind > 5_000 ? warn(behind, words, 'see fsync and memory') : pass(behind, words)
  },
}

const history: One = {
  id: 'core-history',
  title: 'history is there and can be kept',
  about:
    'The files of history, their size, whether writes were refused since the start, and how the growth of the last day fits the disk and the retention.',
  remedy: 'A larger disk, or a shorter `retention.hours`.',
  after: ['data-dir'],
  run: async (context) => {
    const dir = join(context.settings.dataDir, 'history')
    if (!existsSync(dir)) return cannotTell('there is none yet')
    const files = readdirSync(dir).map((name) => ({ name, ...facts(join(dir, name)) }))
    const bytes = files.reduce((sum, { size }) => sum + size, 0)
    const refusals = metricOf((await context.running())?.metrics ?? '', 'tributary_core_store_refusals_total') ?? 0
    const words = `${files.length} files, ${humanBytes(bytes)}, kept for ${context.settings.retention.hours} h; ${refusals} writes refused since the start`
    return refusals > 0 ? bad(refusals, words, 'see disk-space and the core’s log') : pass(bytes, words)
  },
}

const api: One = {
  id: 'api',
  title: 'the API answers',
  about: 'Asks `/health` of the API’s own address, as a user would.',
  remedy: 'Start the core; if it runs, see ports and its log.',
  after: ['running'],
  run: async ({ settings }, signal) => {
    const { host, port } = settings.api
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/health`
    const startedMs = performance.now()
    const response = await fetch(url, { signal }).catch(() => undefined)
    const tookMs = Math.round(performance.now() - startedMs)
    if (response === undefined) return bad(null, `${url} does not answer`, 'start the core, or correct api.port')
    await response.arrayBuffer()
    return response.ok
      ? pass(tookMs, `${url} in ${tookMs} ms`)
      : bad(response.status, `${url}: status ${response.status}`, 'see the core’s log')
  },
}

const keys: One = {
  id: 'api-keys',
  title: 'somebody may ask',
  about: 'How many API keys are valid. Without one nobody gets an answer.',
  remedy: '`tributary-core key create --scopes all --name WHAT-FOR`.',
  after: ['data-dir'],
  run: ({ probes, settings }) => {
    const valid = probes.validKeys?.(settings.dataDir)
    if (valid === undefined) return cannotTell('there is no store of keys yet')
    return valid === 0
      ? warn(0, 'there is no valid API key', 'tributary-core key create --scopes all --name WHAT-FOR')
      : pass(valid, `${valid} valid keys`)
  },
}

export const coreChecks: readonly One[] = [
  ...serviceChecks,
  ...linkChecks<CoreConfig>({
    who: 'the core’s server',
    setting: 'nats.url',
    publishes: ({ tenant }: CoreConfig) => [subjects.fence(tenant, 'doctor'), subjects.notice(tenant, 'doctor')],
    subscribes: ({ tenant }: CoreConfig) => [subjects.claim(tenant, '*')],
    stream: 'TRUNK',
  }),
  streamsCheck('core-streams', 'the core’s streams are there and have room', () =>
    ['TRUNK', 'CLAIMS', 'CONTROL'].map((name) => ({ name })),
  ),
  lag,
  history,
  api,
  keys,
]

function facts(file: string): { size: number } {
  try {
    return { size: statSync(file).size }
  } catch {
    return { size: 0 } // removed by retention while it was looked at
  }
}
