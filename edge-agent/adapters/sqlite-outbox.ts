/**
 * The outbox in SQLite: what has left the journal's care and has not passed the hub's watermark.
 *
 * A number is a promise to deliver. Rows of `alarm`, `movement` and `ledger` are numbered as they are written and never shed. Rows of
 * `sighting` and `window` are numbered as they are written only while the link keeps up; otherwise they wait without one, and are numbered
 * when they are about to be sent: sightings in order; windows younger than a minute in lane `window`, older ones newest first in lane
 * `backfill`. So whatever is merged or given up for want of room never had a number, and leaves no gap that a hub would wait for.
 * A waiting part is re-encoded under the current epoch with a part number of its own, so that the same window of two epochs cannot collide.
 *
 * Every write is one fsynced transaction, noted in a second file before anything of it is sent (outbox-notes.ts). `next` hands out rows from
 * memory of what was sent; a restart or `rewind` hands all out again.
 *
 * Damage never stops it. A row whose checksum is wrong is given up alone, and an empty one goes under its number. A file that cannot be trusted,
 * at the start or while running, is set aside and salvaged (salvage-outbox.ts: there is why nothing counts twice); what is lost is on record
 * with the number of events, in the transaction that gives it up. Numbers go on in the same epoch: memory knows all that were given out, and
 * after a restart the epoch is a new one anyway. On a full volume the ballast goes, rows may still be freed, and nothing new is
 * taken until the ballast is back.
 */

import { decodeBatch } from '#shared/batch-codec.ts'
import type { Watermark } from '#shared/control.ts'
import { DiskFull } from '#shared/errors.ts'
import { type Batch, type Lane, lanes } from '#shared/records.ts'
import {
  type Coverage,
  type LaneBacklog,
  type Outbox,
  type OutboxCommit,
  type OutboxLoss,
  type OutboxRow,
  type Tally,
  type TallyKey,
  tallyCounts,
} from '../ports.ts'
import { relieveStep } from './outbox-relief.ts'
import type { OutboxRows } from './outbox-rows.ts'
import { OutboxStore, type OutboxStoreOptions } from './outbox-store.ts'

export interface SqliteOutboxOptions extends OutboxStoreOptions {
  /** A window that has waited longer than this goes in lane `backfill`. */
  readonly backfillAfterMs: number
  readonly batchRows: number
  /** Does the link take rows now? Decides whether what may be shed is numbered as it is written. */
  readonly online: () => boolean
}

const sheddable: ReadonlySet<Lane> = new Set(['sighting', 'window'])
/** So many unsent rows in a lane mean that the link does not keep up. */
const keepsUpRows = 64
/** Waiting rows that get their number in one transaction. */
const numberedTogether = 32

export class SqliteOutbox implements Outbox {
  readonly epoch: string
  readonly #options: SqliteOutboxOptions
  readonly #store: OutboxStore
  #part = 0
  /** Per lane, the id of the row handed out last. */
  #sent = new Map<Lane, number>()

  constructor(options: SqliteOutboxOptions) {
    this.#options = options
    this.epoch = options.epoch
    this.#store = new OutboxStore(options)
    try {
      this.#store.write(() => this.#store.db.exec('DELETE FROM tally')) // those of earlier epochs: their totals are final
    } catch (error) {
      if (!(error instanceof DiskFull)) throw error // another epoch's totals are found by nobody: see `recallTally`
    }
  }

  get coverage(): Coverage {
    return this.#store.coverage
  }

  get coverageLost(): boolean {
    return this.#store.coverageLost
  }

