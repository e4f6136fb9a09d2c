/**
 * The one way to a NATS server: connects when it can, never gives up, and refuses a server too old to be trusted.
 *
 * A publish or request while nobody is there fails at once with an error that `isUnavailable` recognises: the caller still owns what it
 * wanted to hand over and tries again. Nothing is buffered here.
 */
import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream'
import {
  ClosedConnectionError,
  ConnectionError,
  connect,
  DrainingConnectionError,
  type NatsConnection,
  NoRespondersError,
  nanos,
  RequestError,
  TimeoutError,
} from '@nats-io/transport-node'
import { type StreamName, streams } from '../control.ts'
import { describeError, fail, findError } from '../errors.ts'
import { Unavailable } from '../ports.ts'
import { delayCeilingMs, retry } from '../retry.ts'
import { accessOptions, type NatsAccess, refusalWords } from './nats-access.ts'

export type { NatsConnection } from '@nats-io/transport-node'

/** What became of the connection, in words. `refused`: a server answered that may not be used, or that does not let us in. */
export interface NatsStatus {
  readonly kind: 'connected' | 'disconnected' | 'refused' | 'slow' | 'closed'
  readonly words: string
}

export interface NatsOptions {
  /** One or several, comma separated: nats://host:port. */
  readonly url: string
  /** Shown in the server's connection list. */
  readonly name: string
  /** Default: a prefix of its own, so that no other client's permissions cover its replies. */
  readonly inboxPrefix?: string
  /** Who we are and whom we trust; absent: nobody in particular. */
  readonly access?: NatsAccess
  /** Ends the attempts to connect, and closes the connection. */
  readonly signal?: AbortSignal
  readonly onStatus?: (status: NatsStatus) => void
}

/** Waits until a server answers. Rejects when the signal aborts or the server's version is below the floor. */
export async function connectNats(options: NatsOptions): Promise<NatsConnection> {
  const { url, name, signal = new AbortController().signal, onStatus = () => {} } = options
  let attempts = 0
  const open = () =>
    connect({
      servers: url.split(',').map((one) => one.trim()),
      name,
      inboxPrefix: options.inboxPrefix ?? `_INBOX_${name.replace(/[^A-Za-z0-9_-]/g, '_')}`,
      maxReconnectAttempts: -1,
      reconnectDelayHandler: () => 50 + Math.random() * delayCeilingMs(++attempts, 100, 2_000),
      ignoreAuthErrorAbort: true, // a wrong credential may be mended at the hub; giving up would cost a visit
      pingInterval: 10_000,
      maxPingOut: 2,
      timeout: 5_000,
      ignoreClusterUpdates: true,
      ...accessOptions(options.access),
    })
  const connection = await retry(open, {
    signal,
    firstDelayMs: 100,
    maxDelayMs: 2_000,
    onRetry: (error, attempt) =>
      onStatus({ kind: 'disconnected', words: `${url}, attempt ${attempt}: ${refusalWords(error, options.access)}` }),
  })
  const tooOld = versionProblem(connection.info?.version ?? '')
  if (tooOld !== undefined || signal.aborted) {
    await connection.close()
    signal.throwIfAborted()
    fail('nats-version', `${url}: ${tooOld}`)
  }
  onStatus({ kind: 'connected', words: `${connection.getServer()}, nats-server ${connection.info?.version}` })
  void watch(connection, onStatus, () => {
    attempts = 0
  })
  signal.addEventListener('abort', () => void connection.close(), { once: true })
  return connection
}

async function watch(connection: NatsConnection, onStatus: (status: NatsStatus) => void, reset: () => void): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'reconnect') {
      reset()
      const tooOld = versionProblem(connection.info?.version ?? '')
      if (tooOld !== undefined) onStatus({ kind: 'refused', words: `${status.server}: ${tooOld}` })
      else onStatus({ kind: 'connected', words: `${status.server}, nats-server ${connection.info?.version}` })
    } else if (status.type === 'disconnect') onStatus({ kind: 'disconnected', words: `${status.server} is gone; trying again` })
    else if (status.type === 'staleConnection') onStatus({ kind: 'disconnected', words: 'the server stopped answering; dialling anew' })
    else if (status.type === 'error') onStatus({ kind: 'refused', words: describeError(status.error) })
    else if (status.type === 'slowConsumer') onStatus({ kind: 'slow', words: `${status.pending} messages wait to be read` })
    else if (status.type === 'close') onStatus({ kind: 'closed', words: 'the connection is closed' })
  }
}

