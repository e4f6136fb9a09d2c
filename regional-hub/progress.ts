/**
 * How complete the region is: of each agent, the event time up to which everything has arrived, and what is missing.
 *
 * An agent's beat says "everything earlier than this time is in batches up to these numbers"; once the ledger has those numbers, the time
 * holds. An agent that is silent keeps its last time and stays in the denominator: it just no longer holds the region's own clock back.
 * Pure: time is handed in.
 */
import { BatchBuilder } from '#shared/batch-builder.ts'
import type { Beat } from '#shared/control.ts'
import type { Batch, BatchMeta, Lane } from '#shared/records.ts'
import type { Gap, Ledger } from './ledger.ts'

export interface AgentProgress {
  readonly agent: string
  readonly enrolled: boolean
  readonly epoch: string
  /** NaN when it was never heard. */
  readonly lastSeenMs: number
  /** NaN until the first beat is covered. */
  readonly completeThroughMs: number
  /** Rows taken. */
  readonly received: number
  /** Batches that are known to be missing. */
  readonly missing: number
  readonly gaps: readonly Gap[]
  /** By lane, batches that the agent has numbered and that are not all here yet. */
  readonly backlog: readonly { readonly lane: Lane; readonly batches: number }[]
}

interface Heard {
  beats: Beat[]
  epoch: string
  heardMs: number
  completeThroughMs: number
  latest: Beat | undefined
}

const maxPendingBeats = 16
const maxGapsTold = 20
/** Silent for longer, an agent no longer holds back what waits for time (detection.md §2.4). */
const silentMs = 30_000
/** Behind its own beat by more (the allowed lateness), neither does it. */
const hopelessMs = 600_000

export class Progress {
  readonly #roster: ReadonlySet<string>
  readonly #ledger: Ledger
  readonly #agents = new Map<string, Heard>()
  #regionMs = Number.NEGATIVE_INFINITY

  constructor(roster: readonly string[], ledger: Ledger) {
    this.#roster = new Set(roster)
    this.#ledger = ledger
  }

  heard(beat: Beat, nowMs: number): void {
    this.#ledger.heard(beat, nowMs)
    const agent = this.#agent(beat.agent)
    agent.epoch = beat.epoch
    agent.heardMs = nowMs
    agent.latest = beat
    if (agent.beats.length >= maxPendingBeats) agent.beats.splice(-2, 1)
    agent.beats.push(beat)
    this.#advance(agent)
  }

  /** Looks again at what arrived since. */
  advance(): void {
    for (const agent of this.#agents.values()) this.#advance(agent)
  }

  /** Event time up to which the whole region is here: never goes back. Undefined until an agent's first beat is covered. */
  regionWatermarkMs(nowMs: number): number | undefined {
    let least = Number.POSITIVE_INFINITY
    for (const { heardMs, latest, completeThroughMs } of this.#agents.values()) {
      if (nowMs - heardMs > silentMs || latest === undefined) continue
      if (Number.isNaN(completeThroughMs) || latest.watermarkMs - completeThroughMs > hopelessMs) continue
      least = Math.min(least, completeThroughMs)
    }
    if (least !== Number.POSITIVE_INFINITY) this.#regionMs = Math.max(this.#regionMs, least)
    return this.#regionMs === Number.NEGATIVE_INFINITY ? undefined : this.#regionMs
  }

  /** The last beat, and by lane since when something it spoke of is on its way (the agent's clock). */
  latest(agent: string): { readonly beat: Beat; readonly heardMs: number; readonly waitingSinceMs: ReadonlyMap<Lane, number> } | undefined {
    const heard = this.#agents.get(agent)
    if (heard?.latest === undefined) return undefined
    const marks = this.#ledger.marks(agent)
    const waitingSinceMs = new Map<Lane, number>()
    for (const { timeMs, lanes } of heard.beats) {
      for (const { epoch, lane, highestSeq } of lanes) {
        const here = marks.find((mark) => mark.epoch === epoch && mark.lane === lane)?.seq ?? 0
        if (highestSeq > here && !waitingSinceMs.has(lane)) waitingSinceMs.set(lane, timeMs)
      }
    }
    return { beat: heard.latest, heardMs: heard.heardMs, waitingSinceMs }
  }

  list(): readonly AgentProgress[] {
    const names = new Set([...this.#roster, ...this.#ledger.agents(), ...this.#agents.keys()])
    return [...names].sort().map((agent) => this.#one(agent))
  }

  batch(nowMs: number, meta: BatchMeta): Batch<'progress'> {
    const builder = new BatchBuilder('progress', 16)
    for (const one of this.list()) {
      const row = builder.add()
      const { columns } = builder
      columns.agent[row] = builder.code(one.agent)
      columns.epoch[row] = builder.code(one.epoch)
      columns.timeMs[row] = nowMs
      columns.enrolled[row] = one.enrolled ? 1 : 0
      columns.lastSeenMs[row] = one.lastSeenMs
      columns.completeThroughMs[row] = one.completeThroughMs
      columns.received[row] = one.received
      columns.missing[row] = one.missing
      columns.gaps[row] = builder.code(one.gaps.length === 0 ? '' : JSON.stringify(one.gaps.slice(0, maxGapsTold)))
    }
    return builder.finish(meta)
  }

  encode(): Uint8Array {
    const agents = [...this.#agents].map(([agent, { epoch, heardMs, completeThroughMs }]) => [agent, epoch, heardMs, completeThroughMs])
    return Buffer.from(JSON.stringify(agents))
  }

  restore(octets: Uint8Array): void {
    for (const [agent, epoch, heardMs, completeThroughMs] of JSON.parse(Buffer.from(octets).toString('utf8'))) {
      Object.assign(this.#agent(agent), { epoch, heardMs, completeThroughMs: completeThroughMs ?? Number.NaN })
    }
  }

  #one(agent: string): AgentProgress {
    const heard = this.#agents.get(agent)
    const { rows, lastSeenMs } = this.#ledger.totals(agent)
    const gaps = this.#ledger.gaps(agent)
    const marks = this.#ledger.marks(agent)
    const here = (epoch: string, lane: Lane) => marks.find((mark) => mark.epoch === epoch && mark.lane === lane)?.seq ?? 0
    const backlog = (heard?.latest?.lanes ?? []).map(({ epoch, lane, highestSeq }) => ({
      lane,
      batches: Math.max(0, highestSeq - here(epoch, lane)),
    }))
    const seenMs = Math.max(heard?.heardMs ?? 0, Number.isNaN(lastSeenMs) ? 0 : lastSeenMs)
    return {
      agent,
      enrolled: this.#roster.has(agent),
      epoch: heard?.epoch ?? '',
      lastSeenMs: seenMs === 0 ? Number.NaN : seenMs,
      completeThroughMs: heard?.completeThroughMs ?? Number.NaN,
      received: rows,
      missing: gaps.reduce((sum, { from, to }) => sum + to - from + 1, 0),
      gaps,
      backlog,
    }
  }

  #agent(agent: string): Heard {
    let heard = this.#agents.get(agent)
    if (heard === undefined) {
      heard = { beats: [], epoch: '', heardMs: 0, completeThroughMs: Number.NaN, latest: undefined }
      this.#agents.set(agent, heard)
    }
    return heard
  }

  #advance(agent: Heard): void {
    let covered = 0
    while (agent.beats[covered] !== undefined && this.#ledger.covers(agent.beats[covered]!)) covered++
    for (const { watermarkMs } of agent.beats.splice(0, covered)) {
      if (!(agent.completeThroughMs >= watermarkMs)) agent.completeThroughMs = watermarkMs
    }
  }
}
