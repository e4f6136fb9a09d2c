/** Alerts as marks on the map: where they happened, those at one place as one mark in the worst of their severities. */
import type { LiveAlert, LiveState, Situation } from '../console-api.ts'
import { toSquare } from './camera.ts'
import type { CellPlaces } from './cell-places.ts'
import { rank } from './severities.ts'
import { statusOf } from './situations-here.ts'

export interface AlertMark {
  readonly x: number
  readonly y: number
  readonly severity: string
  readonly isMuted: boolean
  readonly ids: readonly string[]
  readonly situations: readonly string[]
}

export interface Sighting {
  readonly time: string
  readonly region: string
  readonly cell: string
  readonly latitude: number | null
  readonly longitude: number | null
  readonly reachM: number | null
  readonly device?: string
  readonly model?: number
}

/** The parts of an alert's evidence that the page knows how to show. */
export interface Evidence {
  readonly rule?: string
  readonly words?: string
  readonly before?: Sighting
  readonly after?: Sighting
  readonly thresholds?: Readonly<Record<string, number>>
  readonly latitude?: number
  readonly longitude?: number
  readonly radiusM?: number
}

export function evidenceOf(alert: LiveAlert): Evidence {
  return typeof alert.evidence === 'object' && alert.evidence !== null ? (alert.evidence as Evidence) : {}
}

export function placeOf(alert: LiveAlert, cells: CellPlaces | undefined): [x: number, y: number] | undefined {
  const { after, latitude, longitude } = evidenceOf(alert)
  if (after?.latitude != null && after.longitude != null) return toSquare(after.longitude, after.latitude)
  if (latitude !== undefined && longitude !== undefined) return toSquare(longitude, latitude)
  const row = cells?.rowOf.get(alert.cell)
  return row === undefined || cells === undefined ? undefined : [cells.x[row]!, cells.y[row]!]
}

/** Closed and retracted alerts are not on the map; snoozed and muted ones are grey. */
export function marksOf(
  state: Pick<LiveState, 'alerts' | 'triage'>,
  situations: readonly Situation[],
  cells: CellPlaces | undefined,
): AlertMark[] {
  const situationOf = new Map(situations.flatMap((situation) => situation.alertIds.map((id) => [id, situation] as const)))
  const marks = new Map<string, { x: number; y: number; severity: string; isMuted: boolean; ids: string[]; situations: string[] }>()
  for (const alert of Object.values(state.alerts)) {
    const status = statusOf(state.triage[alert.id])
    if (alert.retracted || status === 'closed') continue
    const at = placeOf(alert, cells)
    if (at === undefined) continue
    const situation = situationOf.get(alert.id)
    const isMuted = status === 'snoozed' || (situation?.muted ?? null) !== null
    const key = `${at[0].toFixed(7)} ${at[1].toFixed(7)}`
    const mark = marks.get(key)
    if (mark === undefined) {
      marks.set(key, {
        x: at[0],
        y: at[1],
        severity: alert.severity,
        isMuted,
        ids: [alert.id],
        situations: situation ? [situation.id] : [],
      })
      continue
    }
    if (mark.isMuted === isMuted ? rank(alert.severity) < rank(mark.severity) : mark.isMuted) mark.severity = alert.severity
    mark.isMuted &&= isMuted
    mark.ids.push(alert.id)
    if (situation !== undefined) mark.situations.push(situation.id)
  }
  return [...marks.values()].sort((a, b) => rank(b.severity) - rank(a.severity))
}
