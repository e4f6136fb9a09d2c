/**
 * The world's cells as an OpenCellID CSV: what an operator's planning office would hand over, mis-sited cells included. A cell's range is
 * what a drive survey finds: the farthest place that it serves. Anything shorter would make impossible journeys of handovers far out.
 */
import { stringify } from 'csv-stringify/sync'
import { Coverage, newHearing } from './coverage.ts'
import { distanceM, toDegrees } from './geometry.ts'
import { mcc, mnc, type World } from './world.ts'

const columns = [
  'radio',
  'mcc',
  'net',
  'area',
  'cell',
  'unit',
  'lon',
  'lat',
  'range',
  'samples',
  'changeable',
  'created',
  'updated',
  'averageSignal',
] as const

export interface InventoryRow {
  readonly radio: string
  readonly mcc: number
  readonly net: number
  readonly area: number
  readonly cell: number
  readonly unit: number
  readonly lon: number
  readonly lat: number
  readonly range: number
  readonly samples: number
}

/** 2026-01-01, so that the same world gives the same file. */
const surveyedS = 1_767_225_600

export function inventoryCsv(rows: readonly InventoryRow[]): string {
  return stringify(
    rows.map((row) => ({ ...row, changeable: 1, created: surveyedS, updated: surveyedS, averageSignal: 0 })),
    { header: true, columns: [...columns] },
  )
}

/** Where people are is where a survey measures: the towns in a grid of 100 m, the roads and rails every 20 m. */
const townStepM = 100
const wayStepM = 20
const minRangeM = 300
/** A cell is left only when another is 3 dB better, and a moment later. */
const nearlyDb = 5

export function inventoryOf(world: World): InventoryRow[] {
  const reach = surveyReach(world)
  return world.cells.map((cell) => {
    const place = toDegrees(cell.x + cell.missited.x, cell.y + cell.missited.y)
    return {
      radio: cell.rat,
      mcc,
      net: mnc,
      area: cell.trackingArea,
      cell: cell.identity,
      unit: cell.pci,
      lon: round6(place.longitude),
      lat: round6(place.latitude),
      range: Math.ceil(reach[cell.index]!.at(-1)!),
      samples: reach[cell.index]!.length,
    }
  })
}

/** For each cell the sorted distances, from where the inventory believes it is, of the surveyed places that it serves or nearly serves. */
function surveyReach(world: World): number[][] {
  const coverage = new Coverage(world)
  const hearing = newHearing()
  const reach: number[][] = world.cells.map(() => [minRangeM])
  const survey = (x: number, y: number) => {
    for (const canNr of [false, true]) {
      coverage.listen(x, y, canNr, hearing)
      for (let rank = 0; rank < hearing.count && hearing.rsrpDbm[rank]! > hearing.rsrpDbm[0]! - nearlyDb; rank++) {
        const cell = world.cells[hearing.cells[rank]!]!
        reach[cell.index]!.push(Math.hypot(x - cell.x - cell.missited.x, y - cell.y - cell.missited.y))
      }
    }
  }
  for (const { x, y, radiusM } of world.towns) {
    const half = 1.4 * radiusM
    for (let east = -half; east <= half; east += townStepM) {
      for (let north = -half; north <= half; north += townStepM) survey(x + east, y + north)
    }
  }
  for (const { points } of world.ways) {
    for (let leg = 1; leg < points.length; leg++) {
      const from = points[leg - 1]!
      const to = points[leg]!
      const steps = Math.ceil(distanceM(from, to) / wayStepM)
      for (let step = 0; step < steps; step++) {
        survey(from.x + ((to.x - from.x) * step) / steps, from.y + ((to.y - from.y) * step) / steps)
      }
    }
  }
  return reach.map((distances) => distances.sort((a, b) => a - b))
}

export function round6(value: number): number {
  return Math.round(value * 1e6) / 1e6
}