  commit({ entries, tallies, coverage }: OutboxCommit): void {
    const { boundaryMs } = this.#store.coverage
    const work = () => {
      const { rows, db } = this.#store
      for (const { lane, batch } of entries) rows.insert(batch, lane, this.#numberNow(lane), boundaryMs)
      const upsert = db.prepare<(number | string)[]>('INSERT OR REPLACE INTO tally VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
      for (const one of tallies) upsert.run(one.minuteMs, one.family, one.source, one.eventType, ...tallyCounts.map((name) => one[name]))
    }
    this.#store.take(work, { coverage })
  }

  relieve(): readonly OutboxLoss[] {
    if (this.bytes <= this.#options.quotaBytes) return []
    const losses: OutboxLoss[] = []
    while (this.bytes > this.#options.quotaBytes * 0.9) {
      const step = this.#store.write(() => relieveStep(this.#store, () => this.nextPart(), this.#options.batchRows))
      if (step === undefined) break // what is left may never be shed
      losses.push(...step)
    }
    return losses
  }

  nextPart(): number {
    return ++this.#part
  }

  recallTally({ minuteMs, family, source, eventType }: TallyKey): Tally | undefined {
    return this.#store.read(() =>
      this.#store.db
        .prepare<[number, string, string, string], Tally>(
          'SELECT * FROM tally WHERE minuteMs = ? AND family = ? AND source = ? AND eventType = ?',
        )
        .get(minuteMs, family, source, eventType),
    )
  }

  next(): OutboxRow | undefined {
    for (const lane of lanes) {
      const row = this.#store.read(() => this.#store.rows.after(lane, this.#sent.get(lane) ?? 0)) ?? this.#numberWaiting(lane)
      if (row === undefined) continue
      this.#sent.set(lane, row.id)
      return row
    }
    return undefined
  }

  rewind(lane?: Lane): void {
    if (lane === undefined) this.#sent.clear()
    else this.#sent.delete(lane)
  }

  free({ hubEpoch, lanes: passed }: Watermark): boolean {
    const store = this.#store
    if (hubEpoch < store.hubEpoch) return false
    const freed = store.read(() => passed.filter(({ lane, epoch, seq }) => store.rows.holds(lane, epoch, seq)))
    if (hubEpoch === store.hubEpoch && freed.length === 0) return true
    const work = () => {
      for (const { lane, epoch, seq } of freed) store.rows.free(lane, epoch, seq)
    }
    store.write(work, { hubEpoch })
    store.shrink()
    return true
  }

  giveUp(row: OutboxRow, reason: string): void {
    const store = this.#store
    store.write(() => {
      const fields = store.rows.fields(row.id)
      if (fields === undefined) return
      store.rows.blank(fields)
      store.giveUp([{ ...fields, events: JSON.parse(fields.events) }], reason)
    })
  }

  /**
   * `watermarkMs`: every event that had arrived by then is in a batch up to the numbers named here. That is the boundary of the last cut of
   * windows, unless a row still waits for its number: then it is the boundary before the oldest such row. An event that comes later, however
   * old its own time, is late: it makes a new part and does not take the watermark back.
   */
  beat(timeMs: number): { epoch: string; timeMs: number; watermarkMs: number; hubEpoch: number; lanes: ReturnType<OutboxRows['held']> } {
    const { coverage, hubEpoch } = this.#store
    const { oldest, held } = this.#store.read(() => {
      const { rows } = this.#store
      return { oldest: rows.oldestWaitingBoundaryMs ?? Number.POSITIVE_INFINITY, held: rows.held() }
    })
    return { epoch: this.epoch, timeMs, watermarkMs: Math.min(coverage.boundaryMs, oldest), hubEpoch, lanes: held }
  }

  backlog(): readonly LaneBacklog[] {
    return this.#store.read(() => this.#store.rows.backlog())
  }

  get bytes(): number {
    return this.#store.rows.bytes
  }

  close(): void {
    this.#store.close()
  }

  #numberNow(lane: Lane): boolean {
    if (!sheddable.has(lane)) return true
    const { rows } = this.#store
    return this.#options.online() && !rows.anyWaiting(lane) && rows.countAfter(lane, this.#sent.get(lane) ?? 0) < keepsUpRows
  }

  /** Numbers a group of rows that wait for this lane, and returns the first of them. */
  #numberWaiting(lane: Lane): OutboxRow | undefined {
    const before = this.#options.clock.nowMs() - this.#options.backfillAfterMs
    const store = this.#store
    const some = store.read(() => store.rows.waiting(lane, before, 1))
    if (some.length === 0) return undefined
    try {
      store.write(() => {
        const { rows } = store
        for (const fields of rows.waiting(lane, before, numberedTogether)) {
          const batch = this.#renumbered(decodeBatch(rows.sound(fields.id).frame))
          rows.delete(fields)
          rows.insert(batch, lane, true, fields.boundaryMs, fields.createdMs)
        }
      })
    } catch (error) {
      if (error instanceof DiskFull) return undefined // it waits on, and is asked for again
      throw error
    }
    return store.read(() => store.rows.after(lane, this.#sent.get(lane) ?? 0))
  }

  #renumbered(batch: Batch): Batch {
    if (batch.kind !== 'window' && batch.kind !== 'usage') return batch
    const columns = batch.columns as Batch<'window'>['columns']
    return { ...batch, columns: { ...columns, part: new Uint32Array(batch.rows).fill(this.nextPart()) } } as Batch
  }
}
