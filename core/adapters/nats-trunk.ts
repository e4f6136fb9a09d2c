/**
 * The trunk's reading side on JetStream: stream TRUNK on the core's server, read in order by a cursor of our own, never by the broker's
 * redelivery. The stream keeps what is unread; `release` purges below what is surely on disk here.
 *
 * Promise: every stored frame above the position is yielded in order at least once, whatever restarts in between. A consumer that ends,
 * falls silent or skips is opened again above the last frame yielded. A cursor beyond the stream's end, or of an earlier incarnation of the
 * stream, starts again at the stream's state: what comes twice is harmless, what is skipped would be lost.
 */
import { type ConsumerMessages, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { ensureStream, type NatsConnection } from '#shared/adapters/nats-connection.ts'
import { headers, subjects } from '#shared/control.ts'
import { describeError } from '#shared/errors.ts'
import type { TrunkDelivery, TrunkReader } from '#shared/ports.ts'
import { sleep } from '#shared/retry.ts'

const stream = 'TRUNK'
const groupFrames = 256
const groupBytes = 8 << 20
const checkEveryMs = 10_000

export interface NatsTrunkOptions {
  readonly connection: () => Promise<NatsConnection>
  /** The incarnation of the stream the cursor belongs to; '' when none was read yet. */
  readonly generation: string
  readonly restarted: (words: string) => void
  readonly streamReset: (position: number, generation: string) => void
}

export class NatsTrunkReader implements TrunkReader {
  readonly #options: NatsTrunkOptions
  #generation: string
  #position = 0

  constructor(options: NatsTrunkOptions) {
    this.#options = options
    this.#generation = options.generation
  }

  /** Names the incarnation of the stream that was read last. */
  get generation(): string {
    return this.#generation
  }

  async *read(afterPosition: number, signal: AbortSignal): AsyncIterable<readonly TrunkDelivery[]> {
    this.#position = afterPosition
    for (let failures = 0; !signal.aborted; ) {
      try {
        for await (const group of this.#readOnce(signal)) {
          failures = 0
          yield group
          this.#position = group.at(-1)!.position
        }
        if (signal.aborted) return
        this.#options.restarted('the consumer ended')
      } catch (error) {
        if (signal.aborted) return
        this.#options.restarted(describeError(error))
      }
      failures++
      await sleep(50 + Math.random() * Math.min(5_000, 100 * 2 ** Math.min(failures, 6)), signal).catch(() => {})
    }
  }

  async release(position: number): Promise<void> {
    const manager = await jetstreamManager(await this.#options.connection(), { checkAPI: false })
    await manager.streams.purge(stream, { seq: position + 1 })
  }

  async *#readOnce(signal: AbortSignal): AsyncIterable<readonly TrunkDelivery[]> {
    const connection = await this.#options.connection()
    await ensureStream(connection, stream, { signal })
    await this.#placeCursor(connection)
    const consumer = await jetstream(connection).consumers.get(stream, { opt_start_seq: this.#position + 1 })
    const messages = await consumer.consume({ max_messages: 2 * groupFrames })
    const stop = () => void messages.close()
    signal.addEventListener('abort', stop, { once: true })
    const check = setInterval(() => void this.#check(connection, messages), checkEveryMs)
    try {
      yield* groupsOf(messages)
    } finally {
      clearInterval(check)
      signal.removeEventListener('abort', stop)
      await messages.close()
    }
  }

  /** Where the stream is another one, or shorter than the cursor, reading starts at its state. */
  async #placeCursor(connection: NatsConnection): Promise<void> {
    const { state, created } = await (await jetstreamManager(connection, { checkAPI: false })).streams.info(stream)
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
      const { state, created } = await (await jetstreamManager(connection, { checkAPI: false })).streams.info(stream)
      if (created !== this.#generation || state.last_seq < this.#position) await messages.close()
    } catch {
      // nobody answers now: the consumer's own heartbeats deal with that
    }
  }
}

/** What has arrived together is stored together: a group ends where nothing more waits, or at its bound. */
async function* groupsOf(messages: ConsumerMessages): AsyncIterable<readonly TrunkDelivery[]> {
  const iterator = messages[Symbol.asyncIterator]()
  for (;;) {
    const first = await iterator.next()
    if (first.done) return
    const group = [deliveryOf(first.value)]
    let bytes = first.value.data.length
    while (messages.getPending() > 0 && group.length < groupFrames && bytes < groupBytes) {
      const next = await iterator.next()
      if (next.done) break
      group.push(deliveryOf(next.value))
      bytes += next.value.data.length
    }
    yield group
  }
}

function deliveryOf(message: JsMsg): TrunkDelivery {
  const tokens = message.subject.split('.')
  const epoch = Number(message.headers?.get(headers.hubEpoch) ?? 0)
  const tenant = tokens[1] ?? ''
  return {
    position: message.seq,
    tenant,
    region: message.headers?.get(headers.region) ?? '',
    topic: message.subject.slice(subjects.trunk(tenant, '').length),
    hubEpoch: Number.isFinite(epoch) ? epoch : 0,
    frame: message.data,
  }
}
