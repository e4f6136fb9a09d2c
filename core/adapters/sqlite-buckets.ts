/**
 * History's files: `main.db` for what has no time of its own or must be found at any time, and one file per bucket of event time: a UTC day,
 * before 2026 a whole month. The bucket follows from the row alone, so that a row that comes again finds itself whenever it comes; replays of
 * old captures, which may bear any date from 2000 on, stay within a few hundred files.
 *
 * A bucket is opened when it is needed and closed when others were needed more lately; one connection per file does all writing and reading.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Statement } from 'better-sqlite3'
import { type Database, openDatabase } from '#shared/adapters/sqlite.ts'
import type { RecordKind } from '#shared/records.ts'
import type { SqlValue } from './sqlite-rows.ts'
import { bucketKinds, createTable, insertRow } from './sqlite-tables.ts'

const daysFromMs = Date.UTC(2026, 0, 1)
const maxOpen = 48

/** A file of history with its prepared statements, by SQL text. */
export class HistoryFile {
  readonly db: Database
  readonly #statements = new Map<string, Statement<SqlValue[]>>()
  readonly #inserts = new Map<RecordKind, Statement<SqlValue[]>>()

  constructor(file: string, kinds: readonly RecordKind[], more = '') {
    this.db = openDatabase(file)
    this.db.transaction(() => {
      for (const kind of kinds) this.db.exec(createTable(kind))
      this.db.exec(more)
    })()
  }

  insert(kind: RecordKind, values: readonly SqlValue[]): boolean {
    let statement = this.#inserts.get(kind)
    if (statement === undefined) {
      statement = this.db.prepare<SqlValue[]>(insertRow(kind))
      this.#inserts.set(kind, statement)
    }
    return statement.run(...values).changes > 0
  }

  all<Row>(sql: string, ...values: SqlValue[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[]
  }

  one<Row>(sql: string, ...values: SqlValue[]): Row | undefined {
    return this.#prepare(sql).get(...values) as Row | undefined
  }

  run(sql: string, ...values: SqlValue[]): number {
    return this.#prepare(sql).run(...values).changes
  }

  #prepare(sql: string): Statement<SqlValue[]> {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.db.prepare<SqlValue[]>(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}

export class SqliteBuckets {
  readonly #dir: string
  readonly #open = new Map<string, HistoryFile>()
  #names: string[] = []

  constructor(dir: string) {
    this.#dir = dir
  }

  start(): void {
    mkdirSync(this.#dir, { recursive: true })
    this.#names = readdirSync(this.#dir)
      .filter((file) => /^\d{4}-\d{2}(-\d{2})?\.db$/.test(file))
      .map((file) => file.slice(0, -3))
      .sort()
  }

  /** Oldest first. */
  get names(): readonly string[] {
    return this.#names
  }

  file(name: string): HistoryFile {
    let file = this.#open.get(name)
    if (file === undefined) {
      file = new HistoryFile(join(this.#dir, `${name}.db`), bucketKinds)
      if (!this.#names.includes(name)) this.#names = [...this.#names, name].sort()
      for (const [other, open] of this.#open) {
        if (this.#open.size < maxOpen) break
        open.db.close()
        this.#open.delete(other)
      }
    } else {
      this.#open.delete(name)
    }
    this.#open.set(name, file)
    return file
  }

  /** The buckets that may hold rows of the range, oldest first. */
  within(fromMs: number, toMs: number): string[] {
    return this.#names.filter((name) => {
      const { startMs, endMs } = bucketRange(name)
      return startMs < toMs && endMs > fromMs
    })
  }

  remove(name: string): void {
    this.#open.get(name)?.db.close()
    this.#open.delete(name)
    this.#names = this.#names.filter((one) => one !== name)
    for (const suffix of ['', '-wal', '-shm']) {
      const file = join(this.#dir, `${name}.db${suffix}`)
      if (existsSync(file)) rmSync(file)
    }
  }

  close(): void {
    for (const file of this.#open.values()) file.db.close()
    this.#open.clear()
  }
}

export function bucketOf(timeMs: number): string {
  const date = new Date(Math.min(8e15, Math.max(0, timeMs)))
  const text = date.toISOString()
  return text.startsWith('+') ? '9999-12' : text.slice(0, timeMs < daysFromMs ? 7 : 10)
}

export function bucketRange(name: string): { startMs: number; endMs: number } {
  const [year, month, day] = name.split('-').map(Number) as [number, number, number | undefined]
  if (day === undefined) return { startMs: Date.UTC(year, month - 1, 1), endMs: Date.UTC(year, month, 1) }
  const startMs = Date.UTC(year, month - 1, day)
  return { startMs, endMs: startMs + 24 * 3600_000 }
}
