/**
 * Writing history: rows are sorted into their files, each file gets one synced transaction at a time, and only when all of them are on disk
 * does the call resolve. SQLite has no transaction over several files: a crash between two leaves rows that the next replay writes again,
 * to no effect, because every row carries the key made at the edge. Between steps the event loop runs, so that questions are answered.
 */
import { setImmediate } from 'node:timers/promises'
import { guard } from '#shared/adapters/sqlite.ts'
import type { Columns } from '#shared/records.ts'
import type { CuratedBatch, Cursor, Rejected } from '../ports.ts'
import { bucketOf, bucketRange, type HistoryFile, type SqliteBuckets } from './sqlite-buckets.ts'
import { rowReader, type SqlValue } from './sqlite-rows.ts'
import { bucketKinds, mainKinds, tableSpecs } from './sqlite-tables.ts'

const rowsPerStep = 5_000
const expirePerStep = 2_000
const mainBucket = ''

export interface HistoryFiles {
  readonly main: HistoryFile
  readonly buckets: SqliteBuckets
}

export const mainTables = `
  CREATE TABLE IF NOT EXISTS cursor (one INTEGER PRIMARY KEY CHECK (one = 1), body TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS rejected (position REAL NOT NULL, tenant TEXT NOT NULL, topic TEXT NOT NULL, reason TEXT NOT NULL,
    storedMs REAL NOT NULL, frame BLOB NOT NULL, PRIMARY KEY (position, topic, frame));
  CREATE TABLE IF NOT EXISTS triage (tenant TEXT NOT NULL, alertId BLOB NOT NULL, revision REAL NOT NULL, status TEXT NOT NULL,
    untilMs REAL, body TEXT NOT NULL, PRIMARY KEY (tenant, alertId));
  CREATE TABLE IF NOT EXISTS alert_line (tenant TEXT NOT NULL, alertId BLOB NOT NULL, origin TEXT NOT NULL, region TEXT NOT NULL,
    revision REAL NOT NULL, atMs REAL NOT NULL, what TEXT NOT NULL, byWhom TEXT NOT NULL, reason TEXT NOT NULL, ticket TEXT NOT NULL,
    untilMs REAL, storedMs REAL NOT NULL, PRIMARY KEY (tenant, alertId, origin, region, revision));
`

/** A row on its way to one file. */
interface Pending {
  readonly curated: CuratedBatch
  readonly reader: ReturnType<typeof rowReader>
  readonly rows: number[]
}

export async function writeBatches(files: HistoryFiles, batches: readonly CuratedBatch[], storedMs: number): Promise<void> {
  let step = new Map<string, Pending[]>()
  let rows = 0
  const flush = async () => {
    for (const [bucket, pending] of step) writeFile(files, bucket, pending, storedMs)
    step = new Map()
    rows = 0
    await setImmediate()
  }
  for (const curated of batches) {
    const reader = rowReader(curated, storedMs)
    const inMain = tableSpecs[curated.batch.kind].time === undefined
    let open = new Map<string, Pending>()
    for (let row = 0; row < curated.batch.rows; row++) {
      const bucket = inMain ? mainBucket : bucketOf(reader.timeMs(row))
      let pending = open.get(bucket)
      if (pending === undefined) {
        pending = { curated, reader, rows: [] }
        open.set(bucket, pending)
        const list = step.get(bucket)
        if (list === undefined) step.set(bucket, [pending])
        else list.push(pending)
      }
      pending.rows.push(row)
      if (++rows >= rowsPerStep) {
        await flush()
        open = new Map()
      }
    }
  }
  if (rows > 0) await flush()
}

function writeFile({ main, buckets }: HistoryFiles, bucket: string, pending: readonly Pending[], storedMs: number): void {
  const file = bucket === mainBucket ? main : buckets.file(bucket)
  guard(file.db.name, () =>
    file.db
      .transaction(() => {
        for (const { curated, reader, rows } of pending) {
          const { kind } = curated.batch
          for (const row of rows) {
            const values = reader.values(row)
            if (file.insert(kind, values) && kind === 'alert') noteAlert(file, curated as CuratedBatch<'alert'>, row, storedMs)
          }
        }
      })
      .immediate(),
  )
}

