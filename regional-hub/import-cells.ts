/**
 * Reads a cell inventory as OpenCellID and Mozilla publish it: CSV, plain or gzipped, with or without its header line.
 * A line that cannot be read is counted and the first few are reported; it never stops the import.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { formatCell } from '#shared/cell-id.ts'
import type { CellRow } from './cell-inventory.ts'

export interface ImportedCells {
  readonly rows: CellRow[]
  readonly badLines: number
  /** At most ten: line number and why. */
  readonly problems: string[]
}

const columns = ['radio', 'mcc', 'net', 'area', 'cell', 'unit', 'lon', 'lat', 'range', 'azimuth']

export function readCells(file: string): ImportedCells {
  const octets = readFileSync(file)
  const text = (octets[0] === 0x1f && octets[1] === 0x8b ? gunzipSync(octets) : octets).toString('utf8')
  return importCells(text)
}

export function importCells(text: string): ImportedCells {
  const records = (
    text.includes('"') ? parse(text, { relax_column_count: true, skip_empty_lines: true, relax_quotes: true }) : split(text)
  ) as string[][]
  const header = records[0]?.map((name) => name.trim().toLowerCase()) ?? []
  const hasHeader = header.includes('mcc') && header.includes('lat')
  // The tenth column of a file without header is something else: only a named one is an azimuth.
  const at = columns.map((name, position) => (hasHeader ? header.indexOf(name) : name === 'azimuth' ? -1 : position))
  const rows: CellRow[] = []
  const problems: string[] = []
  let badLines = 0
  for (let line = hasHeader ? 1 : 0; line < records.length; line++) {
    const record = records[line]!
    const field = (column: number) => record[at[column]!]?.trim() ?? ''
    const row = toRow(field)
    if (typeof row !== 'string') {
      rows.push(row)
    } else {
      badLines++
      if (problems.length < 10) problems.push(`line ${line + 1}: ${row}`)
    }
  }
  return { rows, badLines, problems }
}

function toRow(field: (column: number) => string): CellRow | string {
  const radio = field(0).toUpperCase()
  const mcc = whole(field(1), 999)
  const net = whole(field(2), 999)
  const area = whole(field(3), 2 ** 24 - 1)
  const identity = whole(field(4), 2 ** 36 - 1)
  const longitude = decimal(field(6))
  const latitude = decimal(field(7))
  if (mcc === undefined || net === undefined) return 'mcc or net is no network code'
  if (identity === undefined) return 'cell is no cell identity'
  if (longitude === undefined || Math.abs(longitude) > 180 || latitude === undefined || Math.abs(latitude) > 90)
    return 'lon or lat is no place'
  if (longitude === 0 && latitude === 0) return 'a cell at 0, 0 has no place'
  const rangeM = decimal(field(8)) ?? 0
  const azimuth = decimal(field(9))
  const azimuthDeg = azimuth === undefined ? undefined : ((azimuth % 360) + 360) % 360
  const isGsm = radio === 'GSM' && identity < 65_536
  if (isGsm && (area === undefined || area > 65_535)) return 'area of a GSM cell is no LAC'
  return { cell: formatCell(mcc, net, isGsm ? area! * 65_536 + identity : identity), radio, latitude, longitude, rangeM, azimuthDeg }
}

function split(text: string): string[][] {
  return text
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => line.split(','))
}

function whole(text: string, most: number): number | undefined {
  if (!/^\d{1,11}$/.test(text)) return undefined
  const value = Number(text)
  return value <= most ? value : undefined
}

function decimal(text: string): number | undefined {
  if (text === '') return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}
