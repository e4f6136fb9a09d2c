/**
 * The claim directory's memory in `claims.db`: the ring of each key, the cursor on the stream, and marks of how far notices had come at which
 * hour, so that old ones can be purged. One transaction holds all claims of a group.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, guard, openDatabase } from '#shared/adapters/sqlite.ts'
import type { Claim } from '#shared/control.ts'
import type { ClaimStore } from '../directory.ts'

export interface ClaimCursor {
  readonly position: number
  readonly generation: string
}

export class SqliteClaims implements ClaimStore {
  readonly #db: Database
  readonly #file: string

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true })
    this.#file = join(dataDir, 'claims.db')
    this.#db = openDatabase(this.#file)
    this.#db.exec(`
      CREATE TABLE IF NOT EXISTS ring (tenant TEXT NOT NULL, kind TEXT NOT NULL, key BLOB NOT NULL, claims TEXT NOT NULL,
        PRIMARY KEY (tenant, kind, key)) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS cursor (one INTEGER PRIMARY KEY CHECK (one = 1), position REAL NOT NULL, generation TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS notice_mark (atMs REAL PRIMARY KEY, position REAL NOT NULL);
    `)
  }

  read(tenant: string, kind: Claim['kind'], key: string): readonly Claim[] {
    const row = this.#db
      .prepare<unknown[], { claims: string }>('SELECT claims FROM ring WHERE tenant = ? AND kind = ? AND key = ?')
      .get(tenant, kind, Buffer.from(key, 'hex'))
    return row === undefined ? [] : (JSON.parse(row.claims) as Claim[])
  }

  replace(tenant: string, kind: Claim['kind'], key: string, claims: readonly Claim[]): void {
    this.#db
      .prepare('INSERT INTO ring VALUES (?, ?, ?, ?) ON CONFLICT (tenant, kind, key) DO UPDATE SET claims = excluded.claims')
      .run(tenant, kind, Buffer.from(key, 'hex'), JSON.stringify(claims))
  }

  /** All of the work or none of it, synced. */
  together(work: () => void): void {
    guard(this.#file, () => this.#db.transaction(work).immediate())
  }

  cursor(): ClaimCursor | undefined {
    return this.#db.prepare<[], ClaimCursor>('SELECT position, generation FROM cursor').get()
  }

  saveCursor({ position, generation }: ClaimCursor): void {
    guard(this.#file, () =>
      this.#db
        .prepare(
          'INSERT INTO cursor VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET position = excluded.position, generation = excluded.generation',
        )
        .run(position, generation),
    )
  }

  markNotice(atMs: number, position: number): void {
    this.#db.prepare('INSERT OR REPLACE INTO notice_mark VALUES (?, ?)').run(atMs, position)
  }

  /** The highest notice that was sent before `beforeMs`; older marks are forgotten. */
  noticesBefore(beforeMs: number): number {
    const row = this.#db
      .prepare<[number], { position: number | null }>('SELECT MAX(position) AS position FROM notice_mark WHERE atMs < ?')
      .get(beforeMs)
    this.#db.prepare('DELETE FROM notice_mark WHERE atMs < ?').run(beforeMs)
    return row?.position ?? 0
  }

  clearMarks(): void {
    this.#db.prepare('DELETE FROM notice_mark').run()
  }

  close(): void {
    this.#db.close()
  }
}
