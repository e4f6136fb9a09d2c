/**
 * One connection to a NATS server for looking at it: version, rights, round trip, goodput, its clock, its streams. Tries once and never
 * waits for a server to come back. Leaves nothing behind: what it publishes goes to its own inbox, or is such that JetStream refuses it.
 */
import { JetStreamApiError, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { AuthorizationError, connect, createInbox, type NatsConnection, PermissionViolationError } from '@nats-io/transport-node'
import { describeError } from '../errors.ts'
import { accessOptions, type NatsAccess } from './nats-access.ts'
import { isUnavailable, versionProblem } from './nats-connection.ts'

/** What became of asking whether something is allowed. `absent`: allowed, but nobody is there to take it. */
export type Permission = 'allowed' | 'refused' | 'absent' | 'unknown'

export interface StreamFacts {
  readonly name: string
  readonly messages: number
  readonly bytes: number
  readonly maxBytes: number
  readonly subjects: readonly string[]
  readonly lastSeq: number
}

export interface Echo {
  readonly sent: number
  readonly back: number
  readonly bytesPerSecond: number
  /** We may not write to our own inbox, so nothing was measured. */
  readonly refused: boolean
}

export class NatsProbe {
  readonly #connection: NatsConnection
  readonly #inboxPrefix: string
  readonly #refused: PermissionViolationError[] = []

  private constructor(connection: NatsConnection, inboxPrefix: string) {
    this.#connection = connection
    this.#inboxPrefix = inboxPrefix
    void this.#watch()
  }

  /** `name` is the service's own, so that its rights to its replies are ours. Rejects when the server cannot be reached or does not let us in. */
  static async open(url: string, access: NatsAccess | undefined, name: string): Promise<NatsProbe> {
    const inboxPrefix = `_INBOX_${name.replace(/[^A-Za-z0-9_-]/g, '_')}`
    const connection = await connect({
      servers: url.split(',').map((one) => one.trim()),
      name: `doctor of ${name}`,
      reconnect: false,
      maxReconnectAttempts: 0,
      timeout: 2_500,
      ignoreClusterUpdates: true,
      inboxPrefix,
      ...accessOptions(access),
    })
    return new NatsProbe(connection, inboxPrefix)
  }

  get version(): string {
    return this.#connection.info?.version ?? ''
  }

  get versionProblem(): string | undefined {
    return versionProblem(this.version)
  }

  get server(): string {
    return this.#connection.getServer()
  }

  get jetstream(): boolean {
    return this.#connection.info?.jetstream ?? false
  }

  /** Milliseconds of each round trip that came back. */
  async roundTrips(times: number, signal: AbortSignal): Promise<number[]> {
    const took: number[] = []
    for (let at = 0; at < times && !signal.aborted; at++) {
      const startedMs = performance.now()
      await this.#connection.flush()
      took.push(performance.now() - startedMs)
    }
    return took
  }

  /** Messages to our own inbox and back: what the link carries, both ways at once. */
  async echo(messages: number, bytes: number, signal: AbortSignal): Promise<Echo> {
    const inbox = createInbox(this.#inboxPrefix)
    const payload = new Uint8Array(bytes).map((_, at) => (at * 2_654_435_761) >>> 24)
    const subscription = this.#connection.subscribe(inbox, { max: messages })
    await this.#connection.flush()
    const startedMs = performance.now()
    let back = 0
    const stop = () => subscription.unsubscribe()
    signal.addEventListener('abort', stop, { once: true })
    for (let at = 0; at < messages; at++) this.#connection.publish(inbox, payload)
    for await (const _ of subscription) back++
    signal.removeEventListener('abort', stop)
    const tookS = (performance.now() - startedMs) / 1000
    return { sent: messages, back, bytesPerSecond: (back * bytes) / tookS, refused: this.#refused.some(({ subject }) => subject === inbox) }
  }

  /** May we publish there? Asked with a message that no stream takes: it expects a stream that does not exist. */
  async mayPublish(subject: string, timeoutMs = 1_500): Promise<Permission> {
    try {
      await jetstream(this.#connection).publish(subject, new Uint8Array(), {
        expect: { streamName: 'no-such-stream' },
        timeout: timeoutMs,
        retries: 0,
      })
      return 'unknown' // it cannot have been taken
    } catch (error) {
      if (this.#wasRefused(subject, error)) return 'refused'
      if (error instanceof JetStreamApiError) return 'allowed'
      if (isUnavailable(error)) return (await this.#refusedMeanwhile(subject)) ? 'refused' : 'absent'
      return 'unknown'
    }
  }

  async maySubscribe(subject: string): Promise<Permission> {
    const subscription = this.#connection.subscribe(subject, { callback: () => {} })
    try {
      return (await this.#refusedMeanwhile(subject)) ? 'refused' : 'allowed'
    } finally {
      if (!subscription.isClosed()) subscription.unsubscribe()
    }
  }

  /** Milliseconds by which this machine's clock is ahead of the server's, and half the round trip it is known to; undefined where it may not be asked. */
  async clockOffset(stream: string): Promise<{ offsetMs: number; withinMs: number } | undefined> {
    try {
      const manager = await this.#manager()
      await manager.streams.info(stream) // the first answer pays for what the connection still has to set up
      const startedMs = Date.now()
      const info = (await manager.streams.info(stream)) as unknown as { ts?: string }
      const endedMs = Date.now()
      const serverMs = Date.parse(info.ts ?? '')
      return Number.isNaN(serverMs) ? undefined : { offsetMs: (startedMs + endedMs) / 2 - serverMs, withinMs: (endedMs - startedMs) / 2 }
    } catch {
      return undefined
    }
  }

  /** Undefined: there is no such stream. Throws `Unavailable`-like errors when JetStream does not answer. */
  async stream(name: string, domain?: string): Promise<StreamFacts | undefined> {
    try {
      const { config, state } = await (await this.#manager(domain)).streams.info(name)
      return {
        name,
        messages: state.messages,
        bytes: state.bytes,
        maxBytes: config.max_bytes,
        subjects: config.subjects ?? [],
        lastSeq: state.last_seq,
      }
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === 10059) return undefined
      throw error
    }
  }

  /** Bytes that all streams together may take, as far as the server tells; undefined: no limit is told. */
  async storageLimit(): Promise<number | undefined> {
    const { limits } = await (await this.#manager()).getAccountInfo()
    return limits.max_storage > 0 ? limits.max_storage : undefined
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }

  #manager(domain?: string) {
    return jetstreamManager(this.#connection, { checkAPI: false, timeout: 1_500, ...(domain === undefined ? {} : { domain }) })
  }

  #wasRefused(subject: string, error: unknown): boolean {
    for (let one: unknown = error; one instanceof Error; one = one.cause) if (one instanceof PermissionViolationError) return true
    return this.#refused.some((one) => one.subject === subject)
  }

  async #refusedMeanwhile(subject: string): Promise<boolean> {
    await this.#connection.flush()
    await new Promise((resolve) => setTimeout(resolve, 20)) // the server's word comes as a message of its own
    return this.#refused.some((one) => one.subject === subject)
  }

  async #watch(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === 'error' && status.error instanceof PermissionViolationError) this.#refused.push(status.error)
    }
  }
}

/** The server answered, and did not let us in. */
export function isRefusal(error: unknown): boolean {
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    if (one instanceof AuthorizationError || /authorization|authentication/i.test(one.message)) return true
  }
  return false
}

export function probeWords(error: unknown): string {
  return describeError(error)
}
