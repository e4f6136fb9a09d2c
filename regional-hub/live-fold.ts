/**
 * Many live messages at once, into the state that the reducer would come to one by one: for jumping to a moment of the past. Works on maps of its
 * own, so a message costs what it changes and not what is known.
 *
 * Promise: `foldLive(state, messages)` is `messages.reduce(reduceLive, state)` (a property test holds it to that). Pure; runs in the browser too.
 */
import {
  emptyLive,
  type LiveAlert,
  type LiveCell,
  type LiveMessage,
  type LivePosition,
  type LiveState,
  maxAlerts,
  maxCells,
  maxSubscribers,
  reduceLive,
  staleMs,
  sumCells,
  sweepsAt,
} from './reduce-live.ts'

export function foldLive(state: LiveState, messages: Iterable<LiveMessage>): LiveState {
  const fold = new LiveFold(state)
  for (const message of messages) fold.apply(message)
  return fold.state
}

/** For whoever follows a stream: `apply` costs what the message changes; `state` is made when it is asked for, and is then nobody's to change. */
export class LiveFold {
  #rest: LiveState = emptyLive
  #alerts = new Map<string, LiveAlert>()
  #subscribers = new Map<string, LivePosition>()
  #cells = new Map<string, LiveCell>()
  #state: LiveState | undefined

  constructor(state: LiveState = emptyLive) {
    this.#begin(state)
  }

  get state(): LiveState {
    this.#state ??= {
      ...this.#rest,
      alerts: Object.fromEntries(this.#alerts),
      subscribers: Object.fromEntries(this.#subscribers),
      cells: Object.fromEntries(this.#cells),
    }
    return this.#state
  }

  apply(message: LiveMessage): void {
    if (message.type === 'state') {
      this.#begin(message.state)
      return
    }
    this.#state = undefined
    if (message.type === 'alerts') this.#takeAlerts(message.alerts)
    else if (message.type === 'positions') this.#takePositions(message.positions, Math.max(this.#rest.timeMs, message.timeMs))
    else if (message.type === 'cells') this.#takeCells(message.cells)
    else {
      this.#rest = reduceLive(this.#rest, message)
      return
    }
    this.#rest = { ...this.#rest, timeMs: Math.max(this.#rest.timeMs, message.timeMs) }
  }

  #begin(state: LiveState): void {
    this.#rest = { ...state, alerts: {}, subscribers: {}, cells: {} }
    this.#alerts = new Map(Object.entries(state.alerts))
    this.#subscribers = new Map(Object.entries(state.subscribers))
    this.#cells = new Map(Object.entries(state.cells))
    this.#state = state
  }

  #takeAlerts(alerts: readonly LiveAlert[]): void {
    for (const alert of alerts) if ((this.#alerts.get(alert.id)?.rev ?? -1) <= alert.rev) this.#alerts.set(alert.id, alert)
    keepNewest(this.#alerts, maxAlerts, (alert) => alert.timeMs)
  }

  #takePositions(positions: readonly LivePosition[], nowMs: number): void {
    for (const position of positions) {
      if ((this.#subscribers.get(position.subscriber)?.timeMs ?? 0) <= position.timeMs) this.#subscribers.set(position.subscriber, position)
    }
    if (sweepsAt(this.#rest.timeMs, nowMs)) this.#sweep()
    keepNewest(this.#subscribers, maxSubscribers, ({ timeMs }) => timeMs)
  }

  #sweep(): void {
    let latestMs = 0
    for (const { timeMs } of this.#subscribers.values()) latestMs = Math.max(latestMs, timeMs)
    for (const [subscriber, { timeMs }] of this.#subscribers) if (timeMs < latestMs - staleMs) this.#subscribers.delete(subscriber)
  }

  #takeCells(cells: readonly LiveCell[]): void {
    for (const cell of cells) {
      const before = this.#cells.get(cell.cell)
      if (before === undefined || before.startMs < cell.startMs) this.#cells.set(cell.cell, cell)
      else if (before.startMs === cell.startMs) this.#cells.set(cell.cell, sumCells(before, cell))
    }
    keepNewest(this.#cells, maxCells, ({ startMs }) => startMs)
  }
}

/** As the reducer: the newest stay, ties by name. */
function keepNewest<T>(entries: Map<string, T>, most: number, timeOf: (value: T) => number): void {
  if (entries.size <= most) return
  const sorted = [...entries].sort(([a, x], [b, y]) => timeOf(y) - timeOf(x) || (a < b ? -1 : 1))
  for (const [name] of sorted.slice(most)) entries.delete(name)
}
