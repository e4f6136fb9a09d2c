/**
 * The least a hub must do, for tests of the agent: makes INBOX, reads it by a cursor of its own, keeps every batch once by (epoch, lane, seq),
 * and sends watermarks over what it has without a gap. It forgets nothing, so its totals can be compared with what was published.
 */
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { connectNats, ensureStream, isUnavailable, type NatsConnection } from '#shared/adapters/nats-connection.ts'
import { decodeBatch } from '#shared/batch-codec.ts'
import { type Beat, subjects, type Watermark } from '#shared/control.ts'
import type { Batch, Lane, RecordKind } from '#shared/records.ts'
import { sleep } from '#shared/retry.ts'

export class SmallHub {
  /** By `epoch lane seq`. */
  readonly batches = new Map<string, Batch>()
  readonly beats: Beat[] = []
  received = 0
  sendsWatermarks = true
  hubEpoch = 1
  readonly #url: string
  readonly #abort = new AbortController()
  #connection: NatsConnection | undefined
  #working: Promise<void> | undefined
  #cursor = 0
  #created = ''

  constructor(url: string) {
    this.#url = url
  }

  start(): void {
    this.#working = this.#work().catch(() => {})
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error('stopped'))
    await this.#working
  }

  /** All rows of a record, each batch once. */
  of<K extends RecordKind>(kind: K): Batch<K>[] {
    return [...this.batches.values()].filter((batch) => batch.kind === kind) as unknown as Batch<K>[]
  }

  lanes(): Set<Lane | ''> {
    return new Set([...this.batches.values()].map(({ meta }) => meta.lane))
  }

  watermark(): Watermark['lanes'] {
    const seqs = new Map<string, Set<number>>()
    for (const { meta } of this.batches.values()) {
      const key = `${meta.epoch} ${meta.lane}`
      const known = seqs.get(key) ?? new Set()
      seqs.set(key, known.add(meta.seq))
    }
    return [...seqs].map(([key, known]) => {
      const [epoch, lane] = key.split(' ') as [string, Lane]
      let seq = 0
      while (known.has(seq + 1)) seq++
      return { epoch, lane, seq }
    })
  }

  async #work(): Promise<void> {
    const { signal } = this.#abort
    const connection = await connectNats({ url: this.#url, name: 'small-hub', signal })
    this.#connection = connection
    connection.subscribe('beat.>', { callback: (error, message) => void (error || this.beats.push(message.json<Beat>())) })
    while (!signal.aborted) {
      try {
        await ensureStream(connection, 'INBOX', { maxBytes: 1 << 28 })
        const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 2_000 })
        for (;;) {
          await this.#read(manager)
          if (this.sendsWatermarks) this.#tell()
          await sleep(100, signal)
        }
      } catch (error) {
        if (signal.aborted || !isUnavailable(error)) await sleep(100)
        await sleep(50)
      }
    }
  }

  async #read(manager: JetStreamManager): Promise<void> {
    const { state, created } = await manager.streams.info('INBOX')
    if (state.last_seq < this.#cursor || created !== this.#created) this.#cursor = 0 // the server lost its store
    this.#created = created
    while (this.#cursor < state.last_seq) {
      const message = await manager.streams.getMessage('INBOX', { seq: this.#cursor + 1 })
      this.#cursor++
      if (message === null) continue
      this.received++
      const batch = decodeBatch(message.data)
      const { epoch, lane, seq } = batch.meta
      if (!this.batches.has(`${epoch} ${lane} ${seq}`)) this.batches.set(`${epoch} ${lane} ${seq}`, batch)
    }
  }

  #tell(): void {
    const watermark: Watermark = { region: 'north', hubEpoch: this.hubEpoch, lanes: this.watermark() }
    this.#connection?.publish(subjects.watermark('default', 'north', 'north-1'), JSON.stringify(watermark))
  }
}

/** Sums of a column over rows that each count once. */
export function sumOf(batches: readonly Batch[], column: string): number {
  let sum = 0
  for (const batch of batches) {
    const values = (batch.columns as unknown as Record<string, Float64Array>)[column]!
    for (let row = 0; row < batch.rows; row++) sum += values[row]!
  }
  return sum
}

/** Tallies as a reader takes them: of each key the highest revision, added up over epochs. */
export function tallyTotals(batches: readonly Batch<'tally'>[]): Record<'accepted' | 'rejected' | 'duplicate' | 'late' | 'lost', number> {
  const newest = new Map<string, { revision: number; batch: Batch<'tally'>; row: number }>()
  for (const batch of batches) {
    const { columns, texts, meta } = batch
    for (let row = 0; row < batch.rows; row++) {
      const key = [
        meta.epoch,
        columns.minuteMs[row],
        texts[columns.family[row]!],
        texts[columns.source[row]!],
        texts[columns.eventType[row]!],
      ].join('|')
      const revision = columns.revision[row]!
      if (revision > (newest.get(key)?.revision ?? 0)) newest.set(key, { revision, batch, row })
    }
  }
  const totals = { accepted: 0, rejected: 0, duplicate: 0, late: 0, lost: 0 }
  for (const { batch, row } of newest.values()) {
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += batch.columns[name][row]!
  }
  return totals
}

export function distinctKeys(batches: readonly (Batch<'sighting'> | Batch<'event'> | Batch<'dead-letter'>)[]): {
  rows: number
  keys: number
} {
  const keys = new Set<string>()
  let rows = 0
  for (const { columns, rows: count } of batches) {
    for (let row = 0; row < count; row++) keys.add(`${columns.key[row * 2]} ${columns.key[row * 2 + 1]}`)
    rows += count
  }
  return { rows, keys: keys.size }
}
