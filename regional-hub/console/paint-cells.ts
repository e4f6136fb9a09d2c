/**
 * Sites and their cells. Far away a site is a dot; nearer, each cell is a petal of its site, coloured by the metric chosen. A petal shows which cell,
 * not how far it reaches: reach is drawn for coverage and for what is selected, as a full circle where the inventory knows no direction.
 */
import { metresPerPixel, screenX, screenY } from './camera.ts'
import { type CellPlaces, petal } from './cell-places.ts'
import type { MapScene, Paper } from './map-scene.ts'

export function paintSites(paper: Paper, scene: MapScene): void {
  const { camera, cells } = scene
  if (cells === undefined) return
  const perPixel = metresPerPixel(camera)
  if (perPixel > 70) paintDots(paper, scene, cells, perPixel > 400 ? 1.5 : 2.5)
  else paintPetals(paper, scene, cells, perPixel > 30 ? 6 : perPixel > 8 ? 11 : 16)
  paintSelected(paper, scene, cells)
}

export function rampColor(level: number, ramp: readonly string[], plain: string): string {
  return level < 0 ? plain : ramp[Math.min(ramp.length - 1, Math.floor(level * ramp.length))]!
}

function paintDots(paper: Paper, { camera, colors, levels }: MapScene, cells: CellPlaces, size: number): void {
  for (const site of cells.sites) {
    const px = screenX(camera, cells.x[site]!)
    const py = screenY(camera, cells.y[site]!)
    if (px < 0 || py < 0 || px > camera.width || py > camera.height) continue
    paper.fillStyle = rampColor(levels[site] ?? -1, colors.ramp, colors.site)
    paper.fillRect(px - size, py - size, 2 * size, 2 * size)
  }
}

function paintPetals(paper: Paper, { camera, colors, levels }: MapScene, cells: CellPlaces, size: number): void {
  paper.lineWidth = 1
  paper.strokeStyle = colors.sea
  for (let row = 0; row < cells.table.count; row++) {
    const px = screenX(camera, cells.x[row]!)
    const py = screenY(camera, cells.y[row]!)
    if (px < -size || py < -size || px > camera.width + size || py > camera.height + size) continue
    const { middle, half } = petal(cells, row)
    paper.beginPath()
    if (half < Math.PI - 1e-6) paper.moveTo(px, py)
    paper.arc(px, py, size, middle - half, middle + half)
    paper.closePath()
    paper.fillStyle = rampColor(levels[row] ?? -1, colors.ramp, colors.site)
    paper.fill()
    if (size > 6) paper.stroke()
  }
}

/** Where cells say they reach: outlines, most of them laid over each other. */
export function paintCoverage(paper: Paper, { camera, colors, cells }: MapScene): void {
  if (cells === undefined) return
  paper.fillStyle = colors.accent
  paper.globalAlpha = 0.02
  for (let row = 0; row < cells.table.count; row++) {
    const radius = cells.reach[row]! * camera.scale
    const px = screenX(camera, cells.x[row]!)
    const py = screenY(camera, cells.y[row]!)
    if (radius < 1.5 || px < -radius || py < -radius || px > camera.width + radius || py > camera.height + radius) continue
    reachPath(paper, cells, row, px, py, radius)
    paper.fill()
  }
  paper.globalAlpha = 1
}

export function reachPath(paper: Paper, cells: CellPlaces, row: number, px: number, py: number, radius: number): void {
  const { middle, half, isSurveyed } = petal(cells, row)
  paper.beginPath()
  if (isSurveyed) {
    paper.moveTo(px, py)
    paper.arc(px, py, radius, middle - half, middle + half)
    paper.closePath()
  } else paper.arc(px, py, radius, 0, 2 * Math.PI)
}

function paintSelected(paper: Paper, { camera, colors, selected }: MapScene, cells: CellPlaces): void {
  const row = selected.kind === 'cell' || selected.kind === 'site' ? cells.rowOf.get(selected.id) : undefined
  if (row === undefined) return
  const px = screenX(camera, cells.x[row]!)
  const py = screenY(camera, cells.y[row]!)
  paper.strokeStyle = colors.accent
  paper.lineWidth = 2
  if (selected.kind === 'cell') {
    reachPath(paper, cells, row, px, py, cells.reach[row]! * camera.scale)
    paper.globalAlpha = 0.1
    paper.fillStyle = colors.accent
    paper.fill()
    paper.globalAlpha = 1
    paper.setLineDash([5, 4])
    paper.stroke()
    paper.setLineDash([])
  }
  paper.beginPath()
  paper.arc(px, py, 20, 0, 2 * Math.PI)
  paper.stroke()
}
