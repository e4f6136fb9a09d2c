/** Maintenance windows: what they mute, and whether they run. Muting changes what calls, never what is recorded. Pure; the page runs it too. */
import type { Maintenance, MaintenanceScope, Muted } from './console-api.ts'

/** What a window is held against: an alert, or an agent with its cells. */
export interface Mutable {
  readonly cell?: string
  readonly cells?: readonly string[]
  readonly agent?: string
  readonly subscriber?: string
  readonly number?: string
  readonly device?: string
  readonly type?: string
}

export interface Places {
  readonly siteOf: (cell: string) => string
  readonly cellsOf: (agent: string) => readonly string[]
}

export function stateAt(
  { fromMs, untilMs, endedMs }: Pick<Maintenance, 'fromMs' | 'untilMs' | 'endedMs'>,
  nowMs: number,
): Maintenance['state'] {
  if (nowMs < fromMs && endedMs === null) return 'planned'
  return endedMs === null && nowMs < untilMs ? 'running' : 'over'
}

export function mutedByMaintenance(windows: readonly Maintenance[], nowMs: number, thing: Mutable, places: Places): Muted | null {
  const found = windows.find((one) => stateAt(one, nowMs) === 'running' && covers(one.scope, thing, places))
  if (found === undefined) return null
  const words = `Maintenance by ${found.by} until ${new Date(found.untilMs).toISOString().slice(0, 16).replace('T', ' ')} UTC: ${found.reason}`
  return { by: 'maintenance', maintenanceId: found.id, untilMs: found.untilMs, words }
}

export function covers({ kind, key }: MaintenanceScope, thing: Mutable, { siteOf, cellsOf }: Places): boolean {
  if (kind === 'region') return true
  if (kind === 'agent') return thing.agent === key || (thing.cell !== undefined && thing.cell !== '' && cellsOf(key).includes(thing.cell))
  if (kind === 'cell') return thing.cell === key
  if (kind === 'site') {
    if (thing.cell !== undefined) return thing.cell !== '' && siteOf(thing.cell) === siteOf(key)
    return (thing.cells?.length ?? 0) > 0 && thing.cells!.every((cell) => siteOf(cell) === siteOf(key))
  }
  if (kind === 'subscriber') return key !== '' && (thing.subscriber === key || thing.number === key)
  return key !== '' && thing[kind] === key
}
