/** How sure one can be that a position with uncertainty lies inside a fence. Plane geometry in metres; pure. */
import type { Fence } from '#shared/control.ts'

export interface Plane {
  planeX(longitude: number): number
  planeY(latitude: number): number
}

/** A fence in metres: a circle, or the rings of a polygon (the first is the outside, the others are holes). */
export interface Shape {
  readonly minX: number
  readonly minY: number
  readonly maxX: number
  readonly maxY: number
  readonly circle?: { readonly x: number; readonly y: number; readonly radiusM: number }
  readonly rings: readonly Float64Array[]
}

/** Beyond so many σ nothing is in doubt. */
const doubtSigmas = 4

export function shapeOf(geometry: Fence['geometry'], plane: Plane): Shape {
  if (geometry.type === 'Circle') {
    const x = plane.planeX(geometry.center[0])
    const y = plane.planeY(geometry.center[1])
    const { radiusM } = geometry
    return { minX: x - radiusM, minY: y - radiusM, maxX: x + radiusM, maxY: y + radiusM, circle: { x, y, radiusM }, rings: [] }
  }
  const rings = geometry.coordinates.map((ring) =>
    Float64Array.from(ring.flatMap(([lon, lat]) => [plane.planeX(lon!), plane.planeY(lat!)])),
  )
  const bounds = { minX: Infinity, minY: Infinity, maxX: -Infinity, maxY: -Infinity }
  for (let at = 0; at < (rings[0]?.length ?? 0); at += 2) {
    bounds.minX = Math.min(bounds.minX, rings[0]![at]!)
    bounds.maxX = Math.max(bounds.maxX, rings[0]![at]!)
    bounds.minY = Math.min(bounds.minY, rings[0]![at + 1]!)
    bounds.maxY = Math.max(bounds.maxY, rings[0]![at + 1]!)
  }
  return { ...bounds, rings }
}

/** Probability that a phone is inside, whose position is normally distributed with `sigmaM` on each axis. */
export function insideProbability(shape: Shape, x: number, y: number, sigmaM: number): number {
  const marginM = doubtSigmas * sigmaM
  if (x < shape.minX - marginM || x > shape.maxX + marginM || y < shape.minY - marginM || y > shape.maxY + marginM) return 0
  const depthM = signedDepthM(shape, x, y)
  // To the nearest edge the fence looks like a half plane; a fence smaller than the doubt holds at most its share of the distribution.
  const halfPlane = normal(depthM / sigmaM)
  const inradiusM = shape.circle?.radiusM ?? Math.min(shape.maxX - shape.minX, shape.maxY - shape.minY) / 2
  return Math.min(halfPlane, 1 - Math.exp(-(inradiusM * inradiusM) / (2 * sigmaM * sigmaM)))
}

/** Metres to the nearest edge, positive inside. */
export function signedDepthM(shape: Shape, x: number, y: number): number {
  if (shape.circle !== undefined) return shape.circle.radiusM - Math.hypot(x - shape.circle.x, y - shape.circle.y)
  let nearest = Infinity
  let inside = false
  for (const ring of shape.rings) {
    for (let at = 0, before = ring.length - 2; at < ring.length; before = at, at += 2) {
      const ax = ring[before]!
      const ay = ring[before + 1]!
      const bx = ring[at]!
      const by = ring[at + 1]!
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside
      const lengthSquared = (bx - ax) ** 2 + (by - ay) ** 2
      const along = lengthSquared === 0 ? 0 : Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / lengthSquared))
      nearest = Math.min(nearest, Math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay)))
    }
  }
  return inside ? nearest : -nearest
}

/** The normal distribution's cumulative function (Abramowitz & Stegun 26.2.17, error below 1e-7). */
function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z))
  const tail =
    (Math.exp((-z * z) / 2) / 2.5066282746) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return z > 0 ? 1 - tail : tail
}