/** An alert that is raised, changed or taken back leaves a line, even where the alert itself is hidden afterwards. */
function noteAlert(file: HistoryFile, { tenant, region, batch }: CuratedBatch<'alert'>, row: number, storedMs: number): void {
  const columns: Columns<'alert'> = batch.columns
  const id = Buffer.allocUnsafe(16)
  for (let word = 0; word < 4; word++) id.writeUInt32BE(columns.id[row * 4 + word]!, word * 4)
  const known = file.one(
    "SELECT 1 FROM alert_line WHERE tenant = ? AND alertId = ? AND origin = 'detection' AND region = ? LIMIT 1",
    tenant,
    id,
    region,
  )
  const what = columns.retracted[row] === 1 ? 'retracted' : known === undefined ? 'raised' : 'changed'
  const values: SqlValue[] = [
    tenant,
    id,
    region,
    columns.revision[row]!,
    columns.detectedMs[row]!,
    what,
    batch.texts[columns.severity[row]!]!,
  ]
  file.run(
    `INSERT OR IGNORE INTO alert_line (tenant, alertId, origin, region, revision, atMs, what, byWhom, reason, ticket, storedMs)
     VALUES (?, ?, 'detection', ?, ?, ?, ?, 'detection', ?, '', ?)`,
    ...values,
    storedMs,
  )
}

export function saveCursor({ main }: HistoryFiles, cursor: Cursor): void {
  guard(main.db.name, () =>
    main.run('INSERT INTO cursor (one, body) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET body = excluded.body', JSON.stringify(cursor)),
  )
}

export function readCursor({ main }: HistoryFiles): Cursor | undefined {
  const row = main.one<{ body: string }>('SELECT body FROM cursor')
  return row === undefined ? undefined : (JSON.parse(row.body) as Cursor)
}

export function saveRejected({ main }: HistoryFiles, frames: readonly Rejected[], storedMs: number): void {
  const write = main.db.transaction(() => {
    for (const { position, tenant, topic, reason, frame } of frames) {
      main.run('INSERT OR IGNORE INTO rejected VALUES (?, ?, ?, ?, ?, ?)', position, tenant, topic, reason, storedMs, Buffer.from(frame))
    }
  })
  guard(main.db.name, () => write.immediate())
}

/** One bounded step; true when another is worth taking. Looking at a file may mean opening it, so each is a turn of its own. */
export async function expireStep({ main, buckets }: HistoryFiles, beforeMs: number): Promise<boolean> {
  for (const name of buckets.names) {
    await setImmediate()
    const file = buckets.file(name)
    const tables = bucketKinds.map((kind) => tableSpecs[kind].table)
    const stored = (table: string, order: string) =>
      file.one<{ storedMs: number }>(`SELECT storedMs FROM ${table} ORDER BY rowid ${order} LIMIT 1`)?.storedMs
    const newest = Math.max(...tables.map((table) => stored(table, 'DESC') ?? 0))
    if (newest < beforeMs && bucketRange(name).endMs < beforeMs) {
      buckets.remove(name)
      return true
    }
    for (const table of tables) {
      if ((stored(table, 'ASC') ?? Number.POSITIVE_INFINITY) >= beforeMs) continue
      const removed = file.run(
        `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM (SELECT rowid, storedMs FROM ${table} ORDER BY rowid LIMIT ${expirePerStep}) WHERE storedMs < ?)`,
        beforeMs,
      )
      if (removed > 0) return true
    }
  }
  const inMain = [...mainKinds.filter((kind) => kind !== 'progress').map((kind) => tableSpecs[kind].table), 'rejected', 'alert_line']
  return inMain.some(
    (table) =>
      main.run(`DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE storedMs < ? LIMIT ${expirePerStep})`, beforeMs) ===
      expirePerStep,
  )
}
