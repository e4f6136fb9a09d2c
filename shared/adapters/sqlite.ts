/**
 * The one way a SQLite database is opened, with the settings that make its promises true.
 *
 * In WAL mode better-sqlite3 starts at synchronous=NORMAL, where a power cut takes back acknowledged commits, and the pragma reads FULL on
 * a fresh file and NORMAL after the first write. So it is set, a transaction is written, and it is read back; anything but FULL is refused.
 * On Node 20 the native module takes the process down, so the version is checked before it is loaded.
 * One process, one writing connection: two that write and checkpoint have corrupted databases in SQLite's past.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Database as Sqlite } from 'better-sqlite3'
import { DiskFull, describeError, fail, StoreFailed } from '../errors.ts'

export type Database = Sqlite

const FULL = 2
const pageBytes = 4096

export interface DatabaseOptions {
  /** The file never grows past it; a write beyond it throws `DiskFull`. */
  readonly quotaBytes?: number
  /** A new file can give pages back (`PRAGMA incremental_vacuum`). */
  readonly shrinks?: boolean
  /** For readers beside the one writer; the file must exist. */
  readonly readonly?: boolean
}

export function openDatabase(file: string, options: DatabaseOptions = {}): Database {
  const Constructor = loadDriver(file)
  if (options.readonly && !existsSync(file)) throw new StoreFailed(`${file}: there is no such database to read`)
  return guard(file, () => {
    const db = new Constructor(file, { readonly: options.readonly ?? false, timeout: 5_000 })
    try {
      db.pragma('cell_size_check = ON')
      db.pragma('trusted_schema = OFF')
      if (options.shrinks) db.pragma('auto_vacuum = INCREMENTAL') // before the first page is written
      if (!options.readonly) makeDurable(db, file, options.quotaBytes)
      return db
    } catch (error) {
      db.close()
      throw error
    }
  })
}

function makeDurable(db: Database, file: string, quotaBytes: number | undefined): void {
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.pragma('wal_autocheckpoint = 1000')
  db.pragma('journal_size_limit = 8388608')
  if (process.platform === 'darwin') db.pragma('fullfsync = 1') // fsync there only reaches the drive's cache
  if (quotaBytes !== undefined) setQuota(db, quotaBytes)
  db.transaction(() => db.pragma(`user_version = ${Number(db.pragma('user_version', { simple: true }))}`)).immediate()
  const level = db.pragma('synchronous', { simple: true })
  const mode = db.memory ? 'wal' : db.pragma('journal_mode', { simple: true })
  if (level !== FULL || mode !== 'wal') {
    fail(
      'store-unsafe',
      `${file}: SQLite runs with journal_mode=${mode} and synchronous=${level}; without wal and ${FULL} (FULL) a power cut would lose acknowledged events`,
    )
  }
}

/** Whole pages, at least 16; a quota below what is already stored refuses every further write and deletes nothing. */
export function setQuota(db: Database, quotaBytes: number): void {
  db.pragma(`max_page_count = ${Math.max(16, Math.floor(quotaBytes / pageBytes))}`)
}

/** Runs a use of the database; SQLITE_FULL becomes `DiskFull`, an I/O error or a corrupt file `StoreFailed`, the rest passes as it is. */
export function guard<T>(file: string, use: () => T): T {
  try {
    return use()
  } catch (error) {
    throw storeError(file, error)
  }
}

export function storeError(file: string, error: unknown): unknown {
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code !== 'string') return error
  if (code === 'SQLITE_FULL') return new DiskFull(`${file}: the write was refused (${code})`, { cause: error })
  if (/^SQLITE_(IOERR|CORRUPT|NOTADB|CANTOPEN|READONLY|PROTOCOL)/.test(code) || code === 'ENOSPC') {
    return new StoreFailed(`${file}: ${code}, ${describeError(error)}`, { cause: error })
  }
  return error
}

/** The file's content is not what was written, whatever the disk says of itself. */
export function isCorrupt(error: unknown): boolean {
  const codeOf = (one: unknown) => (one as { code?: unknown } | null | undefined)?.code
  return [error, (error as Error | null)?.cause].some((one) => /^SQLITE_(CORRUPT|NOTADB)/.test(String(codeOf(one))))
}

function loadDriver(file: string): new (name: string, options: { readonly: boolean; timeout: number }) => Database {
  const major = Number(process.versions.node.split('.')[0])
  if (major < 22) fail('node-version', `${file}: SQLite's driver crashes on Node ${process.versions.node}; at least 22 is needed`)
  return createRequire(import.meta.url)('better-sqlite3')
}
