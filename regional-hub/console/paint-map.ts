/**
 * Paints one frame of the map onto a canvas: land, coverage, fences, sites, subscribers, alerts, in that order. What only changes with the frame is
 * painted once onto a canvas of its own and copied; discs are copied from small pictures made once. Reads its scene, changes nothing in it.
 */
import { type Camera, metresPerPixel, screenX, screenY } from './camera.ts'
import { landScale } from './land.ts'
import type { MapColors } from './map-colors.ts'
import type { AlertMark } from './map-marks.ts'
import type { MapScene, Paper } from './map-scene.ts'
import { paintCoverage, paintSites } from './paint-cells.ts'
import { paintFences } from './paint-fences.ts'
import { type DiscPictures, paintSubscribers } from './paint-subscribers.ts'
import { cornersOf, letters } from './severities.ts'

/** Land, coverage, fences, sites: the same until the frame or the scene changes. */
export function paintGround(paper: Paper, scene: MapScene, ratio: number): void {
  const { camera, colors, land, hidden } = scene
  paper.setTransform(ratio, 0, 0, ratio, 0, 0)
  paper.fillStyle = colors.sea
  paper.fillRect(0, 0, camera.width, camera.height)
  if (land !== undefined) paintLand(paper, camera, land, colors, ratio)
  paintGrid(paper, camera, colors)
  if (!hidden.includes('coverage')) paintCoverage(paper, scene)
  if (!hidden.includes('fences')) paintFences(paper, scene)
  paintSites(paper, scene)
}

export function paintMoving(paper: Paper, scene: MapScene, pictures: DiscPictures, ratio: number, nowMs: number): void {
  paper.setTransform(ratio, 0, 0, ratio, 0, 0)
  if (!scene.hidden.includes('subscribers')) paintSubscribers(paper, scene, pictures, nowMs)
  if (!scene.hidden.includes('alerts')) for (const mark of scene.marks) paintMark(paper, scene, mark)
  paintScale(paper, scene)
}

function paintLand(paper: Paper, camera: Camera, land: Path2D, colors: MapColors, ratio: number): void {
  const scale = (camera.scale / landScale) * ratio
  paper.setTransform(scale, 0, 0, scale, ratio * screenX(camera, 0), ratio * screenY(camera, 0))
  paper.fillStyle = colors.land
  paper.fill(land, 'evenodd')
  paper.lineWidth = ratio / scale
  paper.strokeStyle = colors.coast
  paper.stroke(land)
  paper.setTransform(ratio, 0, 0, ratio, 0, 0)
}

/** Lines of whole kilometres would say more than is known; lines of degrees only give the eye a hold. */
function paintGrid(paper: Paper, camera: Camera, { grid }: MapColors): void {
  const degree = camera.scale / 360
  const step = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01].find((one) => one * degree < 260) ?? 0.01
  const stepPx = step * degree
  if (stepPx < 40) return
  paper.strokeStyle = grid
  paper.lineWidth = 1
  paper.beginPath()
  const from = screenX(camera, 0.5)
  for (let px = ((from % stepPx) + stepPx) % stepPx; px < camera.width; px += stepPx) {
    paper.moveTo(Math.round(px) + 0.5, 0)
    paper.lineTo(Math.round(px) + 0.5, camera.height)
  }
  const top = screenY(camera, 0.5)
  for (let py = ((top % stepPx) + stepPx) % stepPx; py < camera.height; py += stepPx) {
    paper.moveTo(0, Math.round(py) + 0.5)
    paper.lineTo(camera.width, Math.round(py) + 0.5)
  }
  paper.stroke()
}

export function paintMark(paper: Paper, { camera, colors, selected }: MapScene, mark: AlertMark): void {
  const px = screenX(camera, mark.x)
  const py = screenY(camera, mark.y)
  if (px < -40 || py < -40 || px > camera.width + 40 || py > camera.height + 40) return
  const isSelected = mark.ids.includes(selected.id) || mark.situations.includes(selected.id)
  const size = mark.isMuted ? 7 : 9
  const color = mark.isMuted ? colors.muted : (colors.severity[mark.severity] ?? colors.muted)
  if (isSelected) {
    paper.beginPath()
    paper.arc(px, py, size + 7, 0, 2 * Math.PI)
    paper.strokeStyle = colors.text
    paper.lineWidth = 2
    paper.stroke()
  }
  shapePath(paper, mark.severity, px, py, size)
  paper.fillStyle = color
  paper.fill()
  paper.lineWidth = 1.5
  paper.strokeStyle = colors.sea
  paper.stroke()
  paper.fillStyle = colors.ink
  paper.font = `700 ${size + 1}px system-ui, sans-serif`
  paper.textAlign = 'center'
  paper.textBaseline = 'middle'
  paper.fillText(letters[mark.severity] ?? '?', px, py + (mark.severity === 'major' ? 2 : 0.5))
  if (mark.ids.length < 2) return
  paper.font = '600 10px system-ui, sans-serif'
  paper.textAlign = 'left'
  paper.fillStyle = colors.text
  paper.fillText(`×${mark.ids.length}`, px + size + 3, py)
}

export function shapePath(paper: Paper, severity: string, px: number, py: number, size: number): void {
  const corners = cornersOf(severity)
  paper.beginPath()
  if (corners.length === 0) paper.arc(px, py, size, 0, 2 * Math.PI)
  corners.forEach(([x, y], at) => {
    if (at === 0) paper.moveTo(px + x * size, py + y * size)
    else paper.lineTo(px + x * size, py + y * size)
  })
  paper.closePath()
}

function paintScale(paper: Paper, { camera, colors }: MapScene): void {
  const perPixel = metresPerPixel(camera)
  const most = perPixel * 120
  const power = 10 ** Math.floor(Math.log10(most))
  const length = [5, 2, 1].map((times) => times * power).find((one) => one <= most) ?? power
  const px = length / perPixel
  const [left, bottom] = [14, camera.height - 14]
  paper.strokeStyle = colors.label
  paper.lineWidth = 1.5
  paper.beginPath()
  paper.moveTo(left, bottom - 4)
  paper.lineTo(left, bottom)
  paper.lineTo(left + px, bottom)
  paper.lineTo(left + px, bottom - 4)
  paper.stroke()
  paper.fillStyle = colors.label
  paper.font = '11px system-ui, sans-serif'
  paper.textAlign = 'left'
  paper.textBaseline = 'alphabetic'
  paper.fillText(length >= 1000 ? `${length / 1000} km` : `${length} m`, left + 5, bottom - 5)
}
