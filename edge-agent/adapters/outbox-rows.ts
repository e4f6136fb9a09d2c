/**
 * The statements over the outbox's table of rows, and what is kept in memory about them: the numbers given out in this epoch and the octets held.
 * Opens no transaction of its own: callers do, and take `remember`'s undo when one fails.
 */
import type { Database } from '#shared/adapters/sqlite.ts'
import { encodeBatch } from '#shared/batch-codec.ts'
import type { Clock } from '#shared/clock.ts'
import { type Batch, type Lane, lanes, type RecordKind } from '#shared/records.ts'
import type { LaneBacklog, OutboxRow } from '../ports.ts'
import { sliceBatch } from '../slice-batch.ts'

/** A row without its frame. */
export interface RowFields {
  readonly id: number
  readonly epoch: string
  readonly lane: Lane
  readonly seq: number
  readonly record: RecordKind
  readonly rows: number
  readonly fromMs: number
  readonly toMs: number
  readonly createdMs: number
  readonly boundaryMs: number
  readonly widthMs: number
  readonly bytes: number
}

export interface OutboxRowsOptions {
  readonly tenant: string
  readonly region: string
  readonly agent: string
  readonly epoch: string
  readonly maxFrameBytes: number
  readonly clock: Clock
}

/** What a row costs beside its frame. */
const overheadBytes = 200
const fieldNames = 'id, epoch, lane, seq, record, rows, fromMs, toMs, createdMs, boundaryMs, widthMs, bytes'

export class OutboxRows {
  bytes: number
  readonly #options: OutboxRowsOptions
  readonly #sql: ReturnType<typeof statements>
  #seqs = new Map<Lane, number>()

  constructor(db: Database, options: OutboxRowsOptions) {
    this.#options = options
    this.#sql = statements(db)
    this.bytes = this.#sql.totalBytes.get()!.bytes ?? 0
  }

  /** Undoes what memory learned since. */
  remember(): () => void {
    const seqs = new Map(this.#seqs)
    const { bytes } = this
    return () => {
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
    this.#sql.insert.run(
      numbered ? epoch : '',
      lane,
      seq,
      batch.kind,
      batch.rows,
      fromMs,
      toMs,
      createdMs,
      boundaryMs,
      widthMs,
      bytes,
      frame,
    )
    this.bytes += bytes
  }

  delete(fields: RowFields): void {
    this.#sql.delete.run(fields.id)
    this.bytes -= fields.bytes
  }

  /** Keeps the number and gives up the content: an empty batch goes in its place, so that the hub meets no gap. */
  blank(fields: RowFields): void {
    const { tenant, region, agent } = this.#options
    const { epoch, lane, seq, record } = fields
    const empty = sliceBatch(
      { kind: record, rows: 0, columns: {} as never, texts: [''], meta: { tenant, region, agent, epoch, lane, seq } },
      0,
      0,
    )
    const frame = encodeBatch(empty)
    this.#sql.blank.run(frame.length + overheadBytes, frame, fields.id)
    this.bytes += frame.length + overheadBytes - fields.bytes
  }

  /** The first numbered row of a lane above an id. */
  after(lane: Lane, id: number): OutboxRow | undefined {
    return this.#sql.after.get(lane, id)
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

  frame(id: number): Buffer {
    return this.#sql.frame.get(id)!.frame
  }

  holds(lane: Lane, epoch: string, seq: number): boolean {
    return this.#sql.lowest.get(lane, epoch, seq) !== undefined
  }

  free(lane: Lane, epoch: string, seq: number): void {
    this.bytes -= this.#sql.bytesThrough.get(lane, epoch, seq)!.bytes ?? 0
    this.#sql.free.run(lane, epoch, seq)
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
    insert: db.prepare<(string | number | Buffer)[]>(
      `INSERT INTO row (epoch, lane, seq, record, rows, fromMs, toMs, createdMs, boundaryMs, widthMs, bytes, frame)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    delete: db.prepare<[number]>('DELETE FROM row WHERE id = ?'),
    blank: db.prepare<[number, Buffer, number]>('UPDATE row SET rows = 0, bytes = ?, frame = ? WHERE id = ?'),
    after: db.prepare<[string, number], OutboxRow>(
      'SELECT id, epoch, lane, seq, record, rows, frame FROM row WHERE seq > 0 AND lane = ? AND id > ? ORDER BY id LIMIT 1',
    ),
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
    frame: db.prepare<[number], { frame: Buffer }>('SELECT frame FROM row WHERE id = ?'),
    lowest: db.prepare<[string, string, number], { id: number }>(
      'SELECT id FROM row WHERE seq > 0 AND lane = ? AND epoch = ? AND seq <= ? LIMIT 1',
    ),
    bytesThrough: db.prepare<[string, string, number], { bytes: number | null }>(
      'SELECT sum(bytes) AS bytes FROM row WHERE seq > 0 AND lane = ? AND epoch = ? AND seq <= ?',
    ),
    free: db.prepare<[string, string, number]>('DELETE FROM row WHERE seq > 0 AND lane = ? AND epoch = ? AND seq <= ?'),
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
