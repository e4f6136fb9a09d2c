/**
 * What every rule may ask for: names, places and models behind the numbers in a history, and evidence in words of a sighting.
 * A cell in a history carries its region in the upper octet; region 0 is this hub's own.
 */
import type { CellInventory } from './cell-inventory.ts'
import type { DetectionConfig } from './detection-config.ts'
import type { EntityTable } from './entity-table.ts'
import type { Points } from './points.ts'

export const cellMask = 0xffffff
export const regionShift = 24

export interface RuleContext {
  readonly config: DetectionConfig
  readonly cells: CellInventory
  readonly sims: EntityTable
  readonly devices: EntityTable
  readonly numbers: EntityTable
  readonly regions: readonly string[]
  /** The TAC of a device, or `missing.u32`. */
  model(device: number): number
  /** The number a SIM was last seen with, as 32 hex digits or ''. */
  numberOf(sim: number): string
}

export interface SightingEvidence {
  readonly time: string
  readonly region: string
  readonly cell: string
  readonly latitude: number | null
  readonly longitude: number | null
  /** The phone was within so far of the cell. */
  readonly reachM: number | null
}

/** A point of a history, as a person on night shift reads it. */
export function sightingEvidence(context: RuleContext, points: Points, at: number): SightingEvidence {
  const place = points.cell[at]!
  const cell = place & cellMask
  const located = context.cells.isLocated(cell)
  return {
    time: new Date(points.timeMs[at]!).toISOString(),
    region: context.regions[place >>> regionShift]!,
    cell: context.cells.names[cell]!,
    latitude: located ? context.cells.latitude[cell]! : null,
    longitude: located ? context.cells.longitude[cell]! : null,
    reachM: located ? Math.round(context.cells.reachM[cell]!) : null,
  }
}

/** How much is known of a key: grows with every sighting that changes its history, and depends on nothing else. */
export function knowledge(points: Points, bucketMs: number, byCell: boolean): number {
  const first = new Map<string, number>()
  let sum = 0
  for (let at = 0; at < points.count; at++) {
    const timeMs = points.timeMs[at]!
    const key = `${points.a[at]}:${points.b[at]}:${byCell ? points.cell[at] : ''}:${Math.floor(timeMs / bucketMs)}`
    const firstMs = first.get(key)
    if (firstMs === undefined) {
      first.set(key, timeMs)
      sum += 1
    } else sum += 1 + timeMs - firstMs
  }
  return sum
}

/** "45 s", "12 min", "3.5 h". */
export function duration(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`
  return `${(ms / 3_600_000).toFixed(1)} h`
}
