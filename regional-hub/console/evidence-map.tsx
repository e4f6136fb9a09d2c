/** A small map of an alert's evidence: both sightings with the reach of their cells, and the way between them. */
import { useEffect, useRef } from 'preact/hooks'
import type { LiveAlert } from '../console-api.ts'
import { type Camera, fit, metre, metresPerPixel, screenX, screenY, toSquare } from './camera.ts'
import { useConsole } from './console-model.ts'
import { readColors } from './map-colors.ts'
import { evidenceOf, placeOf } from './map-marks.ts'
import { shapePath } from './paint-map.ts'
import { metres } from './words.ts'

interface Spot {
  readonly x: number
  readonly y: number
  readonly radius: number
  readonly name: string
}

export function EvidenceMap({ alert }: { readonly alert: LiveAlert }) {
  const console = useConsole()
  const canvas = useRef<HTMLCanvasElement>(null)
  const isDark = console.isDark.value
  const cells = console.cells.value
  useEffect(() => {
    if (canvas.current !== null) paint(canvas.current, spotsOf(alert, cells), alert.severity, cells)
  }, [alert, isDark, cells])
  const spots = spotsOf(alert, cells)
  if (spots.length === 0) return <p class="hint">Where this was is not known: the cell is in no inventory.</p>
  return <canvas ref={canvas} class="evidence" role="img" aria-label={`Map: ${spots.map(({ name }) => name).join(', then ')}`} />
}

function spotsOf(alert: LiveAlert, cells: ReturnType<typeof useConsole>['cells']['value']): Spot[] {
  const { before, after, radiusM } = evidenceOf(alert)
  const spots: Spot[] = []
  for (const [name, sighting] of [
    ['first', before],
    ['then', after],
  ] as const) {
    if (sighting?.latitude == null || sighting.longitude === null) continue
    const [x, y] = toSquare(sighting.longitude, sighting.latitude)
    spots.push({ x, y, radius: (sighting.reachM ?? 0) * metre(sighting.latitude), name: `${name} at ${sighting.cell}` })
  }
  if (spots.length > 0) return spots
  const at = placeOf(alert, cells)
  const row = cells?.rowOf.get(alert.cell)
  return at === undefined
    ? []
    : [
        {
          x: at[0],
          y: at[1],
          radius: radiusM !== undefined ? radiusM * metre(50) : row === undefined ? 0 : cells!.reach[row]!,
          name: alert.cell,
        },
      ]
}

function paint(
  canvas: HTMLCanvasElement,
  spots: readonly Spot[],
  severity: string,
  cells: ReturnType<typeof useConsole>['cells']['value'],
): void {
  const ratio = Math.min(2, window.devicePixelRatio)
  const { clientWidth: width, clientHeight: height } = canvas
  canvas.width = width * ratio
  canvas.height = height * ratio
  const paper = canvas.getContext('2d')!
  const colors = readColors(document.body)
  paper.setTransform(ratio, 0, 0, ratio, 0, 0)
  paper.fillStyle = colors.land
  paper.fillRect(0, 0, width, height)
  const camera: Camera = { x: 0, y: 0, scale: 1, width, height }
  fit(
    camera,
    {
      west: Math.min(...spots.map(({ x, radius }) => x - radius)),
      east: Math.max(...spots.map(({ x, radius }) => x + radius)),
      north: Math.min(...spots.map(({ y, radius }) => y - radius)),
      south: Math.max(...spots.map(({ y, radius }) => y + radius)),
    },
    2 ** 22,
  )
  paper.fillStyle = colors.site
  for (const site of cells?.sites ?? [])
    paper.fillRect(screenX(camera, cells!.x[site]!) - 1.5, screenY(camera, cells!.y[site]!) - 1.5, 3, 3)
  const color = colors.severity[severity] ?? colors.accent
  paper.strokeStyle = color
  spots.forEach(({ x, y, radius }, at) => {
    paper.beginPath()
    paper.arc(screenX(camera, x), screenY(camera, y), radius * camera.scale, 0, 2 * Math.PI)
    paper.globalAlpha = 0.12
    paper.fillStyle = color
    paper.fill()
    paper.globalAlpha = 1
    paper.setLineDash(at === 0 && spots.length > 1 ? [5, 4] : [])
    paper.stroke()
  })
  paper.setLineDash([])
  const [from, to] = spots
  if (from !== undefined && to !== undefined) {
    paper.beginPath()
    paper.moveTo(screenX(camera, from.x), screenY(camera, from.y))
    paper.lineTo(screenX(camera, to.x), screenY(camera, to.y))
    paper.stroke()
  }
  const isOnePlace = from !== undefined && to !== undefined && Math.hypot(from.x - to.x, from.y - to.y) * camera.scale < 12
  spots.forEach(({ x, y }, at) => {
    const [px, py] = [screenX(camera, x) + (isOnePlace ? at * 14 - 7 : 0), screenY(camera, y)]
    shapePath(paper, 'warning', px, py, 8)
    paper.fillStyle = color
    paper.fill()
    paper.fillStyle = colors.ink
    paper.font = '700 10px system-ui, sans-serif'
    paper.textAlign = 'center'
    paper.textBaseline = 'middle'
    paper.fillText(String(at + 1), px, py + 0.5)
  })
  paper.fillStyle = colors.label
  paper.font = '11px system-ui, sans-serif'
  paper.textAlign = 'right'
  paper.fillText(`${metres(metresPerPixel(camera) * width)} across`, width - 8, height - 10)
}
