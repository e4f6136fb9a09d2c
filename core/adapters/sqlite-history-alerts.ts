/**
 * Alerts as history shows them. Two hubs may hold one alert (same id): it is shown once, while one of them has not taken it back, in the
 * words of the highest revision (equal: the first region's). What a person did stands beside it and outlives re-evaluations.
 */
import { guard } from '#shared/adapters/sqlite.ts'
import type { Triage } from '#shared/control.ts'
import type { Alert, AlertLine, AlertQuery, AlertStatus } from '../ports.ts'
import type { HistoryFiles } from './sqlite-history-write.ts'
import { idHex, idOctets, type SqlValue } from './sqlite-rows.ts'

const statusNow = `CASE WHEN t.status IS NULL OR (t.status = 'snoozed' AND t.untilMs <= ?) THEN 'active' ELSE t.status END`
const shown = `FROM alert a LEFT JOIN triage t ON t.tenant = a.tenant AND t.alertId = a.id
  WHERE a.tenant = ? AND a.retracted IS NOT 1 AND NOT EXISTS (SELECT 1 FROM alert b WHERE b.tenant = a.tenant AND b.id = a.id
    AND b.retracted IS NOT 1 AND (b.revision > a.revision OR (b.revision = a.revision AND b.region < a.region)))`

type Row = {
  id: Buffer
  revision: number
  type: string
  severity: string
  status: AlertStatus
  timeMs: number
  detectedMs: number
  region: string
  subscriber: Buffer | null
  number: Buffer | null
  device: Buffer | null
  cell: string
  evidence: string
}

export function alerts({ main }: HistoryFiles, tenant: string, query: AlertQuery): Alert[] {
  const where: string[] = ['a.timeMs >= ?', 'a.timeMs < ?']
  const values: SqlValue[] = [query.nowMs, tenant, query.fromMs, query.toMs]
  if (query.type !== undefined) {
    where.push('a.type = ?')
    values.push(query.type)
  }
  if (query.region !== undefined) {
    where.push('EXISTS (SELECT 1 FROM alert r WHERE r.tenant = a.tenant AND r.id = a.id AND r.region = ? AND r.retracted IS NOT 1)')
    values.push(query.region)
  }
  if (query.status !== undefined) {
    where.push(`${statusNow} = ?`)
    values.push(query.nowMs, query.status)
  }
  if (query.after !== undefined) {
    where.push('(a.timeMs, a.id) < (?, ?)')
    values.push(query.after.timeMs, idOctets(query.after.id))
  }
  const rows = main.all<Row>(
    `SELECT a.*, ${statusNow} AS status ${shown} AND ${where.join(' AND ')} ORDER BY a.timeMs DESC, a.id DESC LIMIT ?`,
    ...values,
    query.limit,
  )
  return rows.map(alertOf)
}

export function alert({ main }: HistoryFiles, tenant: string, id: string, nowMs: number): Alert | undefined {
  const row = main.one<Row>(`SELECT a.*, ${statusNow} AS status ${shown} AND a.id = ?`, nowMs, tenant, idOctets(id))
  return row === undefined ? undefined : alertOf(row)
}

export function alertHistory({ main }: HistoryFiles, tenant: string, id: string): AlertLine[] {
  const rows = main.all<AlertLine & { byWhom: string }>(
    'SELECT atMs, what, byWhom, region, revision, reason, ticket, untilMs FROM alert_line WHERE tenant = ? AND alertId = ? ORDER BY atMs, revision LIMIT 1000',
    tenant,
    idOctets(id),
  )
  return rows.map(({ byWhom, ...line }) => ({ ...line, by: byWhom }))
}

/** Every revision leaves its line, the highest stands; equal revisions from two sides: the later one. */
export function saveTriage({ main }: HistoryFiles, tenant: string, triage: Triage, storedMs: number): boolean {
  const { alertId, revision, status, by, reason, ticket = '', untilMs = null, atMs } = triage
  const id = idOctets(alertId)
  const write = main.db.transaction(() => {
    main.run(
      `INSERT OR IGNORE INTO alert_line (tenant, alertId, origin, region, revision, atMs, what, byWhom, reason, ticket, untilMs, storedMs)
       VALUES (?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[tenant, id, `triage ${atMs} ${by}`, revision, atMs, status, by, reason, ticket, untilMs, storedMs],
    )
    return main.run(
      `INSERT INTO triage (tenant, alertId, revision, status, untilMs, body) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (tenant, alertId) DO UPDATE SET revision = excluded.revision, status = excluded.status, untilMs = excluded.untilMs, body = excluded.body
       WHERE excluded.revision > revision OR (excluded.revision = revision AND json_extract(excluded.body, '$.atMs') > json_extract(body, '$.atMs'))`,
      ...[tenant, id, revision, status, untilMs, JSON.stringify(triage)],
    )
  })
  return guard(main.db.name, () => write.immediate()) > 0
}

export function triage({ main }: HistoryFiles, tenant: string, alertId: string): Triage | undefined {
  const row = main.one<{ body: string }>('SELECT body FROM triage WHERE tenant = ? AND alertId = ?', tenant, idOctets(alertId))
  return row === undefined ? undefined : (JSON.parse(row.body) as Triage)
}

function alertOf(row: Row): Alert {
  return {
    id: idHex(row.id),
    revision: row.revision,
    type: row.type,
    severity: row.severity,
    status: row.status,
    timeMs: row.timeMs,
    detectedMs: row.detectedMs,
    region: row.region,
    subscriber: idHex(row.subscriber),
    number: idHex(row.number),
    device: idHex(row.device),
    cell: row.cell,
    evidence: row.evidence,
  }
}
