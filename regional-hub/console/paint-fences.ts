/** Fences as dashed outlines with their names; the one that is being drawn with its corners. */
import type { FenceItem } from '../console-api.ts'
import { type Camera, metre, screenX, screenY, toSquare } from './camera.ts'
import type { MapScene, Paper } from './map-scene.ts'

export function paintFences(paper: Paper, { camera, colors, fences, selected, draft }: MapScene): void {
  paper.font = '600 11px system-ui, sans-serif'
  paper.textAlign = 'center'
  paper.textBaseline = 'bottom'
  for (const fence of fences) {
    const isSelected = selected.kind === 'fence' && selected.id === fence.id
    const [labelX, labelY] = fencePath(paper, camera, fence.geometry)
    paper.strokeStyle = colors.fence
    paper.fillStyle = colors.fence
    paper.globalAlpha = isSelected ? 0.16 : 0.06
    paper.fill('evenodd')
    paper.globalAlpha = 1
    paper.lineWidth = isSelected ? 2.5 : 1.5
    paper.setLineDash([7, 4])
    paper.stroke()
    paper.setLineDash([])
    paper.fillText(fence.name, labelX, labelY - 4)
  }
  if (draft.length > 0) paintDraft(paper, camera, colors.accent, draft)
}

/** Answers the middle of its upper edge. */
function fencePath(paper: Paper, camera: Camera, geometry: FenceItem['geometry']): [number, number] {
  paper.beginPath()
  if (geometry.type === 'Circle') {
    const [longitude, latitude] = geometry.center
    const [x, y] = toSquare(longitude, latitude)
    const radius = geometry.radiusM * metre(latitude) * camera.scale
    paper.arc(screenX(camera, x), screenY(camera, y), radius, 0, 2 * Math.PI)
    return [screenX(camera, x), screenY(camera, y) - radius]
  }
  let [west, east, top] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (const ring of geometry.coordinates) {
    ring.forEach(([longitude, latitude], at) => {
      const [x, y] = toSquare(longitude!, latitude!)
      const [px, py] = [screenX(camera, x), screenY(camera, y)]
      west = Math.min(west, px)
      east = Math.max(east, px)
      top = Math.min(top, py)
      if (at === 0) paper.moveTo(px, py)
      else paper.lineTo(px, py)
    })
    paper.closePath()
  }
  return [(west + east) / 2, top]
}

function paintDraft(paper: Paper, camera: Camera, color: string, draft: MapScene['draft']): void {
  const points = draft.map(([longitude, latitude]) => {
    const [x, y] = toSquare(longitude, latitude)
    return [screenX(camera, x), screenY(camera, y)] as const
  })
  paper.beginPath()
  for (const [px, py] of points) paper.lineTo(px, py)
  paper.closePath()
  paper.fillStyle = color
  paper.strokeStyle = color
  paper.globalAlpha = 0.15
  paper.fill()
  paper.globalAlpha = 1
  paper.lineWidth = 2
  paper.stroke()
  for (const [px, py] of points) {
    paper.beginPath()
    paper.arc(px, py, 5, 0, 2 * Math.PI)
    paper.fill()
  }
}
