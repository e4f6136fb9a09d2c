/**
 * Drive tests of real phones in a real network (see the reference's own licence; read in place, never copied): each trace against cells
 * learned from the other traces only. No clone may be found, and the circle told must hold the true place about as often as it says.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { type CellRow, distanceM } from './cell-inventory.ts'
import { createDetector } from './detector.ts'
import { feed, type Planted, psn } from './sighting-log.ts'

interface Fix {
  readonly timeMs: number
  readonly latitude: number
  readonly longitude: number
  readonly cell: string
}

const folder = join(process.env.TRIBUTARY_REFERENCE ?? join(import.meta.dirname, '../../shared/reference'), 'mobility')
const absent = existsSync(folder) ? false : `no drive traces at ${folder}`
/** A phone in use reports its cell about this often, beside every change. */
const reportMs = 15_000

function readTraces(): Map<string, Fix[]> {
  const traces = new Map<string, Fix[]>()
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.csv.gz'))) {
    const lines = gunzipSync(readFileSync(join(folder, file)))
      .toString()
      .trim()
      .split('\n')
    const header = lines[0]!.split(',')
    const column = (name: string) => header.indexOf(name)
    const fixes = lines.slice(1).map((line): Fix => {
      const cells = line.split(',')
      const [date, time] = cells[column('Timestamp')]!.split('_')
      return {
        timeMs: Date.parse(`${date!.replaceAll('.', '-')}T${time!.replaceAll('.', ':')}Z`),
        latitude: Number(cells[column('Latitude')]),
        longitude: Number(cells[column('Longitude')]),
        cell: /^\d+$/.test(cells[column('RAWCELLID')]!) ? `272-01-${cells[column('RAWCELLID')]}` : '',
      }
    })
    traces.set(
      file,
      fixes.filter((fix) => fix.cell !== '' && Number.isFinite(fix.timeMs) && fix.latitude > 50),
    )
  }
  return traces
}

/** Mean place of the fixes at each cell, and as its range twice their root mean square distance from it. */
function learnCells(traces: ReadonlyMap<string, readonly Fix[]>, except: string): CellRow[] {
  const places = new Map<string, Fix[]>()
  for (const [name, fixes] of traces) {
    if (name === except) continue
    for (const fix of fixes) {
      const there = places.get(fix.cell)
      if (there === undefined) places.set(fix.cell, [fix])
      else there.push(fix)
    }
  }
  return [...places].map(([cell, fixes]) => {
    const latitude = fixes.reduce((sum, fix) => sum + fix.latitude, 0) / fixes.length
    const longitude = fixes.reduce((sum, fix) => sum + fix.longitude, 0) / fixes.length
    const squares = fixes.reduce((sum, fix) => sum + distanceM(latitude, longitude, fix.latitude, fix.longitude) ** 2, 0)
    const rms = Math.sqrt(squares / fixes.length)
    return { cell, radio: 'LTE', latitude, longitude, rangeM: Math.max(200, 2 * rms, 1500 / Math.sqrt(fixes.length)) }
  })
}

function asReported(fixes: readonly Fix[], sim: string): Planted[] {
  const reports: Planted[] = []
  for (const { timeMs, cell } of fixes) {
    const last = reports.at(-1)
    if (last === undefined || last.cell !== cell || timeMs - last.timeMs >= reportMs) reports.push({ timeMs, cell, sim })
  }
  return reports
}

test('real drives: no clone, and positions with honest circles', { skip: absent }, (t) => {
  const traces = readTraces()
  const errors: number[] = []
  const cellErrors: number[] = []
  let held68 = 0
  for (const [name, fixes] of traces) {
    const rows = learnCells(traces, name)
    const held = feed(createDetector({ region: 'cork', cells: rows }), asReported(fixes, name), 500)
    assert.deepEqual(held.standing('clone'), [], name)
    if (!name.startsWith('driving')) continue
    const place = new Map(rows.map((row) => [row.cell, row]))
    const truth = new Map(fixes.map((fix) => [fix.timeMs, fix]))
    for (const position of held.positions) {
      assert.equal(position.subscriber, psn(name))
      const fix = truth.get(position.timeMs)!
      const errorM = distanceM(position.latitude, position.longitude, fix.latitude, fix.longitude)
      errors.push(errorM)
      if (errorM <= position.radiusM) held68++
      const cell = place.get(fix.cell)
      if (cell !== undefined) cellErrors.push(distanceM(cell.latitude, cell.longitude, fix.latitude, fix.longitude))
    }
  }
  const median = (values: number[]) => Math.round(values.sort((x, y) => x - y)[Math.floor(values.length / 2)]!)
  const share = held68 / errors.length
  t.diagnostic(
    `${errors.length} positions: median error ${median(errors)} m (the cell alone: ${median(cellErrors)} m), ${Math.round(share * 100)} % inside their circle`,
  )
  assert.ok(median(errors) < 500)
  assert.ok(share > 0.58 && share < 0.78, `the circle holds ${share}`)
})
