/**
 * The simulator's own geometry: a plane in metres (x east, y north) over the island's midlands, and great circles for scoring.
 * Deliberately not shared with the detector: a mistake in one must not be repeated by the other.
 */

export interface Point {
  readonly x: number
  readonly y: number
}

export interface Degrees {
  readonly latitude: number
  readonly longitude: number
}

const originLatitude = 53.2
const originLongitude = -8
const metresPerDegree = 111_195
const radians = Math.PI / 180
const earthRadiusM = 6_371_009

export function toDegrees(x: number, y: number): Degrees {
  const latitude = originLatitude + y / metresPerDegree
  return { latitude, longitude: originLongitude + x / (metresPerDegree * Math.cos(latitude * radians)) }
}

export function distanceM(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y)
}

/** Great-circle distance (haversine). */
export function greatCircleM(a: Degrees, b: Degrees): number {
  const sinLat = Math.sin(((b.latitude - a.latitude) * radians) / 2)
  const sinLon = Math.sin(((b.longitude - a.longitude) * radians) / 2)
  const h = sinLat * sinLat + Math.cos(a.latitude * radians) * Math.cos(b.latitude * radians) * sinLon * sinLon
  return 2 * earthRadiusM * Math.asin(Math.min(1, Math.sqrt(h)))
}

/** Course from a to b in degrees clockwise from north, 0 ≤ course < 360. */
export function courseDeg(a: Point, b: Point): number {
  const course = Math.atan2(b.x - a.x, b.y - a.y) / radians
  return course < 0 ? course + 360 : course
}

/** The value below which `share` of the sorted numbers lie (nearest rank). */
export function quantile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return Number.NaN
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))]!
}
