/**
 * Fences, and the outbox of what hubs must hear (fences, triage), in `desk.db`: stored first, told as soon as the core's server answers.
 * The outbox holds the last word per subject, as the stream does.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, guard, openDatabase } from '#shared/adapters/sqlite.ts'
import { type Fence, subjects, type Triage } from '#shared/control.ts'
import type { Desk } from '../api-deps.ts'

export interface Word {
  readonly subject: string
  readonly body: string
}

export class SqliteDesk implements Desk {
  readonly #db: Database
  readonly #file: string
  #wake: () => void = () => {}

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true })
    this.#file = join(dataDir, 'desk.db')
    this.#db = openDatabase(this.#file)
    this.#db.exec(`
      CREATE TABLE IF NOT EXISTS fence (tenant TEXT NOT NULL, id TEXT NOT NULL, revision REAL NOT NULL, deleted INTEGER NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (tenant, id)) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS outbox (subject TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
    `)
  }

  /** Called when something new waits. */
  onWord(wake: () => void): void {
    this.#wake = wake
  }

  fences(tenant: string): readonly Fence[] {
    const rows = this.#db
      .prepare<[string], { body: string }>('SELECT body FROM fence WHERE tenant = ? AND deleted = 0 ORDER BY id')
      .all(tenant)
    return rows.map(({ body }) => JSON.parse(body) as Fence)
  }

  fence(tenant: string, id: string): Fence | undefined {
    const row = this.#db
      .prepare<[string, string], { body: string }>('SELECT body FROM fence WHERE tenant = ? AND id = ? AND deleted = 0')
      .get(tenant, id)
    return row && (JSON.parse(row.body) as Fence)
  }

  saveFence(tenant: string, fence: Omit<Fence, 'revision'>): Fence {
    const save = this.#db.transaction((): Fence => {
      const last = this.#db
        .prepare<[string, string], { revision: number }>('SELECT revision FROM fence WHERE tenant = ? AND id = ?')
        .get(tenant, fence.id)
      const next: Fence = { ...fence, revision: (last?.revision ?? 0) + 1 }
      this.#db
        .prepare(
          'INSERT INTO fence VALUES (?, ?, ?, ?, ?) ON CONFLICT (tenant, id) DO UPDATE SET revision = excluded.revision, deleted = excluded.deleted, body = excluded.body',
        )
        .run(tenant, fence.id, next.revision, fence.deleted ? 1 : 0, JSON.stringify(next))
      this.#queue(subjects.fence(tenant, fence.id), next)
      return next
    })
    const saved = guard(this.#file, () => save.immediate())
    this.#wake()
    return saved
  }

  /** A fence that a region's console drew: the highest revision holds. What waits here to be told of an earlier one no longer does. */
  adoptFence(tenant: string, fence: Fence): boolean {
    const adopt = this.#db.transaction((): boolean => {
      const last = this.#db
        .prepare<[string, string], { revision: number }>('SELECT revision FROM fence WHERE tenant = ? AND id = ?')
        .get(tenant, fence.id)
      if (last !== undefined && last.revision >= fence.revision) return false
      this.#db
        .prepare(
          'INSERT INTO fence VALUES (?, ?, ?, ?, ?) ON CONFLICT (tenant, id) DO UPDATE SET revision = excluded.revision, deleted = excluded.deleted, body = excluded.body',
        )
        .run(tenant, fence.id, fence.revision, fence.deleted ? 1 : 0, JSON.stringify(fence))
      this.#db.prepare('DELETE FROM outbox WHERE subject = ?').run(subjects.fence(tenant, fence.id))
      return true
    })
    return guard(this.#file, () => adopt.immediate())
  }

  tellTriage(tenant: string, triage: Triage): void {
    guard(this.#file, () => this.#queue(subjects.triage(tenant, triage.alertId), triage))
    this.#wake()
  }

  waiting(limit: number): Word[] {
    return this.#db.prepare<[number], Word>('SELECT subject, body FROM outbox LIMIT ?').all(limit)
  }

  /** Only if nothing newer waits on the subject by now. */
  told({ subject, body }: Word): void {
    this.#db.prepare('DELETE FROM outbox WHERE subject = ? AND body = ?').run(subject, body)
  }

  close(): void {
    this.#db.close()
  }

  #queue(subject: string, word: Fence | Triage): void {
    this.#db
      .prepare('INSERT INTO outbox VALUES (?, ?) ON CONFLICT (subject) DO UPDATE SET body = excluded.body')
      .run(subject, JSON.stringify(word))
  }
}
