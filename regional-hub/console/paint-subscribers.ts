/**
 * Subscribers: never a point. Near by, each is a disc that holds the true place with 68 %, with a short trail; far away, or where they are very many,
 * squares of density in which fewer than 20 are not shown.
 */
import { type Camera, metresPerPixel, screenX, screenY } from './camera.ts'
import type { MapScene, Paper } from './map-scene.ts'
import { type SubscriberMotion, trailLength } from './subscriber-motion.ts'

export const leastTold = 20
const countryMetresPerPixel = 300
const mostDiscs = 4000
const pictureSize = 64

/** One soft disc per way of moving, made when the colours change. */
export type DiscPictures = readonly CanvasImageSource[]

export function discPictures(colors: readonly string[]): DiscPictures {
  return colors.map((color) => {
    const canvas = document.createElement('canvas')
    canvas.width = canvas.height = pictureSize
    const paper = canvas.getContext('2d')!
    const middle = pictureSize / 2
    paper.fillStyle = color
    paper.strokeStyle = color
    paper.beginPath()
    paper.arc(middle, middle, middle - 2, 0, 2 * Math.PI)
    paper.globalAlpha = 0.3
    paper.fill()
    paper.globalAlpha = 0.85
    paper.lineWidth = 1.5
    paper.stroke()
    return canvas
  })
}

export function paintsDensity(camera: Camera, subscribers: SubscriberMotion): boolean {
  return metresPerPixel(camera) > countryMetresPerPixel || countVisible(camera, subscribers) > mostDiscs
}

export function paintSubscribers(paper: Paper, scene: MapScene, pictures: DiscPictures, nowMs: number): void {
  const { camera, subscribers } = scene
  if (paintsDensity(camera, subscribers)) paintDensity(paper, scene)
  else {
    if (!scene.hidden.includes('trails')) paintTrails(paper, scene)
    paintDiscs(paper, scene, pictures, subscribers.glide(nowMs))
  }
}

function countVisible(camera: Camera, { count, x, y }: SubscriberMotion): number {
  const [halfX, halfY] = [camera.width / 2 / camera.scale, camera.height / 2 / camera.scale]
  let visible = 0
  for (let row = 0; row < count; row++) if (Math.abs(x[row]! - camera.x) < halfX && Math.abs(y[row]! - camera.y) < halfY) visible++
  return visible
}

function paintDiscs(paper: Paper, { camera, colors, subscribers, selected }: MapScene, pictures: DiscPictures, share: number): void {
  const { count, x, y, fromX, fromY, radius, motion } = subscribers
  // Where many lie over each other none may hide the rest.
  const weight = Math.max(0.3, Math.min(1, 30 / metresPerPixel(camera)))
  const chosen = selected.kind === 'subscriber' ? subscribers.rowOf(selected.id) : -1
  for (let row = 0; row < count; row++) {
    const px = screenX(camera, fromX[row]! + (x[row]! - fromX[row]!) * share)
    const py = screenY(camera, fromY[row]! + (y[row]! - fromY[row]!) * share)
    const size = Math.max(3, radius[row]! * camera.scale)
    if (px < -size || py < -size || px > camera.width + size || py > camera.height + size) continue
    // The wider a disc, the less is known: it weighs less.
    paper.globalAlpha = row === chosen ? 1 : weight * Math.max(0.06, Math.min(0.8, 9 / size))
    paper.drawImage(pictures[motion[row]!]!, px - size, py - size, 2 * size, 2 * size)
    if (row !== chosen) continue
    paper.strokeStyle = colors.text
    paper.lineWidth = 2
    paper.beginPath()
    paper.arc(px, py, size, 0, 2 * Math.PI)
    paper.stroke()
  }
  paper.globalAlpha = 1
}

function paintTrails(paper: Paper, { camera, colors, subscribers }: MapScene): void {
  const { count, x, y, trailX, trailY, trailCount } = subscribers
  paper.strokeStyle = colors.motion[3]!
  paper.globalAlpha = 0.35
  paper.lineWidth = 1.25
  paper.beginPath()
  for (let row = 0; row < count; row++) {
    if (trailCount[row] === 0) continue
    const px = screenX(camera, x[row]!)
    const py = screenY(camera, y[row]!)
    if (px < -200 || py < -200 || px > camera.width + 200 || py > camera.height + 200) continue
    paper.moveTo(px, py)
    const base = row * trailLength
    for (let at = 0; at < trailCount[row]!; at++) paper.lineTo(screenX(camera, trailX[base + at]!), screenY(camera, trailY[base + at]!))
  }
  paper.stroke()
  paper.globalAlpha = 1
}

/** Squares that stay where they are on the ground while the map moves. */
function paintDensity(paper: Paper, { camera, colors, subscribers }: MapScene): void {
  const side = 2 ** -Math.round(Math.log2(camera.scale / 26))
  const sidePx = side * camera.scale
  const counts = new Map<number, number>()
  const rowLength = Math.round(1 / side)
  for (let row = 0; row < subscribers.count; row++) {
    const key = Math.floor(subscribers.y[row]! / side) * rowLength + Math.floor(subscribers.x[row]! / side)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  paper.font = '600 10px system-ui, sans-serif'
  paper.textAlign = 'center'
  paper.textBaseline = 'middle'
  for (const [key, count] of counts) {
    if (count < leastTold) continue
    const px = screenX(camera, (key % rowLength) * side)
    const py = screenY(camera, Math.floor(key / rowLength) * side)
    if (px < -sidePx || py < -sidePx || px > camera.width || py > camera.height) continue
    paper.globalAlpha = Math.min(0.85, 0.2 + Math.log10(count / leastTold) * 0.35)
    paper.fillStyle = colors.motion[3]!
    paper.fillRect(px + 1, py + 1, sidePx - 2, sidePx - 2)
    paper.globalAlpha = 1
    paper.fillStyle = colors.text
    if (sidePx > 22) paper.fillText(String(Math.round(count / 5) * 5), px + sidePx / 2, py + sidePx / 2)
  }
}
