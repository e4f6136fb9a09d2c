/**
 * What people at this region's console leave behind beside triage, in `desk.db`: maintenance windows, incidents, fences that the core has yet to
 * hear of; and when agents were silent, for whoever asks in the morning. On disk when a call returns.
 */
import { type Database, guard, openDatabase } from '#shared/adapters/sqlite.ts'
import type { Fence } from '#shared/control.ts'
import type { Incident, Maintenance, Silence } from '../console-api.ts'

export type StoredMaintenance = Omit<Maintenance, 'state' | 'matches'>

const schema = `
CREATE TABLE IF NOT EXISTS maintenance (id TEXT PRIMARY KEY, untilMs REAL NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS incident (id TEXT PRIMARY KEY, createdMs REAL NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fence (id TEXT PRIMARY KEY, revision REAL NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS silence (agent TEXT NOT NULL, fromMs REAL NOT NULL, toMs REAL, PRIMARY KEY (agent, fromMs)) WITHOUT ROWID;
`

export class SqliteDesk {
  readonly #file: string
  readonly #db: Database

  constructor(file: string) {
    this.#file = file
    this.#db = openDatabase(file)
    guard(file, () => this.#db.exec(schema))
  }

  /** Those that end after `afterMs`, the latest first. */
  maintenance(afterMs: number): readonly StoredMaintenance[] {
    return this.#bodies('SELECT body FROM maintenance WHERE untilMs > ? ORDER BY untilMs DESC LIMIT 1000', afterMs)
  }

  saveMaintenance(one: StoredMaintenance): void {
    this.#run('INSERT INTO maintenance VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET untilMs = excluded.untilMs, body = excluded.body', [
      one.id,
      one.untilMs,
      JSON.stringify(one),
    ])
  }

  incidents(): readonly Incident[] {
    return this.#bodies('SELECT body FROM incident ORDER BY createdMs DESC LIMIT ?', 1000)
  }

  incident(id: string): Incident | undefined {
    return this.#bodies<Incident>('SELECT body FROM incident WHERE id = ?', id)[0]
  }

  saveIncident(one: Incident): void {
    this.#run('INSERT INTO incident VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body', [
      one.id,
      one.createdMs,
      JSON.stringify(one),
    ])
  }

  deleteIncident(id: string): boolean {
    return this.#run('DELETE FROM incident WHERE id = ?', [id]) > 0
  }

  /** Waits to be told to the core; the last word on a fence replaces the one before. */
  queueFence(fence: Fence): void {
    this.#run(
      'INSERT INTO fence VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET revision = excluded.revision, body = excluded.body WHERE excluded.revision >= revision',
      [fence.id, fence.revision, JSON.stringify(fence)],
    )
  }

  untoldFences(): readonly Fence[] {
    return this.#bodies('SELECT body FROM fence ORDER BY id LIMIT ?', 1000)
  }

  /** Only if nothing newer waits by now. */
  fenceTold({ id, revision }: Fence): void {
    this.#run('DELETE FROM fence WHERE id = ? AND revision <= ?', [id, revision])
  }

  /** Those that reach into the range, oldest first. */
  silences(agent: string, fromMs: number, toMs: number): readonly Silence[] {
    return this.#db
      .prepare(
        'SELECT agent, fromMs, toMs FROM silence WHERE agent = ? AND fromMs < ? AND (toMs IS NULL OR toMs > ?) ORDER BY fromMs LIMIT 1000',
      )
      .all(agent, toMs, fromMs) as Silence[]
  }

  /** Those that had not ended when this hub last looked. */
  openSilences(): readonly Silence[] {
    return this.#db.prepare('SELECT agent, fromMs, toMs FROM silence WHERE toMs IS NULL').all() as Silence[]
  }

  fellSilent(agent: string, fromMs: number): void {
    this.#run('INSERT OR IGNORE INTO silence VALUES (?, ?, NULL)', [agent, fromMs])
  }

  heardAgain(agent: string, toMs: number): void {
    this.#run('UPDATE silence SET toMs = ? WHERE agent = ? AND toMs IS NULL', [toMs, agent])
  }

  forget(beforeMs: number): void {
    this.#run('DELETE FROM silence WHERE toMs < ?', [beforeMs])
    this.#run('DELETE FROM maintenance WHERE untilMs < ?', [beforeMs])
  }

  close(): void {
    this.#db.close()
  }

  #bodies<T>(sql: string, parameter: string | number): T[] {
    const rows = this.#db.prepare(sql).pluck().all(parameter) as string[]
    return rows.map((body) => JSON.parse(body) as T)
  }

  #run(sql: string, parameters: readonly unknown[]): number {
    return guard(this.#file, () => this.#db.prepare(sql).run(...parameters).changes)
  }
}
