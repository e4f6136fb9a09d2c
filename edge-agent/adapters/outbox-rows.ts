/**
 * The statements over the outbox's table of rows, and what is kept in memory about them: the numbers given out in this epoch and the octets held.
 * Opens no transaction of its own: callers do, and take `remember`'s undo when one fails.
 */
import type { Database } from '#shared/adapters/sqlite.ts'
import { encodeBatch } from '#shared/batch-codec.ts'
import type { Clock } from '#shared/clock.ts'
import { type Batch, type Lane, lanes, type RecordKind } from '#shared/records.ts'
import type { LaneBacklog } from '../ports.ts'
import { sliceBatch } from '../slice-batch.ts'
import type { RowNote } from './outbox-notes.ts'
import {
  blankRow,
  eventsIn,
  insertRow,
  isSound,
  noteOf,
  outboxChecksum,
  overheadBytes,
  type RowFields,
  type StoredOutboxRow,
} from './outbox-row.ts'

export interface OutboxRowsOptions {
  readonly tenant: string
  readonly region: string
  readonly agent: string
  readonly epoch: string
  readonly maxFrameBytes: number
  readonly clock: Clock
}

/** What a transaction has added and removed, for the notes. */
export interface RowChanges {
  readonly added: RowNote[]
  readonly removed: number[]
}

const fieldNames = 'id, epoch, lane, seq, record, rows, fromMs, toMs, createdMs, boundaryMs, widthMs, bytes, events'

/** A row whose octets are not those that were written. */
export class SpoiledRow extends Error {
  readonly id: number

  constructor(id: number) {
    super(`row ${id} of the outbox does not match its checksum`)
    this.id = id
  }
}

export class OutboxRows {
  bytes: number
  readonly #options: OutboxRowsOptions
  readonly #sql: ReturnType<typeof statements>
  #seqs: Map<Lane, number>
  #changes: RowChanges = { added: [], removed: [] }
  /** What is being committed covers the journal up to here. */
  covered: { readonly fast: number; readonly slow: number } = { fast: 0, slow: 0 }

  /** `seqs`: the numbers given out, where this is the same epoch on another file. */
  constructor(db: Database, options: OutboxRowsOptions, seqs: ReadonlyMap<Lane, number> = new Map()) {
    this.#options = options
    this.#seqs = new Map(seqs)
    this.#sql = statements(db)
    this.bytes = this.#sql.totalBytes.get()!.bytes ?? 0
  }

  get seqs(): ReadonlyMap<Lane, number> {
    return this.#seqs
  }

  takeChanges(): RowChanges {
    const changes = this.#changes
    this.#changes = { added: [], removed: [] }
    return changes
  }

