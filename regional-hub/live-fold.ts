/**
 * Many live messages at once, into the state that the reducer would come to one by one: for jumping to a moment of the past. Works on maps of its
 * own, so a message costs what it changes and not what is known.
 *
 * Promise: `foldLive(state, messages)` is `messages.reduce(reduceLive, state)` (a property test holds it to that). Pure; runs in the browser too.
 */
import {
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
} from './reduce-live.ts'

export function foldLive(state: LiveState, messages: Iterable<LiveMessage>): LiveState {
  let fold = new Fold(state)
  for (const message of messages) {
    if (message.type === 'state') fold = new Fold(message.state)
    else fold.apply(message)
  }
  return fold.state()
}

class Fold {
  #rest: LiveState
  readonly #alerts: Map<string, LiveAlert>
  readonly #subscribers: Map<string, LivePosition>
  readonly #cells: Map<string, LiveCell>
  #oldestMs = Number.NEGATIVE_INFINITY

  constructor(state: LiveState) {
    this.#rest = { ...state, alerts: {}, subscribers: {}, cells: {} }
    this.#alerts = new Map(Object.entries(state.alerts))
    this.#subscribers = new Map(Object.entries(state.subscribers))
    this.#cells = new Map(Object.entries(state.cells))
  }

  apply(message: Exclude<LiveMessage, { type: 'state' }>): void {
    if (message.type === 'alerts') this.#takeAlerts(message.alerts)
    else if (message.type === 'positions') this.#takePositions(message.positions)
    else if (message.type === 'cells') this.#takeCells(message.cells)
    else {
      this.#rest = reduceLive(this.#rest, message)
      return
    }
    this.#rest = { ...this.#rest, timeMs: Math.max(this.#rest.timeMs, message.timeMs) }
  }

  state(): LiveState {
    return {
      ...this.#rest,
      alerts: Object.fromEntries(this.#alerts),
      subscribers: Object.fromEntries(this.#subscribers),
      cells: Object.fromEntries(this.#cells),
    }
  }

  #takeAlerts(alerts: readonly LiveAlert[]): void {
    for (const alert of alerts) if ((this.#alerts.get(alert.id)?.rev ?? -1) <= alert.rev) this.#alerts.set(alert.id, alert)
    keepNewest(this.#alerts, maxAlerts, (alert) => alert.timeMs)
  }

  #takePositions(positions: readonly LivePosition[]): void {
    let latestMs = 0
    for (const position of positions) {
      if ((this.#subscribers.get(position.subscriber)?.timeMs ?? 0) > position.timeMs) continue
      this.#subscribers.set(position.subscriber, position)
      this.#oldestMs = Math.min(this.#oldestMs, position.timeMs)
      latestMs = Math.max(latestMs, position.timeMs)
    }
    if (this.#oldestMs < latestMs - staleMs) this.#sweep(latestMs - staleMs)
    keepNewest(this.#subscribers, maxSubscribers, ({ timeMs }) => timeMs)
  }

  #sweep(beforeMs: number): void {
    let oldestMs = Number.POSITIVE_INFINITY
    for (const [subscriber, { timeMs }] of this.#subscribers) {
      if (timeMs < beforeMs) this.#subscribers.delete(subscriber)
      else if (timeMs < oldestMs) oldestMs = timeMs
    }
    this.#oldestMs = oldestMs
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
