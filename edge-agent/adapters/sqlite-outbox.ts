/**
 * The outbox in SQLite: what has left the journal's care and has not passed the hub's watermark.
 *
 * A number is a promise to deliver. Rows of `alarm`, `movement` and `ledger` are numbered as they are written and never shed. Rows of
 * `sighting` and `window` are numbered as they are written only while the link keeps up; otherwise they wait without one, and are numbered
 * when they are about to be sent: sightings in order; windows younger than a minute in lane `window`, older ones newest first in lane
 * `backfill`. So whatever is merged or given up for want of room never had a number, and leaves no gap that a hub would wait for.
 * A waiting part is re-encoded under the current epoch with a part number of its own, so that the same window of two epochs cannot collide.
 *
 * Every write is one fsynced transaction. `next` hands out rows from memory of what was sent; a restart or `rewind` hands all out again.
 */

import { type Database, guard, openDatabase } from '#shared/adapters/sqlite.ts'
import { decodeBatch } from '#shared/batch-codec.ts'
import type { Clock } from '#shared/clock.ts'
import type { Watermark } from '#shared/control.ts'
import { type Batch, type Lane, lanes } from '#shared/records.ts'
import type { Tally, TallyKey } from '../count-tallies.ts'
import { tallyCounts } from '../count-tallies.ts'
import type { Coverage, LaneBacklog, Outbox, OutboxCommit, OutboxLoss, OutboxRow } from '../ports.ts'
import { OutboxRelief } from './outbox-relief.ts'
import { OutboxRows, type RowFields } from './outbox-rows.ts'

export interface SqliteOutboxOptions {
  readonly file: string
  readonly tenant: string
  readonly region: string
  readonly agent: string
  readonly storeId: string
  readonly epoch: string
  /** Octets of all rows together; the file may be a little larger. */
  readonly quotaBytes: number
  /** A window that has waited longer than this goes in lane `backfill`. */
  readonly backfillAfterMs: number
  readonly maxFrameBytes: number
  readonly batchRows: number
  readonly clock: Clock
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
  readonly #db: Database
  readonly #rows: OutboxRows
  readonly #relief: OutboxRelief
  #coverage: Coverage
  #hubEpoch: number
  #part = 0
  /** Per lane, the id of the row handed out last. */
  #sent = new Map<Lane, number>()
  #tallySelect
  #tallyUpsert
  #metaUpsert

