/** What is under the pointer: an alert before a cell or site, those before a subscriber. */
import { type Camera, metresPerPixel, screenX, screenY, squareX, squareY } from './camera.ts'
import { type CellPlaces, cellsOfSite, petal } from './cell-places.ts'
import type { MapScene } from './map-scene.ts'
import { paintsDensity } from './paint-subscribers.ts'
import type { SubscriberMotion } from './subscriber-motion.ts'

/** In the words of `Place.selected`; '' for nothing. */
export function pickOnMap({ camera, cells, marks, subscribers, hidden }: MapScene, px: number, py: number): string {
  const mark = marks.findLast(({ x, y }) => Math.hypot(screenX(camera, x) - px, screenY(camera, y) - py) < 12)
  if (mark !== undefined && !hidden.includes('alerts')) {
    return mark.ids.length > 1 && mark.situations.length > 0 ? `situation:${mark.situations[0]}` : `alert:${mark.ids[0]}`
  }
  const cell = cells === undefined ? '' : cellUnder(camera, cells, px, py)
  if (cell !== '') return cell
  if (hidden.includes('subscribers') || paintsDensity(camera, subscribers)) return ''
  const row = subscriberUnder(camera, subscribers, px, py)
  return row < 0 ? '' : `subscriber:${subscribers.names[row]}`
}

function cellUnder(camera: Camera, cells: CellPlaces, px: number, py: number): string {
  const nearPx = metresPerPixel(camera) > 70 ? 6 : 14
  const site = cells.siteTree?.neighbors(squareX(camera, px), squareY(camera, py), 1, nearPx / camera.scale)[0]
  if (site === undefined) return ''
  const first = cells.sites[site]!
  const name = (row: number) => cells.table.names[row]!
  if (metresPerPixel(camera) > 70) return `site:${name(first)}`
  const angle = Math.atan2(py - screenY(camera, cells.y[first]!), px - screenX(camera, cells.x[first]!))
  const rows = cellsOfSite(cells, first)
  const hit = rows.find((row) => {
    const { middle, half } = petal(cells, row)
    return Math.abs(Math.atan2(Math.sin(angle - middle), Math.cos(angle - middle))) <= half + 1e-6
  })
  return `cell:${name(hit ?? first)}`
}

/** The smallest disc that holds the pointer: the one of which most is known. */
function subscriberUnder(camera: Camera, { count, x, y, radius }: SubscriberMotion, px: number, py: number): number {
  let best = -1
  let bestSize = 60
  for (let row = 0; row < count; row++) {
    const size = Math.max(5, radius[row]! * camera.scale)
    if (size < bestSize && Math.hypot(screenX(camera, x[row]!) - px, screenY(camera, y[row]!) - py) < size) {
      best = row
      bestSize = size
    }
  }
  return best
}
