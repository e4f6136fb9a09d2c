/** Where on the Mercator square the selected thing is. */
import { toSquare } from './camera.ts'
import type { Console } from './console-model.ts'
import { placeOf } from './map-marks.ts'
import { home, selection } from './place.ts'

export function locate(
  { cells, shown, situations, fences }: Console,
  selected: string,
): { readonly x: number; readonly y: number } | undefined {
  const { kind, id } = selection({ ...home, selected })
  const state = shown.peek()
  if (kind === 'cell' || kind === 'site') {
    const row = cells.peek()?.rowOf.get(id)
    return row === undefined ? undefined : { x: cells.peek()!.x[row]!, y: cells.peek()!.y[row]! }
  }
  if (kind === 'subscriber') {
    const position = state.subscribers[id]
    return position?.latitude == null || position.longitude === null ? undefined : at(toSquare(position.longitude, position.latitude))
  }
  if (kind === 'fence') {
    const geometry = fences.peek().find((fence) => fence.id === id)?.geometry
    const point = geometry?.type === 'Circle' ? geometry.center : geometry?.coordinates[0]?.[0]
    return point === undefined ? undefined : at(toSquare(point[0]!, point[1]!))
  }
  const alertId =
    kind === 'situation'
      ? situations
          .peek()
          .find((situation) => situation.id === id)
          ?.alertIds.at(-1)
      : id
  const alert = state.alerts[alertId ?? '']
  return alert === undefined ? undefined : at(placeOf(alert, cells.peek()))
}

function at(point: readonly [number, number] | undefined): { x: number; y: number } | undefined {
  return point === undefined ? undefined : { x: point[0], y: point[1] }
}