  constructor(options: SqliteOutboxOptions) {
    this.#options = options
    this.epoch = options.epoch
    this.#db = openDatabase(options.file, { quotaBytes: options.quotaBytes + (32 << 20) })
    this.#db.exec(schema)
    this.#rows = new OutboxRows(this.#db, options)
    this.#relief = new OutboxRelief(this.#rows, options, () => this.nextPart())
    this.#metaUpsert = this.#db.prepare<[string, number]>(
      'INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    )
    this.#tallySelect = this.#db.prepare<[number, string, string, string], Tally>(
      'SELECT * FROM tally WHERE minuteMs = ? AND family = ? AND source = ? AND eventType = ?',
    )
    this.#tallyUpsert = this.#db.prepare<(number | string)[]>('INSERT OR REPLACE INTO tally VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
    this.#coverage = { fast: this.#meta('fast'), slow: this.#meta('slow'), boundaryMs: this.#meta('boundaryMs') }
    this.#hubEpoch = this.#meta('hubEpoch')
    this.#write(() => this.#db.exec('DELETE FROM tally')) // those of earlier epochs: their totals are final
  }

  get coverage(): Coverage {
    return this.#coverage
  }

  commit({ entries, tallies, coverage }: OutboxCommit): void {
    const boundaryMs = this.#coverage.boundaryMs
    this.#write(() => {
      for (const { lane, batch } of entries) this.#rows.insert(batch, lane, this.#numberNow(lane), boundaryMs)
      for (const one of tallies)
        this.#tallyUpsert.run(one.minuteMs, one.family, one.source, one.eventType, ...tallyCounts.map((name) => one[name]))
      for (const name of ['fast', 'slow', 'boundaryMs'] as const) this.#metaUpsert.run(name, coverage[name])
    })
    this.#coverage = coverage
  }

  relieve(): readonly OutboxLoss[] {
    if (this.#rows.bytes <= this.#options.quotaBytes) return []
    const losses: OutboxLoss[] = []
    while (this.#rows.bytes > this.#options.quotaBytes * 0.9) {
      const step = this.#write(() => this.#relief.step())
      if (step === undefined) break // what is left may never be shed
      losses.push(...step)
    }
    return losses
  }

  nextPart(): number {
    return ++this.#part
  }

  recallTally({ minuteMs, family, source, eventType }: TallyKey): Tally | undefined {
    return this.#tallySelect.get(minuteMs, family, source, eventType)
  }

  next(): OutboxRow | undefined {
    for (const lane of lanes) {
      const row = this.#rows.after(lane, this.#sent.get(lane) ?? 0) ?? this.#numberWaiting(lane)
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
    if (hubEpoch < this.#hubEpoch) return false
    const freed = passed.filter(({ lane, epoch, seq }) => this.#rows.holds(lane, epoch, seq))
    if (hubEpoch === this.#hubEpoch && freed.length === 0) return true
    this.#write(() => {
      for (const { lane, epoch, seq } of freed) this.#rows.free(lane, epoch, seq)
      this.#metaUpsert.run('hubEpoch', hubEpoch)
    })
    this.#hubEpoch = hubEpoch
    return true
  }

  giveUp(row: OutboxRow, reason: string): void {
    this.#write(() => {
      const fields = this.#rows.fields(row.id)
      if (fields === undefined) return
      this.#rows.blank(fields)
      this.#relief.recordLoss(fields, reason, row.rows, 1)
    })
  }

  /**
   * `watermarkMs`: every event that had arrived by then is in a batch up to the numbers named here. That is the boundary of the last cut of
   * windows, unless a row still waits for its number: then it is the boundary before the oldest such row. An event that comes later, however
   * old its own time, is late: it makes a new part and does not take the watermark back.
   */
  beat(timeMs: number): { epoch: string; timeMs: number; watermarkMs: number; hubEpoch: number; lanes: ReturnType<OutboxRows['held']> } {
    const watermarkMs = Math.min(this.#coverage.boundaryMs, this.#rows.oldestWaitingBoundaryMs ?? Number.POSITIVE_INFINITY)
    return { epoch: this.epoch, timeMs, watermarkMs, hubEpoch: this.#hubEpoch, lanes: this.#rows.held() }
  }

  backlog(): readonly LaneBacklog[] {
    return this.#rows.backlog()
  }

  get bytes(): number {
    return this.#rows.bytes
  }

  close(): void {
    this.#db.close()
  }

  #numberNow(lane: Lane): boolean {
    if (!sheddable.has(lane)) return true
    return this.#options.online() && !this.#rows.anyWaiting(lane) && this.#rows.countAfter(lane, this.#sent.get(lane) ?? 0) < keepsUpRows
  }

  /** Numbers a group of rows that wait for this lane, and returns the first of them. */
  #numberWaiting(lane: Lane): OutboxRow | undefined {
    const before = this.#options.clock.nowMs() - this.#options.backfillAfterMs
    const waiting = this.#rows.waiting(lane, before, numberedTogether)
    if (waiting.length === 0) return undefined
    this.#write(() => {
      for (const fields of waiting) {
        const batch = this.#renumbered(fields)
        this.#rows.delete(fields)
        this.#rows.insert(batch, lane, true, fields.boundaryMs, fields.createdMs)
      }
    })
    return this.#rows.after(lane, this.#sent.get(lane) ?? 0)
  }

  #renumbered(fields: RowFields): Batch {
    const batch = decodeBatch(this.#rows.frame(fields.id))
    if (batch.kind !== 'window' && batch.kind !== 'usage') return batch
    const columns = batch.columns as Batch<'window'>['columns']
    return { ...batch, columns: { ...columns, part: new Uint32Array(batch.rows).fill(this.nextPart()) } } as Batch
  }

  /** Numbers given out in a transaction that fails were never given out. */
  #write<T>(work: () => T): T {
    const undo = this.#rows.remember()
    try {
      return guard(this.#options.file, () => this.#db.transaction(work).immediate())
    } catch (error) {
      undo()
      throw error
    }
  }

  #meta(name: string): number {
    return this.#db.prepare<[string], { value: number }>('SELECT value FROM meta WHERE name = ?').get(name)?.value ?? 0
  }
}

const schema = `
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tally (
  minuteMs INTEGER NOT NULL, family TEXT NOT NULL, source TEXT NOT NULL, eventType TEXT NOT NULL,
  accepted REAL NOT NULL, rejected REAL NOT NULL, duplicate REAL NOT NULL, late REAL NOT NULL, lost REAL NOT NULL,
  PRIMARY KEY (minuteMs, family, source, eventType)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS row (
  id INTEGER PRIMARY KEY AUTOINCREMENT, epoch TEXT NOT NULL, lane TEXT NOT NULL, seq INTEGER NOT NULL, record TEXT NOT NULL,
  rows INTEGER NOT NULL, fromMs REAL NOT NULL, toMs REAL NOT NULL, createdMs REAL NOT NULL, boundaryMs REAL NOT NULL,
  widthMs INTEGER NOT NULL, bytes INTEGER NOT NULL, frame BLOB NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS numbered ON row (lane, epoch, seq) WHERE seq > 0;
CREATE INDEX IF NOT EXISTS outgoing ON row (lane, id) WHERE seq > 0;
CREATE INDEX IF NOT EXISTS waitingByWidth ON row (lane, widthMs, record, id) WHERE seq = 0;
CREATE INDEX IF NOT EXISTS waitingByAge ON row (lane, createdMs, id) WHERE seq = 0;
CREATE INDEX IF NOT EXISTS held ON row (lane, createdMs, bytes);
CREATE INDEX IF NOT EXISTS waitingBoundary ON row (boundaryMs) WHERE seq = 0;
`
