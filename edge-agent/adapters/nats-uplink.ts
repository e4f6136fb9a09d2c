/**
 * The way to the region's nats-server: publishes rows into its INBOX stream with PubAck, beats, and hears the hub's watermarks.
 *
 * Starts without a server and looks for one for ever; nothing is buffered here while none is there. The hub makes the stream: until then a
 * publish finds no responder and is tried again like any other absence.
 */
import { type JetStreamClient, jetstream } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import type { NatsAccess } from '#shared/adapters/nats-access.ts'
import { connectNats, isUnavailable, type NatsConnection, type NatsStatus, unavailable } from '#shared/adapters/nats-connection.ts'
import { type Beat, headers as headerNames, subjects, type Watermark } from '#shared/control.ts'
import { type Component, Unavailable } from '#shared/ports.ts'
import { retry } from '#shared/retry.ts'
import type { OutboxRow, Uplink } from '../ports.ts'

export interface NatsUplinkOptions {
  readonly url: string
  readonly access?: NatsAccess
  readonly tenant: string
  readonly region: string
  readonly agent: string
  readonly publishTimeoutMs: number
  readonly onStatus: (status: NatsStatus) => void
  readonly onConnected: () => void
  readonly onWatermark: (watermark: Watermark) => void
}

export class NatsUplink implements Uplink, Component {
  readonly name = 'uplink'
  readonly #options: NatsUplinkOptions
  #connection: NatsConnection | undefined
  #jetstream: JetStreamClient | undefined
  #connected = false
  readonly #abort = new AbortController()

  constructor(options: NatsUplinkOptions) {
    this.#options = options
  }

  get connected(): boolean {
    return this.#connected
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#abort.abort(signal.reason), { once: true })
    void this.#connect().catch(() => {}) // ends only by the abort
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error('stopped'))
    this.#connected = false
    await this.#connection?.close()
  }

  async publish(row: OutboxRow, round: number): Promise<void> {
    const { tenant, region, agent, publishTimeoutMs: timeout } = this.#options
    if (this.#jetstream === undefined || !this.#connected) throw new Unavailable('the region’s server is not connected')
    const { epoch, lane, seq, record, rows, frame } = row
    const set = headers()
    set.set(headerNames.epoch, epoch)
    set.set(headerNames.seq, String(seq))
    set.set(headerNames.record, record)
    set.set(headerNames.rows, String(rows))
    try {
      const msgID = `${agent}.${epoch}.${lane}.${seq}.${round}`
      await this.#jetstream.publish(subjects.ingest(tenant, region, agent, lane), frame, { headers: set, msgID, timeout })
    } catch (error) {
      throw isUnavailable(error) ? unavailable(error, `lane ${lane}, number ${seq}`) : error
    }
  }

  beat(beat: Beat): void {
    const { tenant, region, agent } = this.#options
    if (this.#connected) this.#connection?.publish(subjects.beat(tenant, region, agent), JSON.stringify(beat))
  }

  async #connect(): Promise<void> {
    const { url, access, agent, onStatus } = this.#options
    const { signal } = this.#abort
    const connection = await retry(
      () => connectNats({ url, access, name: `agent-${agent}`, signal, onStatus: (status) => this.#status(status) }),
      {
        signal,
        firstDelayMs: 5_000, // it came here only because a server answered that may not be used
        onRetry: (error) => onStatus({ kind: 'refused', words: (error as Error).message }),
      },
    )
    this.#connection = connection
    this.#jetstream = jetstream(connection)
    this.#hearWatermarks(connection)
    this.#online()
  }

  #status(status: NatsStatus): void {
    const { onStatus } = this.#options
    if (status.kind === 'disconnected' || status.kind === 'closed') this.#connected = false
    if (status.kind === 'connected' && this.#jetstream !== undefined) this.#online()
    onStatus(status)
  }

  #online(): void {
    this.#connected = true
    this.#options.onConnected()
  }

  #hearWatermarks(connection: NatsConnection): void {
    const { tenant, region, agent, onStatus, onWatermark } = this.#options
    connection.subscribe(subjects.watermark(tenant, region, agent), {
      callback: (error, message) => {
        if (error) onStatus({ kind: 'refused', words: error.message })
        else {
          const watermark = readWatermark(message.data)
          if (watermark?.region === region) onWatermark(watermark)
        }
      },
    })
  }
}

/** Undefined when the octets are no watermark: the hub says it again every second. */
function readWatermark(octets: Uint8Array): Watermark | undefined {
  try {
    const value = JSON.parse(Buffer.from(octets).toString('utf8')) as Watermark
    const sound = Number.isSafeInteger(value.hubEpoch) && Array.isArray(value.lanes)
    return sound &&
      value.lanes.every(({ epoch, lane, seq }) => typeof epoch === 'string' && typeof lane === 'string' && Number.isSafeInteger(seq))
      ? value
      : undefined
  } catch {
    return undefined
  }
}
