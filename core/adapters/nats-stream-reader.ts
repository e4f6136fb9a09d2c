/**
 * Reads a JetStream stream in order by a cursor of our own, never by the broker's redelivery. The stream keeps what is unread.
 *
 * Promise: every stored message above the position is yielded in order at least once, whatever restarts in between. A consumer that ends,
 * falls silent or skips is opened again above the last message yielded. A cursor beyond the stream's end, or of an earlier incarnation of
 * the stream, starts again at the stream's state: what comes twice is harmless, what is skipped would be lost.
 */
import { type ConsumerMessages, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { ensureStream, type NatsConnection } from '#shared/adapters/nats-connection.ts'
import type { StreamName } from '#shared/control.ts'
import { describeError } from '#shared/errors.ts'
import { sleep } from '#shared/retry.ts'
import type { NatsAccess } from './nats-core.ts'

const groupMessages = 256
const groupBytes = 8 << 20
const checkEveryMs = 10_000

export interface NatsStreamReaderOptions {
  readonly stream: StreamName
  /** Only these subjects; all of the stream's without it. */
  readonly filter?: string
  readonly nats: NatsAccess
  /** The incarnation of the stream the cursor belongs to; '' when none was read yet. */
  readonly generation: string
  readonly restarted: (words: string) => void
  readonly streamReset: (position: number, generation: string) => void
}

export class NatsStreamReader {
  readonly #options: NatsStreamReaderOptions
  #generation: string
  #position = 0

  constructor(options: NatsStreamReaderOptions) {
    this.#options = options
    this.#generation = options.generation
  }

  /** Names the incarnation of the stream that was read last. */
  get generation(): string {
    return this.#generation
  }

  async *read(afterPosition: number, signal: AbortSignal): AsyncIterable<readonly JsMsg[]> {
    this.#position = afterPosition
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        for await (const group of this.#readOnce(signal)) {
          failures = 0
          yield group
          this.#position = group.at(-1)!.seq
        }
        if (signal.aborted) return
        this.#options.restarted('the consumer ended')
      } catch (error) {
        if (signal.aborted) return
        this.#options.restarted(describeError(error))
      }
      await sleep(50 + Math.random() * Math.min(5_000, 100 * 2 ** Math.min(failures, 6)), signal).catch(() => {})
    }
  }

  /** Everything up to and including `position` may be forgotten. */
  async release(position: number, signal: AbortSignal): Promise<void> {
    const { stream, filter } = this.#options
    const manager = await jetstreamManager(await this.#options.nats.connection(signal), { checkAPI: false })
    await manager.streams.purge(stream, { seq: position + 1, ...(filter !== undefined && { filter }) })
  }

  async *#readOnce(signal: AbortSignal): AsyncIterable<readonly JsMsg[]> {
    const { stream, filter, nats } = this.#options
    const connection = await this.#options.nats.connection(signal)
    await ensureStream(connection, stream, { signal })
    await this.#placeCursor(connection)
    const consumer = await jetstream(connection).consumers.get(stream, {
      opt_start_seq: this.#position + 1,
      ...(filter !== undefined && { filter_subjects: filter }),
    })
    const messages = await consumer.consume({ max_messages: 2 * groupMessages })
    const stop = () => void messages.close()
    signal.addEventListener('abort', stop, { once: true })
    const forget = nats.onReconnect(stop) // a server that was gone knows the consumer no more; its silence would be noticed only in 30 s
    if (signal.aborted) stop() // it aborted while the consumer was being made
    const check = setInterval(() => void this.#check(connection, messages), checkEveryMs)
    try {
      yield* groupsOf(messages)
    } finally {
      clearInterval(check)
      forget()
      signal.removeEventListener('abort', stop)
      await messages.close()
    }
  }

  /** Where the stream is another one, or shorter than the cursor, reading starts at its state. */
  async #placeCursor(connection: NatsConnection): Promise<void> {
    const { state, created } = await (await jetstreamManager(connection, { checkAPI: false })).streams.info(this.#options.stream)
    const isOther = this.#generation !== '' && created !== this.#generation
    if (isOther || this.#position > state.last_seq) {
      this.#position = Math.max(0, state.first_seq - 1)
      this.#options.streamReset(this.#position, created)
    }
    this.#generation = created
  }

  /** An ordered consumer survives most restarts by itself; a stream that was made anew under it is seen here. */
  async #check(connection: NatsConnection, messages: ConsumerMessages): Promise<void> {
    try {
      const { state, created } = await (await jetstreamManager(connection, { checkAPI: false })).streams.info(this.#options.stream)
      if (created !== this.#generation || state.last_seq < this.#position) await messages.close()
    } catch {
      // nobody answers now: the consumer's own heartbeats deal with that
    }
  }
}

/** What has arrived together is handled together: a group ends where nothing more waits, or at its bound. */
async function* groupsOf(messages: ConsumerMessages): AsyncIterable<readonly JsMsg[]> {
  const iterator = messages[Symbol.asyncIterator]()
  for (;;) {
    const first = await iterator.next()
    if (first.done) return
    const group = [first.value]
    let bytes = first.value.data.length
    while (messages.getPending() > 0 && group.length < groupMessages && bytes < groupBytes) {
      const next = await iterator.next()
      if (next.done) break
      group.push(next.value)
      bytes += next.value.data.length
    }
    yield group
  }
}
