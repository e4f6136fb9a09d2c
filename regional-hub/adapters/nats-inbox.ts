/**
 * The hub's side of its region's nats-server: batches in by the hub's own cursor, beats in, watermarks out.
 *
 * Promises: batches come in the stream's order, each with the cursor that stands behind it; nothing is forgotten by the stream above the
 * cursor that `release` was told. The stream takes this region's subjects only. A watermark that nobody hears is no error: there is another in a second.
 */
import { ensureStream, type NatsConnection } from '#shared/adapters/nats-connection.ts'
import { type Beat, headers, subjects, type Watermark } from '#shared/control.ts'
import { type Lane, lanes } from '#shared/records.ts'
import type { StreamCursor } from '../ports.ts'
import { purgeBelow, readStream } from './nats-cursor.ts'

export interface InboxMessage {
  readonly cursor: StreamCursor
  readonly tenant: string
  readonly agent: string
  readonly lane: Lane
  readonly epoch: string
  readonly seq: number
  /** Messages waiting behind this one. */
  readonly pending: number
  readonly frame: Uint8Array
}

export interface InboxOptions {
  readonly connection: NatsConnection
  readonly tenant: string
  readonly region: string
  readonly maxBytes?: number
  readonly onRewind: (words: string) => void
  readonly onRetry: (error: unknown) => void
  /** A message on our subjects that is none of ours. */
  readonly onForeign: (words: string) => void
}

export class NatsInbox {
  readonly #options: InboxOptions

  constructor(options: InboxOptions) {
    this.#options = options
  }

  async prepare(signal: AbortSignal): Promise<void> {
    const { connection, tenant, region, maxBytes } = this.#options
    await ensureStream(connection, 'INBOX', { maxBytes, subjects: [`ing.${tenant}.${region}.>`], signal })
  }

  async *read(from: StreamCursor, signal: AbortSignal): AsyncGenerator<InboxMessage> {
    const { connection, onRewind, onRetry, onForeign } = this.#options
    for await (const message of readStream(from, {
      connection,
      stream: 'INBOX',
      signal,
      onRewind,
      onRetry,
      makeStream: () => this.prepare(signal),
    })) {
      const [, tenant = '', , agent = '', lane = ''] = message.subject.split('.')
      const seq = Number(message.header(headers.seq))
      const epoch = message.header(headers.epoch)
      if (!lanes.includes(lane as Lane) || epoch === '' || !Number.isSafeInteger(seq)) {
        onForeign(`${message.subject}: no batch of an agent (epoch '${epoch}', number ${seq})`)
        continue
      }
      const { position, identity, pending, data: frame } = message
      yield { cursor: { position, identity }, tenant, agent, lane: lane as Lane, epoch, seq, pending, frame }
    }
  }

  /** What is below the cursor may go. */
  async release(cursor: StreamCursor): Promise<void> {
    await purgeBelow(this.#options.connection, 'INBOX', cursor)
  }

  /** Calls `heard` for every beat until the connection closes. */
  onBeat(heard: (beat: Beat) => void): () => void {
    const { connection, tenant, region, onForeign } = this.#options
    const subscription = connection.subscribe(subjects.beats(tenant, region), {
      callback: (error, message) => {
        if (error !== null) return
        const beat = parseBeat(message.string())
        if (beat === undefined || beat.agent !== message.subject.split('.')[3]) onForeign(`${message.subject}: no beat of that agent`)
        else heard(beat)
      },
    })
    return () => subscription.unsubscribe()
  }

  /** False when nobody is there to take it. */
  tell(agent: string, watermark: Watermark): boolean {
    const { connection, tenant, region } = this.#options
    if (connection.isClosed()) return false
    try {
      connection.publish(subjects.watermark(tenant, region, agent), JSON.stringify(watermark))
      return true
    } catch {
      return false // disconnected: the next second has the next one
    }
  }
}

function parseBeat(text: string): Beat | undefined {
  let beat: Beat
  try {
    beat = JSON.parse(text)
  } catch {
    return undefined
  }
  const whole = (value: unknown) => Number.isSafeInteger(value)
  const fine =
    typeof beat?.agent === 'string' &&
    typeof beat.epoch === 'string' &&
    typeof beat.watermarkMs === 'number' &&
    Array.isArray(beat.lanes) &&
    beat.lanes.every((one) => typeof one?.epoch === 'string' && lanes.includes(one.lane) && whole(one.highestSeq) && whole(one.oldestSeq))
  return fine ? beat : undefined
}