  /** Undoes what memory learned since. */
  remember(): () => void {
    const seqs = new Map(this.#seqs)
    const { bytes } = this
    return () => {
      this.takeChanges()
      this.#seqs = seqs
      this.bytes = bytes
    }
  }

  insert(batch: Batch, lane: Lane, numbered: boolean, boundaryMs: number, createdMs = this.#options.clock.nowMs()): void {
    const { tenant, region, agent, epoch, maxFrameBytes } = this.#options
    const seq = numbered ? (this.#seqs.get(lane) ?? 0) + 1 : 0
    const frame = encodeBatch({ ...batch, meta: { tenant, region, agent, epoch, lane, seq } })
    if (frame.length > maxFrameBytes && batch.rows > 1) {
      const half = batch.rows >> 1
      this.insert(sliceBatch(batch, 0, half), lane, numbered, boundaryMs, createdMs)
      this.insert(sliceBatch(batch, half, batch.rows), lane, numbered, boundaryMs, createdMs)
      return
    }
    if (numbered) this.#seqs.set(lane, seq)
    const { fromMs, toMs, widthMs } = timesOf(batch)
    const bytes = frame.length + overheadBytes
    const events = eventsIn(batch)
    const row = {
      epoch: numbered ? epoch : '',
      lane,
      seq,
      record: batch.kind,
      rows: batch.rows,
      fromMs,
      toMs,
      createdMs,
      boundaryMs,
      widthMs,
      bytes,
      events: JSON.stringify(events),
      ...this.covered,
      frame,
    }
    const { lastInsertRowid } = this.#sql.insert.run({ ...row, crc: outboxChecksum(row) })
    this.bytes += bytes
    this.#changes.added.push(noteOf({ ...row, id: Number(lastInsertRowid) }, events))
  }

  delete(fields: RowFields): void {
    this.#sql.delete.run(fields.id)
    this.bytes -= fields.bytes
    this.#changes.removed.push(fields.id)
  }

  /** Keeps the number and gives up the content: an empty batch goes in its place, so that the hub meets no gap. */
  blank(fields: RowFields): void {
    const row = blankRow(fields, this.#options)
    this.#sql.blank.run(row)
    this.bytes += row.bytes - fields.bytes
    this.#changes.added.push(noteOf(row, {}))
  }

  /** Throws `SpoiledRow` when its checksum does not match. */
  sound(id: number): StoredOutboxRow {
    const row = this.#sql.stored.get(id)
    if (row === undefined || !isSound(row)) throw new SpoiledRow(id)
    return row
  }

  /** As they are, sound or not. */
  octets(id: number): Buffer {
    return this.#sql.stored.get(id)!.frame
  }

  get highestId(): number {
    return this.#sql.highestId.get()?.seq ?? 0
  }

  *notes(): Iterable<RowNote> {
    for (const row of this.#sql.allNotes.iterate()) yield noteOf(row, JSON.parse(row.events))
  }

  /** The first numbered row of a lane above an id. Throws `SpoiledRow` when its checksum does not match. */
  after(lane: Lane, id: number): StoredOutboxRow | undefined {
    const row = this.#sql.after.get(lane, id)
    if (row !== undefined && !isSound(row)) throw new SpoiledRow(row.id)
    return row
  }

  countAfter(lane: Lane, id: number): number {
    return this.#sql.countAfter.get(lane, id)!.count
  }

  anyWaiting(lane: Lane): boolean {
    return this.#sql.anyWaiting.get(lane) !== undefined
  }

  /** Rows that would be numbered for a lane now. Windows written before `beforeMs` are for `backfill`, newest first. */
  waiting(lane: Lane, beforeMs: number, limit: number): RowFields[] {
    if (lane === 'sighting') return this.#sql.waitingInOrder.all('sighting', 0, limit)
    if (lane === 'window') return this.#sql.waitingInOrder.all('window', beforeMs, limit)
    if (lane === 'backfill') return this.#sql.waitingNewestFirst.all(beforeMs, limit)
    return []
  }

  /** Waiting rows of one width, oldest first. */
  waitingOfWidth(lane: Lane, record: RecordKind, widthMs: number, limit: number): RowFields[] {
    return this.#sql.waitingOfWidth.all(lane, widthMs, record, limit)
  }

  fields(id: number): RowFields | undefined {
    return this.#sql.fields.get(id)
  }

  holds(lane: Lane, epoch: string, seq: number): boolean {
    return this.#sql.lowest.get(lane, epoch, seq) !== undefined
  }

  free(lane: Lane, epoch: string, seq: number): void {
    this.bytes -= this.#sql.bytesThrough.get(lane, epoch, seq)!.bytes ?? 0
    for (const { id } of this.#sql.free.all(lane, epoch, seq)) this.#changes.removed.push(id)
  }

  get oldestWaitingBoundaryMs(): number | undefined {
    return this.#sql.oldestBoundary.get()!.boundaryMs ?? undefined
  }

  /** Lowest number held and highest given out, for every lane of this epoch and those of earlier ones that still hold rows. */
  held(): { epoch: string; lane: Lane; highestSeq: number; oldestSeq: number }[] {
    const { epoch } = this.#options
    const held = this.#sql.held.all()
    const current = lanes.map((lane) => {
      const highestSeq = this.#seqs.get(lane) ?? 0
      const oldestSeq = held.find((one) => one.epoch === epoch && one.lane === lane)?.oldestSeq ?? highestSeq + 1
      return { epoch, lane, highestSeq, oldestSeq }
    })
    return [...current, ...held.filter((one) => one.epoch !== epoch)]
  }

  backlog(): LaneBacklog[] {
    return this.#sql.backlog.all()
  }
}

function timesOf(batch: Batch): { fromMs: number; toMs: number; widthMs: number } {
  const columns = batch.columns as unknown as Record<string, Float64Array>
  const times = columns.startMs ?? columns.timeMs ?? columns.minuteMs!
  const widthMs = columns.widthMs?.[0] ?? 0
  let fromMs = Number.POSITIVE_INFINITY
  let toMs = Number.NEGATIVE_INFINITY
  for (let row = 0; row < batch.rows; row++) {
    fromMs = Math.min(fromMs, times[row]!)
    toMs = Math.max(toMs, times[row]! + widthMs)
  }
  return batch.rows === 0 ? { fromMs: 0, toMs: 0, widthMs } : { fromMs, toMs, widthMs }
}

function statements(db: Database) {
  return {
    insert: db.prepare<[Omit<StoredOutboxRow, 'id'>]>(insertRow('')),
    delete: db.prepare<[number]>('DELETE FROM row WHERE id = ?'),
    blank: db.prepare<[StoredOutboxRow]>(insertRow('id')),
    stored: db.prepare<[number], StoredOutboxRow>('SELECT * FROM row WHERE id = ?'),
    highestId: db.prepare<[], { seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'row'"),
    allNotes: db.prepare<[], RowFields>(`SELECT ${fieldNames} FROM row ORDER BY id`),
    after: db.prepare<[string, number], StoredOutboxRow>('SELECT * FROM row WHERE seq > 0 AND lane = ? AND id > ? ORDER BY id LIMIT 1'),
    countAfter: db.prepare<[string, number], { count: number }>(
      'SELECT count(*) AS count FROM (SELECT 1 FROM row WHERE seq > 0 AND lane = ? AND id > ? LIMIT 100)',
    ),
    anyWaiting: db.prepare<[string], { id: number }>('SELECT id FROM row WHERE seq = 0 AND lane = ? LIMIT 1'),
    waitingInOrder: db.prepare<[string, number, number], RowFields>(
      `SELECT ${fieldNames} FROM row WHERE seq = 0 AND lane = ? AND createdMs >= ? ORDER BY createdMs, id LIMIT ?`,
    ),
    waitingNewestFirst: db.prepare<[number, number], RowFields>(
      `SELECT ${fieldNames} FROM row WHERE seq = 0 AND lane = 'window' AND createdMs < ? ORDER BY createdMs DESC, id DESC LIMIT ?`,
    ),
    waitingOfWidth: db.prepare<[string, number, string, number], RowFields>(
      `SELECT ${fieldNames} FROM row WHERE seq = 0 AND lane = ? AND widthMs = ? AND record = ? ORDER BY id LIMIT ?`,
    ),
    fields: db.prepare<[number], RowFields>(`SELECT ${fieldNames} FROM row WHERE id = ?`),
    lowest: db.prepare<[string, string, number], { id: number }>(
      'SELECT id FROM row WHERE seq > 0 AND lane = ? AND epoch = ? AND seq <= ? LIMIT 1',
    ),
    bytesThrough: db.prepare<[string, string, number], { bytes: number | null }>(
      'SELECT sum(bytes) AS bytes FROM row WHERE seq > 0 AND lane = ? AND epoch = ? AND seq <= ?',
    ),
    free: db.prepare<[string, string, number], { id: number }>(
      'DELETE FROM row WHERE seq > 0 AND lane = ? AND epoch = ? AND seq <= ? RETURNING id',
    ),
    totalBytes: db.prepare<[], { bytes: number | null }>('SELECT sum(bytes) AS bytes FROM row'),
    oldestBoundary: db.prepare<[], { boundaryMs: number | null }>('SELECT min(boundaryMs) AS boundaryMs FROM row WHERE seq = 0'),
    held: db.prepare<[], { epoch: string; lane: Lane; highestSeq: number; oldestSeq: number }>(
      'SELECT epoch, lane, max(seq) AS highestSeq, min(seq) AS oldestSeq FROM row WHERE seq > 0 GROUP BY epoch, lane',
    ),
    backlog: db.prepare<[], LaneBacklog>(
      'SELECT lane, count(*) AS rows, sum(bytes) AS bytes, min(createdMs) AS oldestMs FROM row GROUP BY lane',
    ),
  }
}
