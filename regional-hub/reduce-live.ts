/**
 * The one way from messages to what a screen shows: live and replayed history go through this reducer and nothing else.
 *
 * Promises: pure; the same messages in the same order give the same state; a `state` message replaces everything; bounded, whatever comes.
 * Old states stay as they were: only what a message touches is made anew. Runs in the hub and in the browser: imports types only.
 */
import type { Triage } from '#shared/control.ts'

export interface LiveAlert {
  readonly id: string
  readonly rev: number
  readonly type: string
  readonly severity: string
  readonly timeMs: number
  readonly detectedMs: number
  readonly retracted: boolean
  /** Pseudonyms; '' when not known. */
  readonly subscriber: string
  readonly number: string
  readonly device: string
  readonly cell: string
  readonly evidence: unknown
}

/** Where a subscriber was last seen; the true place is within `radiusM` with 68 %. */
export interface LivePosition {
  readonly subscriber: string
  readonly timeMs: number
  readonly cell: string
  readonly latitude: number | null
  readonly longitude: number | null
  readonly radiusM: number | null
  readonly speedMps: number | null
  readonly motion: 'unknown' | 'still' | 'walking' | 'vehicle'
}

/** Sums over the parts of one cell's window that have come so far. */
export interface LiveCell {
  readonly cell: string
  readonly startMs: number
  readonly widthMs: number
  readonly events: number
  readonly attaches: number
  readonly handovers: number
  readonly drops: number
  readonly bytes: number
  readonly rsrpCount: number
  readonly rsrpSumDbm: number
}

export interface LiveAgent {
  readonly agent: string
  readonly enrolled: boolean
  readonly epoch: string
  readonly lastSeenMs: number | null
  readonly completeThroughMs: number | null
  readonly received: number
  readonly missing: number
  readonly gaps: readonly {
    readonly epoch: string
    readonly lane: string
    readonly from: number
    readonly to: number
    readonly sinceMs: number
  }[]
  readonly backlog: readonly { readonly lane: string; readonly batches: number }[]
}

export interface LiveState {
  readonly timeMs: number
  readonly alerts: Readonly<Record<string, LiveAlert>>
  readonly triage: Readonly<Record<string, Triage>>
  readonly subscribers: Readonly<Record<string, LivePosition>>
  readonly cells: Readonly<Record<string, LiveCell>>
  readonly agents: Readonly<Record<string, LiveAgent>>
}

export type LiveMessage =
  | { readonly type: 'state'; readonly timeMs: number; readonly state: LiveState }
  | { readonly type: 'alerts'; readonly timeMs: number; readonly alerts: readonly LiveAlert[] }
  | { readonly type: 'triage'; readonly timeMs: number; readonly triage: Triage }
  | { readonly type: 'positions'; readonly timeMs: number; readonly positions: readonly LivePosition[] }
  | { readonly type: 'cells'; readonly timeMs: number; readonly cells: readonly LiveCell[] }
  | { readonly type: 'agents'; readonly timeMs: number; readonly agents: readonly LiveAgent[] }

export const emptyLive: LiveState = { timeMs: 0, alerts: {}, triage: {}, subscribers: {}, cells: {}, agents: {} }

export const maxAlerts = 1000
export const maxSubscribers = 20_000
export const maxCells = 20_000
/** A subscriber not seen for longer than an agent's keep-alive is no longer shown. */
export const staleMs = 20 * 60_000

export function reduceLive(state: LiveState, message: LiveMessage): LiveState {
  if (message.type === 'state') return message.state
  const timeMs = Math.max(state.timeMs, message.timeMs)
  switch (message.type) {
    case 'alerts':
      return { ...state, timeMs, alerts: withAlerts(state.alerts, message.alerts) }
    case 'triage':
      return { ...state, timeMs, triage: withTriage(state.triage, message.triage) }
    case 'positions':
      return { ...state, timeMs, subscribers: withPositions(state, message.positions, timeMs) }
    case 'cells':
      return { ...state, timeMs, cells: withCells(state.cells, message.cells) }
    case 'agents':
      return { ...state, timeMs, agents: Object.fromEntries(message.agents.map((agent) => [agent.agent, agent])) }
  }
}

function withAlerts(known: LiveState['alerts'], alerts: readonly LiveAlert[]): LiveState['alerts'] {
  const next = { ...known }
  for (const alert of alerts) {
    if ((next[alert.id]?.rev ?? -1) <= alert.rev) next[alert.id] = alert
  }
  return newest(next, maxAlerts, (alert) => alert.timeMs)
}

function withTriage(known: LiveState['triage'], triage: Triage): LiveState['triage'] {
  const before = known[triage.alertId]
  if (before !== undefined && (before.revision > triage.revision || (before.revision === triage.revision && before.atMs >= triage.atMs))) {
    return known
  }
  return newest({ ...known, [triage.alertId]: triage }, maxAlerts, ({ atMs }) => atMs)
}

function withPositions(state: LiveState, positions: readonly LivePosition[], nowMs: number): LiveState['subscribers'] {
  const next = { ...state.subscribers }
  for (const position of positions) {
    if ((next[position.subscriber]?.timeMs ?? 0) <= position.timeMs) next[position.subscriber] = position
  }
  if (sweepsAt(state.timeMs, nowMs)) {
    const latestMs = Object.values(next).reduce((latest, { timeMs }) => Math.max(latest, timeMs), 0)
    for (const subscriber of Object.keys(next)) if (next[subscriber]!.timeMs < latestMs - staleMs) delete next[subscriber]
  }
  return newest(next, maxSubscribers, ({ timeMs }) => timeMs)
}

/** Looking for who is stale costs as much as all that are known: once a minute, by the messages' own time. */
export function sweepsAt(beforeMs: number, nowMs: number): boolean {
  return Math.floor(beforeMs / 60_000) !== Math.floor(nowMs / 60_000)
}

function withCells(known: LiveState['cells'], cells: readonly LiveCell[]): LiveState['cells'] {
  const next = { ...known }
  for (const cell of cells) {
    const before = next[cell.cell]
    if (before === undefined || before.startMs < cell.startMs) next[cell.cell] = cell
    else if (before.startMs === cell.startMs) next[cell.cell] = sumCells(before, cell)
  }
  return newest(next, maxCells, ({ startMs }) => startMs)
}

export function sumCells(one: LiveCell, other: LiveCell): LiveCell {
  return {
    ...one,
    events: one.events + other.events,
    attaches: one.attaches + other.attaches,
    handovers: one.handovers + other.handovers,
    drops: one.drops + other.drops,
    bytes: one.bytes + other.bytes,
    rsrpCount: one.rsrpCount + other.rsrpCount,
    rsrpSumDbm: one.rsrpSumDbm + other.rsrpSumDbm,
  }
}

/** At most `most` entries: the newest, ties by name, so that everyone keeps the same. */
function newest<T>(entries: Record<string, T>, most: number, timeOf: (value: T) => number): Record<string, T> {
  const names = Object.keys(entries)
  if (names.length <= most) return entries
  names.sort((a, b) => timeOf(entries[b]!) - timeOf(entries[a]!) || (a < b ? -1 : 1))
  return Object.fromEntries(names.slice(0, most).map((name) => [name, entries[name]!]))
}
