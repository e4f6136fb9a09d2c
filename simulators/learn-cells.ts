/**
 * Learns where cells are from traces: the middle of where each was heard, and how far that reaches. Places are first gathered in 25 m
 * tiles, so that a phone that stood for an hour does not draw the middle to itself. Knows only the traces it is given: for an honest
 * score they are all but the one that is judged.
 */
import type { InventoryRow } from './cell-inventory.ts'
import { round6 } from './cell-inventory.ts'
import type { TraceRow } from './drive-trace.ts'
import { type Degrees, greatCircleM, quantile } from './geometry.ts'

const tileDegrees = 25 / 111_195
const minRangeM = 100

export interface LearnOptions {
  /** Which distance from the middle becomes the range. */
  readonly range: 'p95' | 'max'
}

export function learnCells(traces: Iterable<readonly TraceRow[]>, options: LearnOptions): InventoryRow[] {
  const heard = new Map<string, { rat: string; area: number; samples: number; tiles: Map<string, Degrees> }>()
  for (const rows of traces) {
    for (const { cell, rat, area, latitude, longitude } of rows) {
      if (cell === undefined || rat === undefined) continue
      let entry = heard.get(cell)
      if (entry === undefined) {
        entry = { rat, area, samples: 0, tiles: new Map() }
        heard.set(cell, entry)
      }
      entry.samples++
      const tile = `${Math.round(latitude / tileDegrees)}/${Math.round((longitude * 0.6) / tileDegrees)}`
      if (!entry.tiles.has(tile)) entry.tiles.set(tile, { latitude, longitude })
    }
  }
  return [...heard]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([cell, { rat, area, samples, tiles }]) => {
      const places = [...tiles.values()]
      const middle = meanOf(places)
      const reach = places.map((place) => greatCircleM(middle, place)).sort((a, b) => a - b)
      const [mcc, net, identity] = cell.split('-').map(Number) as [number, number, number]
      return {
        radio: rat,
        mcc,
        net,
        area,
        cell: identity,
        unit: 0,
        lon: round6(middle.longitude),
        lat: round6(middle.latitude),
        range: Math.round(Math.max(minRangeM, options.range === 'max' ? reach.at(-1)! : quantile(reach, 0.95))),
        samples,
      }
    })
}

export function meanOf(places: readonly Degrees[]): Degrees {
  const sum = places.reduce((acc, place) => ({ lat: acc.lat + place.latitude, lon: acc.lon + place.longitude }), { lat: 0, lon: 0 })
  return { latitude: sum.lat / places.length, longitude: sum.lon / places.length }
}
