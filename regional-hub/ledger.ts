/**
 * Which batches of which agent have been taken: per (agent, epoch, lane) the sequence number up to which everything is here, and the
 * islands above it. It, not the broker, says what is new: a batch seen before is dropped, whatever stream sequence it comes with.
 *
 * Promises: the result depends on the set of batches taken, never on their order or repetition. Bounded: a lane with too many islands takes
 * no further one (its agent still holds the batch and sends it again). Pure; the hub's snapshot carries it.
 */
import type { Beat } from '#shared/control.ts'
import type { Lane } from '#shared/records.ts'

/** `new`: take it. `duplicate`: it has been taken. `refused`: not taken now; the agent will send it again. */
export type Verdict = 'new' | 'duplicate' | 'refused'

export interface BatchIdentity {
  readonly agent: string
  readonly epoch: string
  readonly lane: Lane
  readonly seq: number
}

/** Everything of (epoch, lane) up to `seq` is here. */
export interface LaneMark {
  readonly epoch: string
  readonly lane: Lane
  readonly seq: number
}

/** Batches that are not here although later ones are, or although the agent says it gave them a number. */
export interface Gap {
  readonly epoch: string
  readonly lane: Lane
  readonly from: number
  readonly to: number
  readonly sinceMs: number
}

interface Island {
  from: number
  to: number
  /** When the gap below it was first seen. */
  sinceMs: number
}

interface LaneState {
  /** Everything up to here was taken, or is known to be gone for good. */
  complete: number
  islands: Island[]
}

interface EpochState {
  reportedMs: number
  lanes: Map<Lane, LaneState>
}

interface AgentState {
  lastSeenMs: number
  rows: number
  batches: number
  /** Numbers that were given up by the agent or freed before this ledger began. */
  passedOver: number
  epochs: Map<string, EpochState>
}

const maxIslands = 4096
const maxEpochsPerAgent = 64
/** A pruned epoch's late repeats would pass as new: it is kept well beyond any resend. */
const keepCompleteMs = 3600_000
const keepIncompleteMs = 24 * 3600_000

export class Ledger {
  readonly #agents = new Map<string, AgentState>()

  take({ agent, epoch, lane, seq }: BatchIdentity, nowMs: number): Verdict {
    if (!Number.isSafeInteger(seq) || seq < 1) return 'refused'
    const of = this.#agent(agent)
    const state = this.#lane(of, epoch, lane, nowMs)
    if (state === undefined) return 'refused'
    if (seq <= state.complete) return 'duplicate'
    const at = firstIslandEndingAtOrAfter(state.islands, seq)
    const island = state.islands[at]
    if (island !== undefined && island.from <= seq) return 'duplicate'
    const joins = seq === state.complete + 1 || state.islands[at - 1]?.to === seq - 1 || island?.from === seq + 1
    if (!joins && state.islands.length >= maxIslands) return 'refused'
    insert(state, at, seq, nowMs)
    of.lastSeenMs = Math.max(of.lastSeenMs, nowMs)
    of.batches++
    return 'new'
  }

  /** Rows of a batch that was taken. */
  count(agent: string, rows: number): void {
    this.#agent(agent).rows += rows
  }

  /** What an agent says of itself: what it no longer holds will never come; epochs it no longer names may be forgotten in time. */
  heard(beat: Beat, nowMs: number): void {
    const of = this.#agent(beat.agent)
    of.lastSeenMs = Math.max(of.lastSeenMs, nowMs)
    const current = of.epochs.get(beat.epoch)
    if (current !== undefined) current.reportedMs = nowMs
    for (const { epoch, lane, oldestSeq, highestSeq } of beat.lanes) {
      const known = this.#lane(of, epoch, lane, nowMs)
      if (known === undefined) continue
      of.epochs.get(epoch)!.reportedMs = nowMs
      const gone = Math.min(oldestSeq - 1, highestSeq)
      if (gone > known.complete) of.passedOver += passOver(known, gone)
    }
    for (const [epoch, state] of of.epochs) {
      const silentMs = nowMs - state.reportedMs
      const complete = [...state.lanes.values()].every((lane) => lane.islands.length === 0)
      if (epoch !== beat.epoch && silentMs > (complete ? keepCompleteMs : keepIncompleteMs)) of.epochs.delete(epoch)
    }
  }

  /** True once everything the beat speaks of is here. */
  covers(beat: Beat): boolean {
    const epochs = this.#agents.get(beat.agent)?.epochs
    return beat.lanes.every(({ epoch, lane, highestSeq }) => (epochs?.get(epoch)?.lanes.get(lane)?.complete ?? 0) >= highestSeq)
  }

