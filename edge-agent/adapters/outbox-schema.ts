/** The outbox's tables and the values it keeps about itself, under one checksum. */
import { crc32 } from 'node:zlib'
import { type Database, guard, openDatabase } from '#shared/adapters/sqlite.ts'
import { rowSchema } from './outbox-row.ts'

export interface OutboxOpening {
  readonly file: string
  readonly tenant: string
  readonly region: string
  readonly agent: string
  readonly quotaBytes: number
  /** The volume is full. */
  readonly dropBallast: () => void
}

/** Makes the tables where there are none. */
export function createOutbox(file: string, quotaBytes: number): Database {
  const db = openDatabase(file, { quotaBytes, shrinks: true })
  try {
    guard(file, () => db.exec(schema))
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Undefined when the values do not match their checksum: none of them can be trusted then. */
export function readMeta(db: Database): Map<string, number> | undefined {
  const rows = db.prepare<[], { name: string; value: number }>('SELECT name, value FROM meta').all()
  const meta = new Map(rows.map(({ name, value }) => [name, value]))
  const seal = meta.get('seal')
  return meta.size === 0 || seal === undefined || seal === sealOf(meta) ? meta : undefined
}

/** Every transaction that writes values ends with their checksum. */
export function writeMeta(db: Database, values: Readonly<Record<string, number>>): void {
  const set = db.prepare<[string, number]>('INSERT OR REPLACE INTO meta VALUES (?, ?)')
  for (const [name, value] of Object.entries(values)) set.run(name, value)
  const rows = db.prepare<[], { name: string; value: number }>('SELECT name, value FROM meta').all()
  set.run('seal', sealOf(new Map(rows.map(({ name, value }) => [name, value]))))
}

function sealOf(meta: ReadonlyMap<string, number>): number {
  const values = [...meta].filter(([name]) => name !== 'seal').sort(([a], [b]) => (a < b ? -1 : 1))
  return crc32(JSON.stringify(values))
}

/** Of the version before checksums. */
export function addColumns(db: Database): void {
  const names = new Set((db.pragma('table_info(row)') as { name: string }[]).map(({ name }) => name))
  for (const column of [
    "events TEXT NOT NULL DEFAULT '{}'",
    'fast REAL NOT NULL DEFAULT 0',
    'slow REAL NOT NULL DEFAULT 0',
    'crc INTEGER',
  ]) {
    if (!names.has(column.split(' ')[0]!)) db.exec(`ALTER TABLE row ADD COLUMN ${column}`)
  }
}

const schema = `
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owed (id INTEGER PRIMARY KEY, row TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tally (
  minuteMs INTEGER NOT NULL, family TEXT NOT NULL, source TEXT NOT NULL, eventType TEXT NOT NULL,
  accepted REAL NOT NULL, rejected REAL NOT NULL, duplicate REAL NOT NULL, late REAL NOT NULL, lost REAL NOT NULL,
  PRIMARY KEY (minuteMs, family, source, eventType)) WITHOUT ROWID;
${rowSchema}
CREATE UNIQUE INDEX IF NOT EXISTS numbered ON row (lane, epoch, seq) WHERE seq > 0;
CREATE INDEX IF NOT EXISTS outgoing ON row (lane, id) WHERE seq > 0;
CREATE INDEX IF NOT EXISTS waitingByWidth ON row (lane, widthMs, record, id) WHERE seq = 0;
CREATE INDEX IF NOT EXISTS waitingByAge ON row (lane, createdMs, id) WHERE seq = 0;
CREATE INDEX IF NOT EXISTS held ON row (lane, createdMs, bytes);
CREATE INDEX IF NOT EXISTS waitingBoundary ON row (boundaryMs) WHERE seq = 0;
`
