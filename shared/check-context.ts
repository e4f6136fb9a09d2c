/**
 * What checks look at: the settings as far as they could be read, and what several checks share, asked for once (the connection to the NATS
 * server, the answers of the running service). Nothing is opened before a check asks for it; `close` ends what was.
 */

import type { z } from 'zod'
import type { NatsAccess } from './adapters/nats-access.ts'
import { NatsProbe } from './adapters/nats-probe.ts'
import { ConfigError, loadConfig } from './config.ts'
import { describeError } from './errors.ts'

/** What the settings of all three services have in common. */
export interface CommonConfig {
  readonly dataDir: string
  readonly identity: { readonly keyFile: string }
  readonly admin: { readonly host: string; readonly port: number }
}

export interface PortNeed {
  readonly setting: string
  readonly host: string
  readonly port: number
  readonly kind: 'tcp' | 'udp'
}

export interface RunningService {
  readonly health: { readonly status: string; readonly checks: readonly { id: string; verdict: string; value: unknown; words: string }[] }
  readonly metrics: string
  /** The service's own document, where it has one. */
  readonly site: unknown
}

export interface NatsFacts {
  readonly url: string
  readonly name: string
  readonly access?: NatsAccess
}

export interface CheckContextOptions<C extends CommonConfig> {
  readonly service: string
  readonly configFile: string
  readonly load: () => C
  /** `name`: what its own connection is called there. */
  readonly nats: (config: C) => NatsFacts
  /** Bytes its stores may grow to. */
  readonly quotaBytes: (config: C) => number
  readonly ports: (config: C) => readonly PortNeed[]
  /** The checks run in the service itself, which does not ask itself. */
  readonly inside?: boolean
}

export class CheckContext<C extends CommonConfig = CommonConfig> {
  readonly service: string
  readonly configFile: string
  readonly config: C | undefined
  readonly configProblem: string
  readonly #inside: boolean
  /** Closures over the settings: a context of particular settings is one of settings in general. */
  readonly #facts: () => { nats: NatsFacts; quotaBytes: number; ports: readonly PortNeed[] }
  #probe: Promise<NatsProbe> | undefined
  #running: Promise<RunningService | undefined> | undefined

  constructor(options: CheckContextOptions<C>) {
    this.#inside = options.inside === true
    this.#facts = () => {
      const settings = this.settings
      return { nats: options.nats(settings), quotaBytes: options.quotaBytes(settings), ports: options.ports(settings) }
    }
    this.service = options.service
    this.configFile = options.configFile
    let config: C | undefined
    let problem = ''
    try {
      config = options.load()
    } catch (error) {
      problem =
        error instanceof ConfigError
          ? error.problems.map(({ where, path, words }) => `${where}: ${path === '' ? '' : `${path}: `}${words}`).join('; ')
          : describeError(error)
    }
    this.config = config
    this.configProblem = problem
  }

  /** Only for checks that come after `config`. */
  get settings(): C {
    if (this.config === undefined) throw new Error(this.configProblem)
    return this.config
  }

  get nats(): NatsFacts {
    return this.#facts().nats
  }

  get quotaBytes(): number {
    return this.#facts().quotaBytes
  }

  get ports(): readonly PortNeed[] {
    return this.#facts().ports
  }

  get adminUrl(): string {
    const { host, port } = this.settings.admin
    return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  }

  probe(): Promise<NatsProbe> {
    this.#probe ??= NatsProbe.open(this.nats.url, this.nats.access, this.nats.name)
    return this.#probe
  }

  /** Undefined when nobody answers there. */
  running(): Promise<RunningService | undefined> {
    this.#running ??= this.#inside ? Promise.resolve(undefined) : askRunning(this.adminUrl)
    return this.#running
  }

  async close(): Promise<void> {
    await this.#probe?.then((probe) => probe.close()).catch(() => {}) // one that never opened needs no closing
  }
}

/** Settings for commands: as `run` loads them. */
export function loaderOf<S extends z.ZodType>(schema: S, file: string): () => z.output<S> {
  return () => loadConfig(schema, file)
}

export async function askRunning(adminUrl: string, timeoutMs = 1_500): Promise<RunningService | undefined> {
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const [health, metrics, site] = await Promise.all(
      ['/health', '/metrics', '/site'].map((path) => fetch(`${adminUrl}${path}`, { signal })),
    )
    return {
      health: (await health!.json()) as RunningService['health'],
      metrics: await metrics!.text(),
      site: await (site!.ok ? site!.json() : site!.text().then(() => undefined)),
    }
  } catch {
    return undefined
  }
}

/** The value of a metric, summed over the series whose labels hold all of `labels`; undefined when there is none. */
export function metricOf(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  let sum: number | undefined
  for (const line of text.split('\n')) {
    if (!line.startsWith(name) || !'{ '.includes(line[name.length] ?? '#')) continue
    if (!Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`))) continue
    sum = (sum ?? 0) + Number(line.slice(line.lastIndexOf(' ')))
  }
  return sum
}
