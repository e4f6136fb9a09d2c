/**
 * One segment of the journal: a SQLite file of rows with their own checksums, named after the first position it may hold.
 *
 * A segment starts with what it takes over from the one before: the QoS 2 packets that are still open, and how many rows the journal had
 * until then, so that a segment lost later can be counted by its neighbours. Never deletes a row: segments are unlinked whole.
 */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { type Database, openDatabase } from '#shared/adapters/sqlite.ts'
import { StoreFailed } from '#shared/errors.ts'
import type { PacketChanges } from '../ports.ts'
import { factsFile } from './segment-facts.ts'

export interface StoredRow {
  readonly position: number
  readonly arrivalMs: number
  readonly rows: number
  readonly crc: number
  readonly body: Buffer
  readonly ids: Buffer | null
}

const schema = `
CREATE TABLE batch (position INTEGER PRIMARY KEY, arrivalMs REAL NOT NULL, rows INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL, ids BLOB);
CREATE TABLE packet (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE origin (batches INTEGER NOT NULL, rows INTEGER NOT NULL);`

/** Totals of the journal before a segment's first row. */
export interface Origin {
  readonly batches: number
  readonly rows: number
}

export class SqliteSegment {
  readonly file: string
  readonly first: number
  readonly #db: Database
  readonly #insert
  readonly #take
  readonly #release
  readonly #appendAll

  private constructor(file: string, db: Database) {
    this.file = file
    this.first = firstOf(file)
    this.#db = db
    this.#insert = db.prepare('INSERT INTO batch (position, arrivalMs, rows, crc, body, ids) VALUES (?, ?, ?, ?, ?, ?)')
    this.#take = db.prepare('INSERT OR IGNORE INTO packet (key) VALUES (?)')
    this.#release = db.prepare('DELETE FROM packet WHERE key = ?')
    this.#appendAll = db.transaction((row: StoredRow, packets: PacketChanges) => {
      this.#write(row)
      for (const key of packets.taken) this.#take.run(key)
      for (const key of packets.released) this.#release.run(key)
    })
  }

  static create(directory: string, first: number, origin: Origin, packets: Iterable<string>): SqliteSegment {
    const file = join(directory, segmentName(first))
    const db = openDatabase(file)
    try {
      db.transaction(() => {
        db.exec(schema)
        db.prepare('INSERT INTO origin (batches, rows) VALUES (?, ?)').run(origin.batches, origin.rows)
        const insert = db.prepare('INSERT INTO packet (key) VALUES (?)')
        for (const key of packets) insert.run(key)
      }).immediate()
      return new SqliteSegment(file, db)
    } catch (error) {
      db.close()
      removeSegment(file)
      throw error
    }
  }

  /** Opens and verifies the file's structure; rows are verified as they are read. */
  static open(file: string): SqliteSegment {
    const db = openDatabase(file)
    try {
      const verdict = db.pragma('quick_check(1)', { simple: true })
      if (verdict !== 'ok') throw new StoreFailed(`${file}: ${String(verdict)}`)
      return new SqliteSegment(file, db)
    } catch (error) {
      db.close()
      throw error
    }
  }

  /** For reading ids of a sealed segment: not verified, because that reads the whole file. */
  static openToRead(file: string): SqliteSegment {
    const db = openDatabase(file, { readonly: true })
    try {
      return new SqliteSegment(file, db)
    } catch (error) {
      db.close()
      throw error
    }
  }

  append(row: StoredRow, packets: PacketChanges): void {
    if (packets.taken.length + packets.released.length === 0) this.#write(row)
    else this.#appendAll.immediate(row, packets)
  }

  #write(row: StoredRow): void {
    this.#insert.run(row.position, row.arrivalMs, row.rows, row.crc, row.body, row.ids)
  }

  /** In one transaction. */
  appendTogether(rows: readonly StoredRow[]): void {
    this.#db.transaction(() => rows.forEach((row) => void this.#write(row))).immediate()
  }

  /** Removes rows that were never acknowledged: a commit whose outcome was unknown. */
  dropAbove(position: number): number {
    return this.#db.prepare('DELETE FROM batch WHERE position > ?').run(position).changes
  }

  *rows(afterPosition: number): Iterable<StoredRow> {
    const read = this.#db.prepare<[number], StoredRow>('SELECT * FROM batch WHERE position > ? ORDER BY position LIMIT 16')
    for (;;) {
      const rows = read.all(afterPosition)
      yield* rows
      if (rows.length === 0) return
      afterPosition = rows.at(-1)!.position
    }
  }

  *ids(sinceMs: number): Iterable<{ arrivalMs: number; ids: Buffer }> {
    const read = this.#db.prepare<[number, number], { position: number; arrivalMs: number; ids: Buffer }>(
      'SELECT position, arrivalMs, ids FROM batch WHERE position > ? AND ids IS NOT NULL AND arrivalMs >= ? ORDER BY position LIMIT 256',
    )
    for (let after = 0; ; ) {
      const rows = read.all(after, sinceMs)
      yield* rows
      if (rows.length === 0) return
      after = rows.at(-1)!.position
    }
  }

  totals(): { last: number; batches: number; rows: number; octets: number } {
    const { last, batches, rows, octets } = this.#db
      .prepare<[], { last: number | null; batches: number; rows: number; octets: number }>(
        'SELECT max(position) AS last, count(*) AS batches, total(rows) AS rows, total(length(body)) + total(length(ids)) AS octets FROM batch',
      )
      .get()!
    return { last: last ?? 0, batches, rows, octets }
  }

  origin(): Origin {
    return this.#db.prepare<[], Origin>('SELECT batches, rows FROM origin').get() ?? { batches: 0, rows: 0 }
  }

  packets(): string[] {
    return this.#db
      .prepare<[], { key: string }>('SELECT key FROM packet')
      .all()
      .map(({ key }) => key)
  }

  /** The write-ahead log goes into the file, so that a sealed segment is one file. */
  seal(): void {
    this.#db.pragma('wal_checkpoint(TRUNCATE)')
  }

  close(): void {
    this.#db.close()
  }
}

/** The checksum of a row: body, then ids. */
export function rowChecksum(body: Uint8Array, ids: Uint8Array | null): number {
  const crc = crc32(body)
  return ids === null ? crc : crc32(ids, crc)
}

const namePattern = /^journal-(\d{15})\.db$/

export function segmentName(first: number): string {
  return `journal-${String(first).padStart(15, '0')}.db`
}

function firstOf(file: string): number {
  return Number(/(\d{15})\.db$/.exec(file)?.[1])
}

/** The files of a directory's segments with their first positions, oldest first. */
export function segmentFiles(directory: string): { file: string; first: number }[] {
  return readdirSync(directory)
    .filter((name) => namePattern.test(name))
    .sort()
    .map((name) => ({ file: join(directory, name), first: firstOf(name) }))
}

export function removeSegment(file: string): void {
  rmSync(factsFile(file), { force: true })
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true })
}