  agents(): readonly string[] {
    return [...this.#agents.keys()]
  }

  totals(agent: string): { readonly rows: number; readonly batches: number; readonly passedOver: number; readonly lastSeenMs: number } {
    return this.#agents.get(agent) ?? { rows: 0, batches: 0, passedOver: 0, lastSeenMs: Number.NaN }
  }

  marks(agent: string): readonly LaneMark[] {
    const marks: LaneMark[] = []
    for (const [epoch, state] of this.#agents.get(agent)?.epochs ?? []) {
      for (const [lane, { complete }] of state.lanes) marks.push({ epoch, lane, seq: complete })
    }
    return marks
  }

  gaps(agent: string): readonly Gap[] {
    const gaps: Gap[] = []
    for (const [epoch, state] of this.#agents.get(agent)?.epochs ?? []) {
      for (const [lane, { complete, islands }] of state.lanes) {
        let below = complete
        for (const { from, to, sinceMs } of islands) {
          gaps.push({ epoch, lane, from: below + 1, to: from - 1, sinceMs })
          below = to
        }
      }
    }
    return gaps
  }

  encode(): Uint8Array {
    const agents = [...this.#agents].map(([agent, state]) => ({
      agent,
      lastSeenMs: state.lastSeenMs,
      rows: state.rows,
      batches: state.batches,
      passedOver: state.passedOver,
      epochs: [...state.epochs].map(([epoch, { reportedMs, lanes }]) => ({ epoch, reportedMs, lanes: [...lanes] })),
    }))
    return Buffer.from(JSON.stringify(agents))
  }

  static decode(octets: Uint8Array): Ledger {
    const ledger = new Ledger()
    for (const { agent, epochs, ...totals } of JSON.parse(Buffer.from(octets).toString('utf8'))) {
      const entries = epochs.map((one: { epoch: string; reportedMs: number; lanes: [Lane, LaneState][] }) => [
        one.epoch,
        { reportedMs: one.reportedMs, lanes: new Map(one.lanes) },
      ])
      ledger.#agents.set(agent, { ...totals, epochs: new Map(entries) })
    }
    return ledger
  }

  #agent(agent: string): AgentState {
    let state = this.#agents.get(agent)
    if (state === undefined) {
      state = { lastSeenMs: 0, rows: 0, batches: 0, passedOver: 0, epochs: new Map() }
      this.#agents.set(agent, state)
    }
    return state
  }

  #lane(of: AgentState, epoch: string, lane: Lane, nowMs: number): LaneState | undefined {
    let state = of.epochs.get(epoch)
    if (state === undefined) {
      if (of.epochs.size >= maxEpochsPerAgent && !forgetOldest(of.epochs, nowMs)) return undefined
      state = { reportedMs: nowMs, lanes: new Map() }
      of.epochs.set(epoch, state)
    }
    let known = state.lanes.get(lane)
    if (known === undefined) {
      known = { complete: 0, islands: [] }
      state.lanes.set(lane, known)
    }
    return known
  }
}

function firstIslandEndingAtOrAfter(islands: readonly Island[], seq: number): number {
  let low = 0
  let high = islands.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (islands[middle]!.to < seq) low = middle + 1
    else high = middle
  }
  return low
}

function insert(state: LaneState, at: number, seq: number, nowMs: number): void {
  const { islands } = state
  const before = islands[at - 1]
  const after = islands[at]
  if (before?.to === seq - 1) {
    before.to = seq
    if (after?.from === seq + 1) {
      before.to = after.to
      islands.splice(at, 1)
    }
  } else if (after?.from === seq + 1) after.from = seq
  else if (seq === state.complete + 1) {
    state.complete = seq
    return
  } else islands.splice(at, 0, { from: seq, to: seq, sinceMs: nowMs })
  absorb(state)
}

/** Islands that touch what is complete become part of it. */
function absorb(state: LaneState): void {
  while (state.islands[0] !== undefined && state.islands[0].from <= state.complete + 1) {
    state.complete = Math.max(state.complete, state.islands.shift()!.to)
  }
}

/** Returns how many numbers up to `gone` had not been taken. */
function passOver(state: LaneState, gone: number): number {
  let missing = gone - state.complete
  for (const { from, to } of state.islands) if (from <= gone) missing -= Math.min(to, gone) - from + 1
  state.complete = gone
  absorb(state)
  return missing
}

function forgetOldest(epochs: Map<string, EpochState>, nowMs: number): boolean {
  const [oldest] = [...epochs].sort(([, one], [, other]) => one.reportedMs - other.reportedMs)
  if (oldest === undefined || nowMs - oldest[1].reportedMs < keepCompleteMs) return false
  epochs.delete(oldest[0])
  return true
}
