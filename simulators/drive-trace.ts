/**
 * Drive-test traces (one row a second: GPS, serving cell, levels, one neighbour) as the phone's reports they were.
 *
 * The cell is told from the ids, not from NetworkMode, which lags a radio change: LTE when RAWCELLID is eNB·256 + cell, UMTS when it is
 * RNC·65536 + cell, GSM where there is no node (then LAC·65536 + CI). "5G" rows are non-standalone: their serving cell is the LTE anchor.
 * Operators are named A, B, … in the files; B is 272-03, as the rows say in which the logger wrote the network's code instead of its name,
 * and A is taken for 272-01, C for 272-02, D for 272-05. Timestamps are Irish winter time, which is UTC.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'

export interface TraceRow {
  readonly timeMs: number
  readonly latitude: number
  readonly longitude: number
  readonly speedMps: number
  /** Canonical `MCC-MNC-identity`; undefined where the phone had none. */
  readonly cell: string | undefined
  readonly rat: 'GSM' | 'UMTS' | 'LTE' | undefined
  readonly area: number
  readonly rsrpDbm: number | undefined
  readonly rsrqDb: number | undefined
  readonly sinrDb: number | undefined
  readonly neighbourRsrpDbm: number | undefined
  readonly driving: boolean
}

const operatorMnc: Readonly<Record<string, string>> = { A: '01', B: '03', C: '02', D: '05' }

export class TraceInvalid extends Error {}

export function traceName(file: string): string {
  return basename(file)
    .replace(/\.csv(\.gz)?$/, '')
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 64)
}

/** Rows in order, one a second (a logger's repeats within a second say nothing new); rows without a fix are left out. */
export function readTrace(file: string): TraceRow[] {
  const raw = readFileSync(file)
  const text = (raw[0] === 0x1f && raw[1] === 0x8b ? gunzipSync(raw) : raw).toString('utf8')
  const records = parse<Record<string, string>>(text, { columns: true, skip_empty_lines: true, relax_column_count: true, trim: true })
  if (records.length > 0 && !('RAWCELLID' in records[0]!)) {
    throw new TraceInvalid(`${file}: no RAWCELLID column; this is no drive-test trace`)
  }
  const rows: TraceRow[] = []
  for (const record of records) {
    const row = readRow(record)
    if (row !== undefined && row.timeMs > (rows.at(-1)?.timeMs ?? 0)) rows.push(row)
  }
  return rows
}

function readRow(record: Record<string, string>): TraceRow | undefined {
  const timeMs = parseTime(record.Timestamp ?? '')
  const latitude = numberOf(record.Latitude)
  const longitude = numberOf(record.Longitude)
  if (timeMs === undefined || latitude === undefined || longitude === undefined || (latitude === 0 && longitude === 0)) return undefined
  const { cell, rat, area } = cellOf(record)
  // In UMTS rows the column holds RSCP, the power of the pilot: comparable enough. A GSM level is none of the kind.
  const rsrpDbm = rat === 'GSM' ? undefined : numberOf(record.RSRP, -160, -20)
  return {
    timeMs,
    latitude,
    longitude,
    speedMps: (numberOf(record.Speed) ?? 0) / 3.6,
    cell,
    rat,
    area,
    rsrpDbm,
    rsrqDb: rat === 'LTE' ? numberOf(record.RSRQ, -45, 20) : undefined,
    sinrDb: rat === 'LTE' ? numberOf(record.SNR, -50, 60) : undefined,
    neighbourRsrpDbm: rat === 'LTE' ? numberOf(record.NRxRSRP, -160, -20) : undefined,
    driving: (numberOf(record.Speed) ?? 0) > 5,
  }
}

function cellOf(record: Record<string, string>): { cell: string | undefined; rat: TraceRow['rat']; area: number } {
  const raw = numberOf(record.RAWCELLID)
  const node = hexOf(record.NODEHEX)
  const cell = hexOf(record.CELLHEX)
  const area = hexOf(record.LACHEX) ?? 0
  const operator = record.Operatorname ?? ''
  const mnc = /^\d{5,6}$/.test(operator) ? operator.slice(3) : (operatorMnc[operator] ?? operatorMnc.B)
  const named = (identity: number) => `272-${mnc}-${identity}`
  if (raw === undefined || raw <= 0 || cell === undefined) return { cell: undefined, rat: undefined, area }
  if (node === undefined) return { cell: named(area * 65_536 + raw), rat: 'GSM', area }
  if (raw === node * 256 + cell && cell < 256) return { cell: named(raw), rat: 'LTE', area }
  return { cell: named(raw), rat: 'UMTS', area }
}

/** `2019.11.21_09.44.52` */
function parseTime(text: string): number | undefined {
  const match = /^(\d{4})\.(\d\d)\.(\d\d)_(\d\d)\.(\d\d)\.(\d\d)$/.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [number, number, number, number, number, number]
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

function numberOf(text: string | undefined, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): number | undefined {
  if (text === undefined || text === '' || text === '-') return undefined
  const value = Number(text)
  return Number.isFinite(value) && value >= min && value <= max ? value : undefined
}

function hexOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9a-fA-F]+$/.test(text) ? Number.parseInt(text, 16) : undefined
}
