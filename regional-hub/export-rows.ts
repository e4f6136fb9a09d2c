/**
 * Rows as a file: CSV that a spreadsheet cannot be made to run, or Parquet. Columns and their meaning are written down here, once; a value that the
 * table does not name is not exported, so what a file holds is known.
 *
 * CSV: UTF-8, comma, RFC 4180 quotes, a header line; times as RFC 3339 in UTC. A text that a spreadsheet would take for a formula (it begins with
 * = + - @, tab or return) gets an apostrophe in front. Parquet: times as timestamps (ms, UTC), texts as strings, missing as null, Snappy.
 */
import { stringify } from 'csv-stringify/sync'
import { parquetWriteBuffer } from 'hyparquet-writer'

export type ColumnKind = 'text' | 'number' | 'time' | 'boolean'
export type ExportColumns = readonly (readonly [name: string, kind: ColumnKind, about: string])[]
export type ExportName = keyof typeof exportColumns

const place: ExportColumns = [
  ['timeMs', 'time', 'event time'],
  ['cell', 'text', 'cell, MCC-MNC-identity'],
  ['latitude', 'number', 'degrees, WGS 84'],
  ['longitude', 'number', 'degrees, WGS 84'],
  ['radiusM', 'number', 'metres; holds the true place with 68 %'],
  ['speedMps', 'number', 'metres a second'],
  ['motion', 'text', 'unknown, still, walking, vehicle'],
]

export const exportColumns = {
  cells: [
    ['cell', 'text', 'MCC-MNC-identity'],
    ['radio', 'text', 'radio technology'],
    ['latitude', 'number', 'degrees, WGS 84'],
    ['longitude', 'number', 'degrees, WGS 84'],
    ['reachM', 'number', 'how far the cell reaches, metres'],
    ['site', 'text', 'first cell of the same site'],
    ['latest.startMs', 'time', 'start of the latest window'],
    ['latest.events', 'number', 'events in it'],
    ['latest.drops', 'number', 'dropped calls in it'],
    ['latest.bytes', 'number', 'octets in it'],
  ],
  alerts: [
    ['id', 'text', 'the alert'],
    ['type', 'text', 'rule'],
    ['severity', 'text', 'X.733 word'],
    ['status', 'text', 'active, acknowledged, snoozed, closed'],
    ['timeMs', 'time', 'when it happened'],
    ['detectedMs', 'time', 'when it was found'],
    ['subscriber', 'text', 'pseudonym of the SIM'],
    ['number', 'text', 'pseudonym of the number'],
    ['device', 'text', 'pseudonym of the device'],
    ['cell', 'text', 'MCC-MNC-identity'],
    ['triage.by', 'text', 'who last said something of it'],
    ['triage.reason', 'text', 'what they said'],
    ['triage.ticket', 'text', 'ticket'],
    ['triage.atMs', 'time', 'when'],
    ['triage.untilMs', 'time', 'until when'],
    ['evidence', 'text', 'figures of the rule, JSON'],
  ],
  agents: [
    ['agent', 'text', 'name'],
    ['enrolled', 'boolean', 'on the roster'],
    ['isSilent', 'boolean', 'not heard for 15 s'],
    ['isComplete', 'boolean', 'everything up to now is here'],
    ['lastSeenMs', 'time', 'last heard'],
    ['completeThroughMs', 'time', 'event time up to which everything is here'],
    ['received', 'number', 'rows taken'],
    ['missing', 'number', 'batches known to be missing'],
  ],
  subscribers: [['subscriber', 'text', 'pseudonym'], ...place],
  tracks: [['subscriber', 'text', 'pseudonym'], ...place],
  kpis: [
    ['bucketMs', 'time', 'start of the interval'],
    ['cell', 'text', 'MCC-MNC-identity; empty: the region'],
    ['events', 'number', ''],
    ['attaches', 'number', ''],
    ['detaches', 'number', ''],
    ['handovers', 'number', ''],
    ['drops', 'number', 'dropped calls'],
    ['bytesUp', 'number', 'octets'],
    ['bytesDown', 'number', 'octets'],
    ['rsrpDbm.p5', 'number', 'dBm'],
    ['rsrpDbm.p50', 'number', 'dBm'],
    ['rsrpDbm.p95', 'number', 'dBm'],
    ['latencyMs.p50', 'number', 'ms'],
    ['latencyMs.p95', 'number', 'ms'],
    ['latencyMs.p99', 'number', 'ms'],
    ['lossRatio', 'number', '0 to 1'],
  ],
  audit: [
    ['seq', 'number', 'position in the chain'],
    ['atMs', 'time', ''],
    ['by', 'text', 'who'],
    ['role', 'text', 'role of the account, capacity typed'],
    ['action', 'text', ''],
    ['subject', 'text', 'a pseudonym, or what was changed'],
    ['reason', 'text', ''],
    ['ticket', 'text', ''],
    ['outcome', 'text', ''],
    ['previous', 'text', 'SHA-256 of the entry before'],
    ['hash', 'text', 'SHA-256 of this one'],
  ],
} as const satisfies Readonly<Record<string, ExportColumns>>

export function toCsv(name: ExportName, rows: readonly object[]): string {
  const columns: ExportColumns = exportColumns[name]
  const lines = rows.map((row) => columns.map(([column, kind]) => csvValue(readPath(row, column), kind)))
  return stringify([columns.map(([column]) => column), ...lines], { record_delimiter: 'windows' })
}

export function toParquet(name: ExportName, rows: readonly object[]): ArrayBuffer {
  const columns: ExportColumns = exportColumns[name]
  return parquetWriteBuffer({
    columnData: columns.map(([column, kind]) => ({
      name: column,
      data: rows.map((row) => parquetValue(readPath(row, column), kind)),
      type: ({ text: 'STRING', number: 'DOUBLE', time: 'TIMESTAMP', boolean: 'BOOLEAN' } as const)[kind],
      nullable: true,
    })),
  })
}

function readPath(row: object, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown> | null | undefined)?.[name], row)
}

function csvValue(value: unknown, kind: ColumnKind): string {
  if (value === null || value === undefined || Number.isNaN(value)) return ''
  if (kind === 'time') return new Date(value as number).toISOString()
  if (kind !== 'text') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
}

function parquetValue(value: unknown, kind: ColumnKind): unknown {
  if (value === null || value === undefined || Number.isNaN(value)) return null
  if (kind === 'time') return new Date(value as number)
  if (kind === 'text' && typeof value !== 'string') return JSON.stringify(value)
  return value
}
