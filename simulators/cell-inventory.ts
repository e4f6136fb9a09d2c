/** The world's cells as an OpenCellID CSV: what an operator's planning office would hand over, mis-sited cells included. */
import { stringify } from 'csv-stringify/sync'
import { toDegrees } from './geometry.ts'
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

export function inventoryOf(world: World): InventoryRow[] {
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
      range: cell.rangeM,
      samples: 100,
    }
  })
}

export function round6(value: number): number {
  return Math.round(value * 1e6) / 1e6
}
