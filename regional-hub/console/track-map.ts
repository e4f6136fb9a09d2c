/** Paints a track: discs that hold each place, older ones fainter, joined in the order of time. */
import type { TrackPoint } from '../console-api.ts'
import { type Camera, fit, metre, screenX, screenY, toSquare } from './camera.ts'
import type { CellPlaces } from './cell-places.ts'
import { readColors } from './map-colors.ts'

const mostDiscs = 300

export function paintTrack(canvas: HTMLCanvasElement, track: readonly TrackPoint[], cells: CellPlaces | undefined): void {
  const ratio = Math.min(2, window.devicePixelRatio)
  const { clientWidth: width, clientHeight: height } = canvas
  canvas.width = width * ratio
  canvas.height = height * ratio
  const paper = canvas.getContext('2d')!
  const colors = readColors(document.body)
  const spots = track
    .filter(({ latitude, longitude }) => latitude !== null && longitude !== null)
    .sort((a, b) => a.timeMs - b.timeMs)
    .slice(-mostDiscs)
    .map(({ latitude, longitude, radiusM, motion }) => {
      const [x, y] = toSquare(longitude!, latitude!)
      return { x, y, radius: (radiusM ?? 1000) * metre(latitude!), motion }
    })
  paper.setTransform(ratio, 0, 0, ratio, 0, 0)
  paper.fillStyle = colors.land
  paper.fillRect(0, 0, width, height)
  if (spots.length === 0) return
  const camera: Camera = { x: 0, y: 0, scale: 1, width, height }
  fit(
    camera,
    {
      west: Math.min(...spots.map(({ x }) => x)),
      east: Math.max(...spots.map(({ x }) => x)),
      north: Math.min(...spots.map(({ y }) => y)),
      south: Math.max(...spots.map(({ y }) => y)),
    },
    2 ** 20,
  )
  paper.fillStyle = colors.site
  for (const site of cells?.sites ?? [])
    paper.fillRect(screenX(camera, cells!.x[site]!) - 1.5, screenY(camera, cells!.y[site]!) - 1.5, 3, 3)
  paper.strokeStyle = colors.accent
  paper.fillStyle = colors.accent
  spots.forEach(({ x, y, radius }, at) => {
    const age = (at + 1) / spots.length
    paper.beginPath()
    paper.arc(screenX(camera, x), screenY(camera, y), Math.max(3, radius * camera.scale), 0, 2 * Math.PI)
    paper.globalAlpha = 0.02 + 0.05 * age
    paper.fill()
    paper.globalAlpha = 0.15 + 0.5 * age
    paper.stroke()
  })
  paper.globalAlpha = 0.8
  paper.beginPath()
  for (const { x, y } of spots) paper.lineTo(screenX(camera, x), screenY(camera, y))
  paper.stroke()
  paper.globalAlpha = 1
}
