/**
 * One row of the outbox as it lies in the table: its columns, its checksum over all of them, and the empty row that goes in the place of one
 * that was given up. The statements over many rows are in outbox-rows.ts.
 */
import { crc32 } from 'node:zlib'
import { encodeBatch } from '#shared/batch-codec.ts'
import { families } from '#shared/families.ts'
import type { Batch, Lane, RecordKind } from '#shared/records.ts'
import { sliceBatch } from '../slice-batch.ts'
import type { RowNote } from './outbox-notes.ts'

/** What belongs to a row and is sealed by its checksum, as it lies in the table. */
export interface StoredOutboxRow extends RowFields {
  /** How far the journal was covered when the row was made: coverage outlives the loss of its own place. */
  readonly fast: number
  readonly slow: number
  /** Null in rows of the version before checksums. */
  readonly crc: number | null
  readonly frame: Buffer
}

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
  /** Events that only this row tells of, by family: JSON. */
  readonly events: string
}

/** What a row costs beside its frame. */
export const overheadBytes = 200

const columns = 'epoch, lane, seq, record, rows, fromMs, toMs, createdMs, boundaryMs, widthMs, bytes, events, fast, slow, crc, frame'.split(
  ', ',
)
const sealed = columns.filter((name) => name !== 'crc' && name !== 'frame') as Exclude<keyof StoredOutboxRow, 'id' | 'crc' | 'frame'>[]

export const rowSchema = `
CREATE TABLE IF NOT EXISTS row (
  id INTEGER PRIMARY KEY AUTOINCREMENT, epoch TEXT NOT NULL, lane TEXT NOT NULL, seq INTEGER NOT NULL, record TEXT NOT NULL,
  rows INTEGER NOT NULL, fromMs REAL NOT NULL, toMs REAL NOT NULL, createdMs REAL NOT NULL, boundaryMs REAL NOT NULL,
  widthMs INTEGER NOT NULL, bytes INTEGER NOT NULL, events TEXT NOT NULL DEFAULT '{}', fast REAL NOT NULL DEFAULT 0,
  slow REAL NOT NULL DEFAULT 0, crc INTEGER, frame BLOB NOT NULL);`

/** `key`: 'id' to put a row under its own id, in place of what is there. */
export function insertRow(key: '' | 'id'): string {
  const all = key === '' ? columns : [key, ...columns]
  return `INSERT OR REPLACE INTO row (${all.join(', ')}) VALUES (${all.map((name) => `@${name}`).join(', ')})`
}

export function outboxChecksum(row: Omit<StoredOutboxRow, 'id' | 'crc'>): number {
  return crc32(row.frame, crc32(sealed.map((name) => row[name]).join('|')))
}

export function isSound(row: StoredOutboxRow): boolean {
  return row.crc === null || row.crc === outboxChecksum(row)
}

export function noteOf(
  { id, epoch, lane, seq, record, rows, fromMs, toMs, boundaryMs }: Omit<RowFields, 'bytes' | 'createdMs' | 'widthMs' | 'events'>,
  events: RowNote['events'],
): RowNote {
  return { id, epoch, lane, seq, record, rows, fromMs, toMs, boundaryMs, events }
}

/** Keeps id and number and has no content: an empty batch, so that the hub meets no gap. */
export function blankRow(
  of: Omit<RowNote, 'events'> & { createdMs?: number },
  meta: { tenant: string; region: string; agent: string },
): StoredOutboxRow {
  const { id, epoch, lane, seq, record, fromMs, toMs, boundaryMs, createdMs = 0 } = of
  const { tenant, region, agent } = meta
  const batch = { kind: record, rows: 0, columns: {} as never, texts: [''], meta: { tenant, region, agent, epoch, lane, seq } }
  const frame = encodeBatch(sliceBatch(batch, 0, 0))
  const bytes = frame.length + overheadBytes
  const row = {
    id,
    epoch,
    lane,
    seq,
    record,
    rows: 0,
    fromMs,
    toMs,
    createdMs,
    boundaryMs,
    widthMs: 0,
    bytes,
    events: '{}',
    fast: 0,
    slow: 0,
    frame,
  }
  return { ...row, crc: outboxChecksum(row) }
}

/** Events that only this batch tells of, by family. A sighting is none: its event is counted in a window too. */
export function eventsIn(batch: Batch): Record<string, number> {
  const events: Record<string, number> = {}
  const add = (family: string, times: number) => {
    events[family] = (events[family] ?? 0) + times
  }
  for (let row = 0; row < batch.rows; row++) {
    if (batch.kind === 'window') {
      const { family, events: counted } = batch.columns as Batch<'window'>['columns']
      add(families[family[row]!] ?? '', counted[row]!)
    } else if (batch.kind === 'usage') add('dpi', (batch.columns as Batch<'usage'>['columns']).flows[row]!)
  }
  return events
}
