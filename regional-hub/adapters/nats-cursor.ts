/**
 * Reads a JetStream stream in order from a position that the reader keeps, for ever: consumers that end, stall or vanish with their server are
 * opened again where the reader stands.
 *
 * A position is only worth something while the stream still has the same message there: after a power cut a stream reuses sequence numbers.
 * So a cursor remembers who its message was. When another message stands there now, or the stream ends below it, reading starts again at the
 * stream's state; whoever reads drops what it has seen.
 */
import { DeliverPolicy, JetStreamApiCodes, JetStreamApiError, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { isUnavailable, type NatsConnection } from '#shared/adapters/nats-connection.ts'
import { Unavailable } from '#shared/ports.ts'
import { retry, sleep } from '#shared/retry.ts'
import { type StreamCursor, startOfStream } from '../ports.ts'

export interface CursorOptions {
  readonly connection: NatsConnection
  readonly stream: string
  readonly domain?: string
  readonly filter?: string
  /** Start with the last message of each subject instead of a cursor. */
  readonly lastPerSubject?: boolean
  readonly signal: AbortSignal
  readonly batch?: number
  /** Makes the stream when the server no longer has it. Without it, somebody else will. */
  readonly makeStream?: () => Promise<void>
  readonly onRewind?: (words: string) => void
  readonly onRetry?: (error: unknown) => void
}

/** A stream's message with its place; `pending` counts what waits behind it. */
export interface StreamMessage {
  readonly position: number
  readonly identity: string
  readonly subject: string
  readonly data: Uint8Array
  readonly pending: number
  header(name: string): string
}

const stallMs = 3_000

export async function* readStream(from: StreamCursor, options: CursorOptions): AsyncGenerator<StreamMessage> {
  const { signal, onRetry } = options
  let cursor = from
  let failures = 0
  while (!signal.aborted) {
    try {
      const opened = await retry(() => openOrMake(cursor, options), {
        signal,
        firstDelayMs: 100,
        maxDelayMs: 2_000,
        onRetry: (error) => onRetry?.(error),
      })
      cursor = opened.cursor
      try {
        for await (const message of guarded(opened.messages, () => stalled(cursor, options), signal)) {
          const identity = identityOf(message.subject, message.info.timestampNanos)
          cursor = { position: message.seq, identity }
          failures = 0
          yield {
            position: message.seq,
            identity,
            subject: message.subject,
            data: message.data,
            pending: message.info.pending,
            header: (name) => message.headers?.get(name) ?? '',
          }
        }
      } finally {
        void opened.messages.close().catch(() => {})
      }
    } catch (error) {
      if (signal.aborted) return
      onRetry?.(error)
    }
    await sleep(Math.random() * Math.min(2_000, 50 * 2 ** Math.min(failures++, 6)), signal).catch(() => {})
  }
}

/** Milliseconds are what both the delivery and the stored message tell exactly. */
function identityOf(subject: string, timestampNanos: number): string {
  return `${subject} ${Math.floor(timestampNanos / 1e6)}`
}

export function isStreamMissing(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound
}

async function openOrMake(from: StreamCursor, options: CursorOptions) {
  try {
    return await open(from, options)
  } catch (error) {
    if (isStreamMissing(error)) await options.makeStream?.()
    throw error
  }
}

async function open(from: StreamCursor, options: CursorOptions) {
  const { connection, stream, domain, filter, batch = 512 } = options
  const cursor = await verified(from, options)
  const client = jetstream(connection, { domain, timeout: 5_000 })
  const consumer = await client.consumers.get(stream, {
    ...(filter !== undefined && { filter_subjects: filter }),
    ...(options.lastPerSubject && from.position === 0
      ? { deliver_policy: DeliverPolicy.LastPerSubject }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: cursor.position + 1 }),
    inactive_threshold: 60_000,
  })
  const messages = await consumer.consume({ max_messages: batch, expires: 5_000, idle_heartbeat: 1_000 })
  return { cursor, messages }
}

/** The cursor, or the start when the stream no longer has the message it stands on and ends below it, or has another one there. */
async function verified(cursor: StreamCursor, { connection, stream, domain, onRewind }: CursorOptions): Promise<StreamCursor> {
  if (cursor.position === 0) return cursor
  const manager = await jetstreamManager(connection, { domain, checkAPI: false, timeout: 5_000 })
  const { state } = await manager.streams.info(stream)
  if (state.last_seq < cursor.position) {
    onRewind?.(`stream ${stream} ends at ${state.last_seq}, below the cursor ${cursor.position}: reading again from its first message`)
    return startOfStream
  }
  if (cursor.identity === '' || state.first_seq > cursor.position) return cursor
  const stored = await manager.streams.getMessage(stream, { seq: cursor.position })
  if (stored === null) return cursor
  if (isSame(stored, cursor.identity)) return cursor
  onRewind?.(`stream ${stream} has another message at the cursor ${cursor.position}: reading again from its first message`)
  return startOfStream
}

/** Ends the consumer when the stream goes on without it. */
async function* guarded(
  messages: AsyncIterable<JsMsg> & { close(): Promise<unknown> },
  isStalled: () => Promise<boolean>,
  signal: AbortSignal,
): AsyncGenerator<JsMsg> {
  let quiet = true
  const end = () => void messages.close().catch(() => {})
  const watchdog = setInterval(() => {
    if (quiet)
      void isStalled().then(
        (stalls) => stalls && end(),
        () => {},
      )
    quiet = true
  }, stallMs)
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  try {
    for await (const message of messages) {
      quiet = false
      yield message
      quiet = false // a slow reader is no stalled consumer
    }
  } finally {
    clearInterval(watchdog)
    signal.removeEventListener('abort', end)
  }
}

/** True when the stream holds something for us beyond the cursor although nothing came. */
async function stalled(cursor: StreamCursor, { connection, stream, domain, filter }: CursorOptions): Promise<boolean> {
  const manager = await jetstreamManager(connection, { domain, checkAPI: false, timeout: 5_000 })
  const { state } = await manager.streams.info(stream)
  if (state.last_seq < cursor.position) return true
  if (state.last_seq === cursor.position || state.messages === 0) return false
  if (filter === undefined) return true
  const next = await manager.direct.getMessage(stream, { seq: cursor.position + 1, next_by_subj: filter }).catch(() => null)
  return next !== null
}

/**
 * Forgets everything below the cursor. Its own message stays, so that it can be told from a reused number; when it is not there any more, the
 * stream is not the one that was read, and nothing is forgotten.
 */
export async function purgeBelow(connection: NatsConnection, stream: string, { position, identity }: StreamCursor): Promise<void> {
  if (position <= 1) return
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 5_000 })
    const stored = await manager.streams.getMessage(stream, { seq: position })
    if (stored !== null && isSame(stored, identity)) await manager.streams.purge(stream, { seq: position })
  } catch (error) {
    if (isUnavailable(error) || isStreamMissing(error)) throw new Unavailable(`stream ${stream} cannot be purged now`, { cause: error })
    throw error
  }
}

/** The delivery's nanoseconds come as a double: half a microsecond may be rounded across a millisecond. */
function isSame(stored: { readonly subject: string; readonly time: Date }, identity: string): boolean {
  const [subject, stamp] = identity.split(' ')
  return stored.subject === subject && Math.abs(stored.time.getTime() - Number(stamp)) <= 1
}
