/**
 * Where the map looks: a frame over the Mercator square (0…1 both ways). Everything is kept in that square as typed arrays; a frame is one
 * multiplication and one addition per axis away from pixels.
 */
import { geoMercator } from 'd3-geo'
import type { Frame } from './place.ts'

export interface Camera {
  /** Centre, in the square. */
  x: number
  y: number
  /** Pixels across the square. */
  scale: number
  width: number
  height: number
}

const square = geoMercator()
  .scale(1 / (2 * Math.PI))
  .translate([0.5, 0.5])
const earthM = 40_075_016.686
export const leastZoom = 9
export const mostZoom = 26

export function toSquare(longitude: number, latitude: number): [x: number, y: number] {
  return square([longitude, Math.max(-85, Math.min(85, latitude))]) as [number, number]
}

export function fromSquare(x: number, y: number): [longitude: number, latitude: number] {
  return square.invert!([x, y]) as [number, number]
}

/** Width of one metre in the square at this latitude. */
export function metre(latitude: number): number {
  return 1 / (earthM * Math.cos((latitude * Math.PI) / 180))
}

export function metresPerPixel({ y, scale }: Camera): number {
  return 1 / (scale * metre(fromSquare(0.5, y)[1]))
}

export const screenX = (camera: Camera, x: number) => (x - camera.x) * camera.scale + camera.width / 2
export const screenY = (camera: Camera, y: number) => (y - camera.y) * camera.scale + camera.height / 2
export const squareX = (camera: Camera, px: number) => (px - camera.width / 2) / camera.scale + camera.x
export const squareY = (camera: Camera, py: number) => (py - camera.height / 2) / camera.scale + camera.y

export function pan(camera: Camera, dx: number, dy: number): void {
  camera.x = Math.max(0, Math.min(1, camera.x - dx / camera.scale))
  camera.y = Math.max(0, Math.min(1, camera.y - dy / camera.scale))
}

/** What is under the pointer stays there. */
export function zoomAt(camera: Camera, px: number, py: number, factor: number): void {
  const [x, y] = [squareX(camera, px), squareY(camera, py)]
  camera.scale = Math.max(2 ** leastZoom, Math.min(2 ** mostZoom, camera.scale * factor))
  camera.x = x - (px - camera.width / 2) / camera.scale
  camera.y = y - (py - camera.height / 2) / camera.scale
}

export interface Box {
  readonly west: number
  readonly north: number
  readonly east: number
  readonly south: number
}

/** A box of the square; a margin is left, and nothing is brought nearer than a street. */
export function fit(camera: Camera, { west, north, east, south }: Box, mostScale = 2 ** 21): void {
  camera.x = (west + east) / 2
  camera.y = (north + south) / 2
  const across = Math.max(east - west, 1e-9) / Math.max(60, camera.width - 80)
  const down = Math.max(south - north, 1e-9) / Math.max(60, camera.height - 80)
  camera.scale = Math.max(2 ** leastZoom, Math.min(mostScale, 1 / Math.max(across, down)))
}

export function frameOf(camera: Camera): Frame {
  const [longitude, latitude] = fromSquare(camera.x, camera.y)
  return { longitude, latitude, zoom: Math.log2(camera.scale) }
}

export function takeFrame(camera: Camera, { longitude, latitude, zoom }: Frame): void {
  const [x, y] = toSquare(longitude, latitude)
  camera.x = x
  camera.y = y
  camera.scale = 2 ** Math.max(leastZoom, Math.min(mostZoom, zoom))
}
