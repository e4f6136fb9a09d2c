/**
 * The region's alerts, what people did with them, and what of that is still to be told to the core. Alerts live until they are closed and old:
 * no time window hides an open one.
 *
 * Promises: an upsert by id where the highest revision holds; a triage is on disk when the call returns, and its whole history is kept.
 */
import { type Database, guard, openDatabase } from '#shared/adapters/sqlite.ts'
import type { Triage } from '#shared/control.ts'
import type { LiveAlert } from '../reduce-live.ts'

export interface AlertQuery {
  readonly fromMs?: number
  readonly toMs?: number
  readonly type?: string
  readonly severity?: string
  readonly status?: Triage['status']
  readonly limit: number
  /** Continue after this one. */
  readonly before?: { readonly timeMs: number; readonly id: string }
}

export interface TriagedAlert extends LiveAlert {
  readonly status: Triage['status']
  readonly triage: Triage | null
}

type Row = { alert: string; status: Triage['status']; triage: string | null }

const schema = `
CREATE TABLE IF NOT EXISTS alert (
  id TEXT PRIMARY KEY, rev REAL NOT NULL, timeMs REAL NOT NULL, type TEXT NOT NULL, severity TEXT NOT NULL, retracted INTEGER NOT NULL,
  status TEXT NOT NULL DEFAULT 'active', alert TEXT NOT NULL, triage TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS alert_time ON alert (timeMs, id);
CREATE INDEX IF NOT EXISTS alert_status ON alert (status) WHERE status IN ('snoozed', 'acknowledged');
CREATE TABLE IF NOT EXISTS triage (
  alertId TEXT NOT NULL, revision REAL NOT NULL, atMs REAL NOT NULL, told INTEGER NOT NULL, triage TEXT NOT NULL, PRIMARY KEY (alertId, revision, atMs)
) WITHOUT ROWID;
`

export class SqliteAlerts {
  readonly #file: string
  readonly #db: Database

