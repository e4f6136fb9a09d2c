/**
 * The audit log: who looked up whom, and why; logins; changes. Append-only: the database refuses to change or delete a line, and every entry holds
 * the hash of the one before, so that a line changed, taken out or put in from outside shows. On disk when `append` returns.
 *
 * What a chain cannot show is that its end was cut off: the last hash also stands in a file beside it, and every searcher sees the hash of their own line.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { type Database, guard, openDatabase } from '#shared/adapters/sqlite.ts'
import type { AuditAnswer, AuditEntry } from '../console-api.ts'

export type AuditWords = Omit<AuditEntry, 'seq' | 'previous' | 'hash'>

const genesis = '0'.repeat(64)
const schema = `
CREATE TABLE IF NOT EXISTS entry (seq INTEGER PRIMARY KEY, atMs REAL NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS entry_time ON entry (atMs);
CREATE TRIGGER IF NOT EXISTS entry_kept BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS entry_stays BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
`

export class SqliteAudit {
  readonly #file: string
  readonly #db: Database

  constructor(file: string, options: { readonly readonly?: boolean } = {}) {
    this.#file = file
    this.#db = openDatabase(file, options)
    if (options.readonly !== true) guard(file, () => this.#db.exec(schema))
  }

  append(words: AuditWords): AuditEntry {
    const entry = guard(this.#file, () =>
      this.#db
        .transaction(() => {
          const last = this.#db.prepare('SELECT body FROM entry ORDER BY seq DESC LIMIT 1').pluck().get() as string | undefined
          const before = last === undefined ? undefined : (JSON.parse(last) as AuditEntry)
          const next = chained({ ...words, seq: (before?.seq ?? 0) + 1, previous: before?.hash ?? genesis })
          this.#db.prepare('INSERT INTO entry VALUES (?, ?, ?)').run(next.seq, next.atMs, JSON.stringify(next))
          return next
        })
        .immediate(),
    )
    writeFileSync(`${this.#headFile}.next`, `${entry.seq} ${entry.hash}\n`, { mode: 0o600, flush: true })
    renameSync(`${this.#headFile}.next`, this.#headFile)
    return entry
  }

  /** Newest first. */
  list(fromMs: number, toMs: number, limit: number): readonly AuditEntry[] {
    const rows = this.#db
      .prepare('SELECT body FROM entry WHERE atMs >= ? AND atMs < ? ORDER BY seq DESC LIMIT ?')
      .pluck()
      .all(fromMs, toMs, limit) as string[]
    return rows.map((body) => JSON.parse(body) as AuditEntry)
  }

  /** Reads the whole chain. */
  verify(): AuditAnswer['verified'] {
    let before: AuditEntry | undefined
    const broken = (words: string) => ({ isWhole: false, entries: before?.seq ?? 0, head: before?.hash ?? genesis, words })
    for (const { seq, atMs, body } of this.#db.prepare('SELECT seq, atMs, body FROM entry ORDER BY seq').iterate() as Iterable<{
      seq: number
      atMs: number
      body: string
    }>) {
      const entry = parsed(body)
      const expected = (before?.seq ?? 0) + 1
      if (seq !== expected) return broken(`Entry ${expected} is not there.`)
      if (entry === undefined || entry.seq !== seq || entry.atMs !== atMs || chained(entry).hash !== entry.hash)
        return broken(`Entry ${seq} was changed after it was written.`)
      if (entry.previous !== (before?.hash ?? genesis)) return broken(`Entry ${seq} does not follow the one before it.`)
      before = entry
    }
    if (existsSync(this.#headFile)) {
      const [seq, hash] = readFileSync(this.#headFile, 'utf8').trim().split(' ')
      if (Number(seq) > (before?.seq ?? 0)) return broken(`Entries after ${before?.seq ?? 0} are missing: there were ${seq}.`)
      if (Number(seq) === before?.seq && hash !== before.hash) return broken(`Entry ${seq} is not the one that was written last.`)
    }
    const entries = before?.seq ?? 0
    return { isWhole: true, entries, head: before?.hash ?? genesis, words: `${entries} entries, unbroken.` }
  }

  close(): void {
    this.#db.close()
  }

  get #headFile(): string {
    return `${this.#file}.head`
  }
}

/** The hash covers every field in a fixed order, and the hash before. */
function chained(entry: Omit<AuditEntry, 'hash'>): AuditEntry {
  const { seq, atMs, by, role, action, subject, reason, ticket, outcome, previous } = entry
  const body = { seq, atMs, by, role, action, subject, reason, ticket, outcome, previous }
  return {
    ...body,
    hash: createHash('sha256')
      .update(JSON.stringify(Object.values(body)))
      .digest('hex'),
  }
}

function parsed(body: string): AuditEntry | undefined {
  try {
    return JSON.parse(body) as AuditEntry
  } catch {
    return undefined
  }
}
