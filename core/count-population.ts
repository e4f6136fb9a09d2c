/**
 * Distinct people per tile from positions, told only where there are enough of them. Pure.
 * A tile is `tileM` metres square: rows along latitude, columns along longitude at the row's own middle latitude, so that tiles keep their
 * area towards the poles. A person counts once in every tile they were in during the range.
 */
import type { Position } from './ports.ts'

const metresPerDegree = 111_320

export interface Tile {
  readonly latitude: number
  readonly longitude: number
  readonly count: number
}

export async function countPopulation(positions: AsyncIterable<readonly Position[]>, tileM: number, minPeople: number) {
  const people = new Map<string, Set<string>>()
  for await (const page of positions) {
    for (const { latitude, longitude, who } of page) {
      const key = tileOf(latitude, longitude, tileM)
      const tile = people.get(key)
      if (tile === undefined) people.set(key, new Set([who]))
      else tile.add(who)
    }
  }
  const told = [...people].filter(([, tile]) => tile.size >= minPeople)
  const tiles: Tile[] = told.map(([key, tile]) => ({ ...middleOf(key, tileM), count: tile.size }))
  tiles.sort((a, b) => b.count - a.count || a.latitude - b.latitude || a.longitude - b.longitude)
  return { tiles, suppressedTiles: people.size - told.length }
}

function columnDegrees(row: number, tileM: number): number {
  const middle = ((row + 0.5) * tileM) / metresPerDegree
  return tileM / (metresPerDegree * Math.max(0.01, Math.cos((middle * Math.PI) / 180)))
}

function tileOf(latitude: number, longitude: number, tileM: number): string {
  const row = Math.floor((latitude * metresPerDegree) / tileM)
  return `${row}/${Math.floor(longitude / columnDegrees(row, tileM))}`
}

function middleOf(key: string, tileM: number): { latitude: number; longitude: number } {
  const [row, column] = key.split('/').map(Number) as [number, number]
  const round = (degrees: number) => Math.round(degrees * 1e6) / 1e6
  return { latitude: round(((row + 0.5) * tileM) / metresPerDegree), longitude: round((column + 0.5) * columnDegrees(row, tileM)) }
}
