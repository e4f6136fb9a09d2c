/**
 * Keeps one canvas painted: one frame at most per display frame, and none while nothing changes. Takes pointer, wheel and pinch as pan and zoom,
 * and says what was hovered or chosen. Holds no state of the page: it is given a scene and tells where the camera came to rest.
 */
import { type Camera, pan, squareX, squareY, zoomAt } from './camera.ts'
import type { MapScene } from './map-scene.ts'
import { paintGround, paintMoving } from './paint-map.ts'
import { type DiscPictures, discPictures } from './paint-subscribers.ts'

export interface DeskDeps {
  readonly scene: () => MapScene
  readonly rested: () => void
  readonly resized: () => void
  readonly chose: (px: number, py: number) => void
  readonly hovered: (px: number, py: number) => void
  readonly isStill: () => boolean
}

export class MapDesk {
  readonly #canvas: HTMLCanvasElement
  readonly #deps: DeskDeps
  readonly #ground = document.createElement('canvas')
  readonly #abort = new AbortController()
  readonly #observer: ResizeObserver
  readonly #pointers = new Map<number, { x: number; y: number }>()
  #pictures: DiscPictures = []
  #frame = 0
  #isGroundStale = true
  #restTimer: ReturnType<typeof setTimeout> | undefined
  #travelled = 0
  /** Longest paint of late, in milliseconds. */
  worstMs = 0

  constructor(canvas: HTMLCanvasElement, deps: DeskDeps) {
    this.#canvas = canvas
    this.#deps = deps
    this.#observer = new ResizeObserver(() => this.#resize())
    this.#observer.observe(canvas)
    const { signal } = this.#abort
    canvas.addEventListener('pointerdown', (event) => this.#down(event), { signal })
    canvas.addEventListener('pointermove', (event) => this.#move(event), { signal })
    for (const type of ['pointerup', 'pointercancel'] as const) canvas.addEventListener(type, (event) => this.#up(event), { signal })
    canvas.addEventListener('wheel', (event) => this.#wheel(event), { signal, passive: false })
  }

  close(): void {
    this.#abort.abort()
    this.#observer.disconnect()
    cancelAnimationFrame(this.#frame)
    clearTimeout(this.#restTimer)
  }

  /** Colours changed: discs are made anew. */
  recolor(motion: readonly string[]): void {
    this.#pictures = discPictures(motion)
    this.repaint(true)
  }

  repaint(isGroundStale: boolean): void {
    this.#isGroundStale ||= isGroundStale
    if (this.#frame === 0) this.#frame = requestAnimationFrame((nowMs) => this.#paint(nowMs))
  }

  /** The frame moved by other means than the pointer. */
  moved(): void {
    this.repaint(true)
    clearTimeout(this.#restTimer)
    this.#restTimer = setTimeout(() => this.#deps.rested(), 250)
  }

  #paint(nowMs: number): void {
    this.#frame = 0
    const startMs = performance.now()
    const scene = this.#deps.scene()
    const { camera } = scene
    if (camera.width === 0 || this.#pictures.length === 0) return
    const ratio = this.#canvas.width / camera.width
    if (this.#isGroundStale) {
      if (this.#ground.width !== this.#canvas.width || this.#ground.height !== this.#canvas.height) {
        this.#ground.width = this.#canvas.width
        this.#ground.height = this.#canvas.height
      }
      paintGround(this.#ground.getContext('2d', { alpha: false })!, scene, ratio)
      this.#isGroundStale = false
    }
    const paper = this.#canvas.getContext('2d', { alpha: false })!
    paper.setTransform(1, 0, 0, 1, 0, 0)
    paper.drawImage(this.#ground, 0, 0)
    paintMoving(paper, scene, this.#pictures, ratio, nowMs)
    this.worstMs = Math.max(this.worstMs * 0.98, performance.now() - startMs)
    if (scene.subscribers.glide(nowMs) < 1 && !this.#deps.isStill()) this.repaint(false)
  }

  #resize(): void {
    const { camera } = this.#deps.scene()
    const { clientWidth, clientHeight } = this.#canvas
    if (clientWidth === 0 || (clientWidth === camera.width && clientHeight === camera.height)) return
    const ratio = Math.min(2, window.devicePixelRatio)
    this.#canvas.width = Math.round(clientWidth * ratio)
    this.#canvas.height = Math.round(clientHeight * ratio)
    camera.width = clientWidth
    camera.height = clientHeight
    this.#deps.resized()
    this.repaint(true)
  }

  #down(event: PointerEvent): void {
    this.#canvas.setPointerCapture(event.pointerId)
    this.#pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY })
    if (this.#pointers.size === 1) this.#travelled = 0
  }

  #move(event: PointerEvent): void {
    const before = this.#pointers.get(event.pointerId)
    if (before === undefined) {
      this.#deps.hovered(event.offsetX, event.offsetY)
      return
    }
    const { camera } = this.#deps.scene()
    const now = { x: event.offsetX, y: event.offsetY }
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1]
    this.#travelled += Math.hypot(now.x - before.x, now.y - before.y)
    if (other === undefined) {
      if (this.#travelled > 4) pan(camera, now.x - before.x, now.y - before.y)
    } else pinch(camera, before, now, other)
    this.#pointers.set(event.pointerId, now)
    this.moved()
  }

  #up(event: PointerEvent): void {
    const wasDown = this.#pointers.delete(event.pointerId)
    if (wasDown && event.type === 'pointerup' && this.#travelled <= 4) this.#deps.chose(event.offsetX, event.offsetY)
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault()
    const { camera } = this.#deps.scene()
    zoomAt(camera, event.offsetX, event.offsetY, Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0018)))
    this.moved()
  }
}

interface Point {
  readonly x: number
  readonly y: number
}

function pinch(camera: Camera, before: Point, now: Point, other: Point): void {
  const factor = Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y))
  zoomAt(camera, (now.x + other.x) / 2, (now.y + other.y) / 2, factor)
  pan(camera, (now.x - before.x) / 2, (now.y - before.y) / 2)
}

/** Where in the square a pixel of the canvas is. */
export function underPointer(camera: Camera, px: number, py: number): [x: number, y: number] {
  return [squareX(camera, px), squareY(camera, py)]
}
