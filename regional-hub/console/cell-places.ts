/** Every cell of the region on the Mercator square, with an index to find what is near a point or in a frame. */
import Flatbush from 'flatbush'
import type { CellTable } from '../console-api.ts'
import { type Box, metre, toSquare } from './camera.ts'

export interface CellPlaces {
  readonly table: CellTable
  readonly rowOf: ReadonlyMap<string, number>
  readonly x: Float64Array
  readonly y: Float64Array
  /** Reach, in the square. */
  readonly reach: Float64Array
  /** Which of its site's cells this one is, and of how many. */
  readonly turn: Uint8Array
  readonly turns: Uint8Array
  readonly sites: readonly number[]
  readonly siteTree: Flatbush | undefined
  readonly box: Box
}

export function placeCells(table: CellTable): CellPlaces {
  const { count } = table
  const [x, y, reach] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)]
  const [turn, turns] = [new Uint8Array(count), new Uint8Array(count)]
  const members = new Map<number, number[]>()
  let box: Box = { west: 1, north: 1, east: 0, south: 0 }
  for (let row = 0; row < count; row++) {
    const [px, py] = toSquare(table.longitude[row]!, table.latitude[row]!)
    x[row] = px
    y[row] = py
    reach[row] = table.rangeM[row]! * metre(table.latitude[row]!)
    box = { west: Math.min(box.west, px), north: Math.min(box.north, py), east: Math.max(box.east, px), south: Math.max(box.south, py) }
    const site = table.site[row]!
    const others = members.get(site)
    if (others === undefined) members.set(site, [row])
    else others.push(row)
  }
  for (const rows of members.values()) {
    rows.forEach((row, at) => {
      turn[row] = at
      turns[row] = rows.length
    })
  }
  const sites = [...members.keys()]
  const siteTree = sites.length === 0 ? undefined : new Flatbush(sites.length)
  for (const site of sites) siteTree?.add(x[site]!, y[site]!, x[site]!, y[site]!)
  siteTree?.finish()
  const rowOf = new Map(table.names.map((name, row) => [name, row]))
  return { table, rowOf, x, y, reach, turn, turns, sites, siteTree, box }
}

/** Rows of all cells of this cell's site. */
export function cellsOfSite({ table }: CellPlaces, site: number): number[] {
  const rows: number[] = []
  for (let row = 0; row < table.count; row++) if (table.site[row] === site) rows.push(row)
  return rows
}

/** Direction in which the petal of a cell is drawn, in radians from east, clockwise, and half its width. Without azimuths the cells of a site share the circle. */
export function petal(
  { table, turn, turns }: CellPlaces,
  row: number,
): { readonly middle: number; readonly half: number; readonly isSurveyed: boolean } {
  const azimuth = table.azimuthDeg[row]!
  if (Number.isFinite(azimuth)) return { middle: ((azimuth - 90) * Math.PI) / 180, half: Math.PI / 6, isSurveyed: true }
  const share = (2 * Math.PI) / Math.max(1, turns[row]!)
  return { middle: share * turn[row]! - Math.PI / 2, half: share / 2, isSurveyed: false }
}