  constructor(file: string) {
    this.#file = file
    this.#db = openDatabase(file)
    guard(file, () => this.#db.exec(schema))
  }

  upsert(alerts: readonly LiveAlert[]): void {
    guard(this.#file, () => {
      const put = this.#db.prepare(
        `INSERT INTO alert (id, rev, timeMs, type, severity, retracted, alert) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, timeMs = excluded.timeMs, type = excluded.type, severity = excluded.severity,
           retracted = excluded.retracted, alert = excluded.alert WHERE excluded.rev >= rev`,
      )
      this.#db
        .transaction(() => {
          for (const one of alerts) put.run(one.id, one.rev, one.timeMs, one.type, one.severity, one.retracted ? 1 : 0, JSON.stringify(one))
          for (const { id } of alerts) this.#apply(id)
        })
        .immediate()
    })
  }

  /** `told`: it came from the core, or the core has it. False when it was known or an earlier revision. */
  triage(triage: Triage, told: boolean): boolean {
    const { alertId, revision, atMs } = triage
    return guard(this.#file, () =>
      this.#db
        .transaction(() => {
          const put = this.#db.prepare('INSERT OR IGNORE INTO triage (alertId, revision, atMs, told, triage) VALUES (?, ?, ?, ?, ?)')
          const isNew = put.run(alertId, revision, atMs, told ? 1 : 0, JSON.stringify(triage)).changes > 0
          if (isNew) this.#apply(alertId)
          return isNew
        })
        .immediate(),
    )
  }

  untold(): readonly Triage[] {
    const rows = this.#db.prepare('SELECT triage FROM triage WHERE told = 0 ORDER BY atMs LIMIT 100').pluck().all() as string[]
    return rows.map((row) => JSON.parse(row))
  }

  told({ alertId, revision, atMs }: Triage): void {
    guard(this.#file, () =>
      this.#db.prepare('UPDATE triage SET told = 1 WHERE alertId = ? AND revision = ? AND atMs = ?').run(alertId, revision, atMs),
    )
  }

  /** Newest first. */
  list({ fromMs, toMs, type, severity, status, limit, before }: AlertQuery): readonly TriagedAlert[] {
    const rows = this.#db
      .prepare(
        `SELECT alert, status, triage FROM alert WHERE retracted = 0
           AND (@fromMs IS NULL OR timeMs >= @fromMs) AND (@toMs IS NULL OR timeMs < @toMs) AND (@type IS NULL OR type = @type)
           AND (@severity IS NULL OR severity = @severity) AND (@status IS NULL OR status = @status)
           AND (@beforeMs IS NULL OR (timeMs, id) < (@beforeMs, @beforeId))
         ORDER BY timeMs DESC, id DESC LIMIT @limit`,
      )
      .all({
        fromMs: fromMs ?? null,
        toMs: toMs ?? null,
        type: type ?? null,
        severity: severity ?? null,
        status: status ?? null,
        beforeMs: before?.timeMs ?? null,
        beforeId: before?.id ?? null,
        limit,
      }) as Row[]
    return rows.map(toAlert)
  }

  one(id: string): TriagedAlert | undefined {
    const row = this.#db.prepare('SELECT alert, status, triage FROM alert WHERE id = ?').get(id) as Row | undefined
    return row && toAlert(row)
  }

  /** Everything people did with an alert, oldest first. */
  history(id: string): readonly Triage[] {
    const rows = this.#db.prepare('SELECT triage FROM triage WHERE alertId = ? ORDER BY revision, atMs').pluck().all(id) as string[]
    return rows.map((row) => JSON.parse(row))
  }

  /** Snoozed or acknowledged until a time that has come. */
  due(nowMs: number): readonly TriagedAlert[] {
    const rows = this.#db
      .prepare(
        `SELECT alert, status, triage FROM alert
         WHERE status IN ('snoozed', 'acknowledged') AND json_extract(triage, '$.untilMs') <= ? ORDER BY id LIMIT 200`,
      )
      .all(nowMs) as Row[]
    return rows.map(toAlert)
  }

  /** The latest alerts of these people or devices (pseudonyms as text). */
  about(names: readonly string[]): readonly TriagedAlert[] {
    const rows = this.#db
      .prepare(
        `SELECT alert, status, triage FROM alert WHERE retracted = 0 AND (alert ->> '$.subscriber' IN (SELECT value FROM json_each(@names))
           OR alert ->> '$.number' IN (SELECT value FROM json_each(@names)) OR alert ->> '$.device' IN (SELECT value FROM json_each(@names)))
         ORDER BY timeMs DESC, id DESC LIMIT 200`,
      )
      .all({ names: JSON.stringify(names) }) as Row[]
    return rows.map(toAlert)
  }

  /** How many are open, by severity. */
  open(): Readonly<Record<string, number>> {
    const rows = this.#db
      .prepare(`SELECT severity, count(*) AS count FROM alert WHERE retracted = 0 AND status <> 'closed' GROUP BY severity`)
      .all()
    return Object.fromEntries((rows as { severity: string; count: number }[]).map(({ severity, count }) => [severity, count]))
  }

  /** Forgets what was closed or retracted and happened before. */
  forget(beforeMs: number): void {
    guard(this.#file, () => {
      this.#db.prepare(`DELETE FROM alert WHERE timeMs < ? AND (retracted = 1 OR status = 'closed')`).run(beforeMs)
      this.#db.prepare('DELETE FROM triage WHERE told = 1 AND atMs < ? AND alertId NOT IN (SELECT id FROM alert)').run(beforeMs)
    })
  }

  close(): void {
    this.#db.close()
  }

  #apply(alertId: string): void {
    const latest = this.#db
      .prepare('SELECT triage FROM triage WHERE alertId = ? ORDER BY revision DESC, atMs DESC LIMIT 1')
      .pluck()
      .get(alertId)
    if (latest === undefined) return
    const { status } = JSON.parse(latest as string) as Triage
    this.#db.prepare('UPDATE alert SET status = ?, triage = ? WHERE id = ?').run(status, latest, alertId)
  }
}

function toAlert({ alert, status, triage }: Row): TriagedAlert {
  return { ...(JSON.parse(alert) as LiveAlert), status, triage: triage === null ? null : JSON.parse(triage) }
}
