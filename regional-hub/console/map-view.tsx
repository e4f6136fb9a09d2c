/** The live map: the canvas and its controls. What it shows is in map-desk and paint-*; the same things stand as rows in the table twin below it. */
import { useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { type Camera, fit, frameOf, fromSquare, takeFrame, zoomAt } from './camera.ts'
import { cellLevels } from './cell-levels.ts'
import { type Console, useConsole } from './console-model.ts'
import { FenceDrawing } from './fence-drawing.tsx'
import { hoverWords } from './hover-words.ts'
import { loadLand } from './land.ts'
import { type MapColors, readColors } from './map-colors.ts'
import { MapDesk, underPointer } from './map-desk.ts'
import { MapLegend } from './map-legend.tsx'
import { marksOf } from './map-marks.ts'
import { locate } from './map-places.ts'
import type { MapScene } from './map-scene.ts'
import { pickOnMap } from './pick-on-map.ts'
import { selection } from './place.ts'
import { SubscriberMotion } from './subscriber-motion.ts'

export function MapView() {
  const console = useConsole()
  const canvas = useRef<HTMLCanvasElement>(null)
  const hover = useSignal<{ words: string; x: number; y: number } | null>(null)
  const draft = useSignal<readonly (readonly [number, number])[] | null>(null)
  const map = useMemo(() => createScene(console), [])
  const desk = useRef<MapDesk | null>(null)

  useEffect(() => {
    const element = canvas.current!
    const made = new MapDesk(element, {
      scene: () => map.scene,
      rested: () => console.go({ frame: frameOf(map.scene.camera) }),
      resized: () => map.frameFirst(console),
      hovered: (px, py) => {
        const found = pickOnMap(map.scene, px, py)
        element.style.cursor = draft.value !== null ? 'crosshair' : found === '' ? 'grab' : 'pointer'
        hover.value = found === '' || draft.value !== null ? null : { words: hoverWords(console, found), x: px, y: py }
      },
      chose: (px, py) => {
        if (draft.value === null) console.go({ selected: pickOnMap(map.scene, px, py) })
        else draft.value = [...draft.value, fromSquare(...underPointer(map.scene.camera, px, py))]
      },
      isStill: () => matchMedia('(prefers-reduced-motion: reduce)').matches,
    })
    desk.current = made
    loadLand(document.body.dataset.land ?? '').then((land) => {
      map.change({ land })
      made.repaint(true)
    })
    return () => made.close()
  }, [])

  useSignalEffect(() => {
    void console.isDark.value
    const colors = readColors(document.body)
    map.change({ colors })
    desk.current?.recolor(colors.motion)
  })
  useSignalEffect(() => {
    const place = console.place.value
    const cells = console.cells.value
    const state = console.shown.value
    const levels = cells === undefined ? new Float32Array() : cellLevels(cells, state, place.metric)
    const { hidden, metric } = place
    const selected = selection(place)
    map.change({ cells, levels, hidden, metric, selected, fences: console.fences.value, draft: draft.value ?? [] })
    if (map.frameFirst(console)) desk.current?.moved()
    desk.current?.repaint(true)
  })
  useSignalEffect(() => {
    const state = console.shown.value
    map.scene.subscribers.take(state.subscribers, performance.now(), console.past.value !== null)
    desk.current?.repaint(false)
  })
  useSignalEffect(() => {
    map.change({ marks: marksOf(console.alerted.value, console.situations.value, console.cells.value) })
    desk.current?.repaint(false)
  })
  useSignalEffect(() => {
    const { selected } = console.place.value
    if (selected === '' || selected === map.followed) return
    map.followed = selected
    const at = locate(console, selected)
    const { camera } = map.scene
    if (at === undefined || camera.width === 0) return
    const isSeen =
      Math.abs(at.x - camera.x) * camera.scale < camera.width / 2 - 30 && Math.abs(at.y - camera.y) * camera.scale < camera.height / 2 - 30
    if (isSeen) return
    camera.x = at.x
    camera.y = at.y
    desk.current?.moved()
  })

  const zoom = (factor: number) => {
    const { camera } = map.scene
    zoomAt(camera, camera.width / 2, camera.height / 2, factor)
    desk.current?.moved()
  }
  const fitAll = () => {
    map.fitAll(console)
    desk.current?.moved()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const { camera } = map.scene
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key]
    if (event.key === '+' || event.key === '=') zoom(1.5)
    else if (event.key === '-') zoom(1 / 1.5)
    else if (event.key === '0') fitAll()
    else if (step !== undefined) {
      camera.x += (step[0]! * 80) / camera.scale
      camera.y += (step[1]! * 80) / camera.scale
      desk.current?.moved()
    } else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <div class="map">
      <canvas
        ref={canvas}
        tabIndex={0}
        role="img"
        aria-label="Map of the region. Arrow keys move it, plus and minus zoom, 0 shows all. Everything on it is in the table below it (key t)."
        onKeyDown={onKeyDown}
        onPointerLeave={() => {
          hover.value = null
        }}
      />
      {hover.value !== null && (
        <div class="map-hover" style={{ left: `${hover.value.x}px`, top: `${hover.value.y}px` }}>
          {hover.value.words}
        </div>
      )}
      <div class="map-zoom">
        <button type="button" onClick={() => zoom(1.6)} aria-label="Nearer" title="Nearer (+)">
          +
        </button>
        <button type="button" onClick={() => zoom(1 / 1.6)} aria-label="Farther" title="Farther (-)">
          −
        </button>
        <button type="button" onClick={fitAll} aria-label="Show the whole region" title="Show the whole region (0)">
          ⤢
        </button>
      </div>
      <FenceDrawing draft={draft} />
      <MapLegend />
    </div>
  )
}

interface SceneHolder {
  scene: MapScene
  followed: string
  change(part: Partial<MapScene>): void
  frameFirst(console: Console): boolean
  fitAll(console: Console): void
}

/** The scene lives as long as the view; it is made anew in part, its camera and its subscribers stay the same objects. */
function createScene(console: Console): SceneHolder {
  const camera: Camera = { x: 0.48, y: 0.32, scale: 2 ** 14, width: 0, height: 0 }
  const colors: MapColors = readColors(document.body)
  let isFramed = false
  const holder: SceneHolder = {
    followed: '',
    scene: {
      camera,
      colors,
      land: undefined,
      cells: undefined,
      levels: new Float32Array(),
      subscribers: new SubscriberMotion(),
      fences: [],
      marks: [],
      hidden: console.place.value.hidden,
      metric: 'signal',
      selected: selection(console.place.value),
      draft: [],
    },
    change: (part) => {
      holder.scene = { ...holder.scene, ...part }
    },
    frameFirst: ({ place, cells }) => {
      if (isFramed || camera.width === 0) return false
      const { frame } = place.value
      if (frame !== null) takeFrame(camera, frame)
      else if (cells.value === undefined || cells.value.table.count === 0) return false
      else fit(camera, cells.value.box)
      isFramed = true
      return true
    },
    fitAll: ({ cells }) => {
      if (cells.value !== undefined && cells.value.table.count > 0) fit(camera, cells.value.box)
    },
  }
  return holder
}