/** The floor, with what is open below it; undefined when the version may be used. */
export function versionProblem(version: string): string | undefined {
  const parts = /^(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number)
  const [major = 0, minor = 0, patch = 0] = parts ?? []
  const fine = major > 2 || (major === 2 && (minor > 14 || (minor === 14 && patch >= 3) || (minor === 12 && patch >= 12)))
  if (fine) return undefined
  const why = minor < 10 && major <= 2 ? 'it cannot sync on every write' : 'it has open security holes'
  return `nats-server ${version === '' ? 'of unknown version' : version} is below 2.14.3 and 2.12.12: ${why}`
}

export interface StreamOptions {
  readonly domain?: string
  readonly replicas?: number
  readonly maxBytes?: number
  /** Instead of the stream's general ones. A region's streams take their own region's: a leaf node passes the interest of one region on to all others. */
  readonly subjects?: readonly string[]
  /** With it, waits for JetStream to be there instead of throwing `Unavailable`. */
  readonly signal?: AbortSignal
}

/** Makes the stream, or brings an existing one to these settings. What is stored stays. */
export async function ensureStream(connection: NatsConnection, name: StreamName, options: StreamOptions = {}): Promise<void> {
  const wanted = streamConfig(name, options)
  const once = async (attempt: number) => {
    try {
      // A request sent while the link is down is lost, so the first waits are short; a slow link gets longer ones.
      const timeout = options.signal === undefined ? 5_000 : Math.min(10_000, 1_000 * attempt)
      const manager = await jetstreamManager(connection, { domain: options.domain, checkAPI: false, timeout })
      await bringTo(manager, wanted)
    } catch (error) {
      throw isUnavailable(error) ? unavailable(error, `stream ${name}`) : error
    }
  }
  if (options.signal === undefined) await once(1)
  else await retry(once, { signal: options.signal, maxDelayMs: 2_000, retryable: isUnavailable })
}

/** `discard: new` refuses when full; where only the last value per subject counts, the old one makes room. */
function streamConfig(name: StreamName, { replicas = 1, maxBytes, subjects = streams[name].subjects }: StreamOptions) {
  const { maxAgeDays, maxBytes: defaultBytes, lastPerSubject } = streams[name]
  return {
    name,
    subjects: [...subjects],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: lastPerSubject ? DiscardPolicy.Old : DiscardPolicy.New,
    max_msgs_per_subject: lastPerSubject ? 1 : -1,
    max_age: nanos(maxAgeDays * 24 * 3600_000),
    max_bytes: maxBytes ?? defaultBytes,
    allow_direct: true,
    num_replicas: replicas,
    duplicate_window: nanos(120_000), // a saving on the wire only: it forgets at a restart and nothing relies on it
  } satisfies Partial<StreamConfig> & { name: string }
}

async function bringTo(manager: JetStreamManager, wanted: ReturnType<typeof streamConfig>): Promise<void> {
  try {
    const info = await infoOf(manager, wanted.name)
    if (info === undefined) {
      await manager.streams.add(wanted)
      return
    }
    const differs = (Object.keys(wanted) as (keyof typeof wanted)[]).filter(
      (key) => JSON.stringify(info.config[key]) !== JSON.stringify(wanted[key]),
    )
    if (differs.length > 0) await manager.streams.update(wanted.name, wanted)
  } catch (cause) {
    if (cause instanceof JetStreamApiError && !isUnavailable(cause)) {
      fail('nats-stream', `stream ${wanted.name} (${wanted.max_bytes} bytes, ${wanted.num_replicas} replicas): ${cause.message}`, { cause })
    }
    throw cause
  }
}

async function infoOf(manager: JetStreamManager, name: string): Promise<{ config: StreamConfig } | undefined> {
  try {
    return await manager.streams.info(name)
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === streamNotFound) return undefined
    throw error
  }
}

const streamNotFound = 10059
/** JetStream's own words for "not now": cluster without leader, offline, starting, peer or resources missing for the moment, a full stream (10077). */
const passing = new Set([10003, 10004, 10007, 10008, 10009, 10077, 10118, 10194])

/** Nobody takes it now (no connection, server, JetStream or leader, or the stream is full); the same call may succeed later. */
export function isUnavailable(error: unknown): boolean {
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    if (one instanceof Unavailable || one instanceof TimeoutError || one instanceof NoRespondersError) return true
    if (one instanceof ClosedConnectionError || one instanceof DrainingConnectionError || one instanceof ConnectionError) return true
    if (one instanceof RequestError && one.isNoResponders()) return true
    if (one.name === 'JetStreamNotEnabled' || one.name === 'TimeoutError') return true
    if (one instanceof JetStreamApiError && (passing.has(one.code) || one.status === 503)) return true
    if (findError(one, 'nats-unreachable') !== undefined) return true
  }
  return false
}

export function unavailable(cause: unknown, words: string): Unavailable {
  return new Unavailable(`${words}: nobody answers now (${describeError(cause)})`, { cause })
}
