/** What one frame of the map shows, and what it is painted on. Whoever paints reads it and changes nothing in it. */
import type { FenceItem } from '../console-api.ts'
import type { Camera } from './camera.ts'
import type { CellPlaces } from './cell-places.ts'
import type { MapColors } from './map-colors.ts'
import type { AlertMark } from './map-marks.ts'
import type { Layer, Metric } from './place.ts'
import type { SubscriberMotion } from './subscriber-motion.ts'

export interface MapScene {
  readonly camera: Camera
  readonly colors: MapColors
  readonly land: Path2D | undefined
  readonly cells: CellPlaces | undefined
  /** Per cell row 0…1, or −1 where there is nothing new; by the metric chosen. */
  readonly levels: Float32Array
  readonly subscribers: SubscriberMotion
  readonly fences: readonly FenceItem[]
  readonly marks: readonly AlertMark[]
  readonly hidden: readonly Layer[]
  readonly metric: Metric
  readonly selected: { readonly kind: string; readonly id: string }
  readonly draft: readonly (readonly [longitude: number, latitude: number])[]
}

export type Paper = CanvasRenderingContext2D
