/**
 * The land outline of the console's map: Natural Earth's 1:50 million land (public domain, by way of world-atlas), without the smallest islands and
 * thinned to what a regional view can tell apart, as varint differences of hundredths of a degree.
 *
 * Format: per ring the count of points, then per point longitude and latitude as zigzag differences from the point before, in 1/100°; rings of one
 * polygon follow each other, holes are rings of opposite direction.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { feature } from 'topojson-client'
import type { Topology } from 'topojson-specification'

type Point = readonly number[]
const require = createRequire(import.meta.url)
const unitsPerDegree = 100
/** A point nearer than this to the line between its neighbours is not told. */
const toleranceDegrees = 0.07
const leastAreaSquareDegrees = 0.1
/** Thinned, a small lake is a triangle that nobody knows. */
const leastLakeSquareDegrees = 1

export function landOutline(): Uint8Array {
  const topology = JSON.parse(readFileSync(require.resolve('world-atlas/land-50m.json'), 'utf8')) as Topology
  const land = feature(topology, topology.objects.land!) as unknown as { features: { geometry: { coordinates: Point[][][] } }[] }
  const octets: number[] = []
  for (const { geometry } of land.features) {
    for (const polygon of geometry.coordinates) {
      polygon.forEach((ring, at) => {
        if (Math.abs(area(ring)) >= (at === 0 ? leastAreaSquareDegrees : leastLakeSquareDegrees)) writeRing(octets, thin(ring))
      })
    }
  }
  return Uint8Array.from(octets)
}

function writeRing(octets: number[], ring: readonly Point[]): void {
  varint(octets, ring.length)
  let [x, y] = [0, 0]
  for (const [longitude, latitude] of ring) {
    const nextX = Math.round(longitude! * unitsPerDegree)
    const nextY = Math.round(latitude! * unitsPerDegree)
    varint(octets, zigzag(nextX - x))
    varint(octets, zigzag(nextY - y))
    x = nextX
    y = nextY
  }
}

/** Douglas and Peucker, on a stack of its own. */
function thin(ring: readonly Point[]): Point[] {
  const keeps = new Uint8Array(ring.length)
  keeps[0] = keeps[ring.length - 1] = 1
  const middle = ring.length >> 1
  keeps[middle] = 1
  const open: [number, number][] = [
    [0, middle],
    [middle, ring.length - 1],
  ]
  for (let span = open.pop(); span !== undefined; span = open.pop()) {
    const [from, to] = span
    let [worst, at] = [toleranceDegrees, -1]
    for (let one = from + 1; one < to; one++) {
      const distance = distanceTo(ring[one]!, ring[from]!, ring[to]!)
      if (distance > worst) [worst, at] = [distance, one]
    }
    if (at < 0) continue
    keeps[at] = 1
    open.push([from, at], [at, to])
  }
  return ring.filter((_, at) => keeps[at] === 1)
}

function distanceTo([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx! - ax!, by! - ay!]
  const length = Math.hypot(dx, dy)
  if (length === 0) return Math.hypot(x! - ax!, y! - ay!)
  return Math.abs(dx * (ay! - y!) - (ax! - x!) * dy) / length
}

function area(ring: readonly Point[]): number {
  let sum = 0
  for (let at = 1; at < ring.length; at++) sum += ring[at - 1]![0]! * ring[at]![1]! - ring[at]![0]! * ring[at - 1]![1]!
  return sum / 2
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value
}

function varint(octets: number[], value: number): void {
  for (; value >= 128; value >>= 7) octets.push((value & 127) | 128)
  octets.push(value)
}
