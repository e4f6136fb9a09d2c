/**
 * Which of this region's sightings another region must know to judge a shared key as we do: those at the border of two runs (a change of
 * device or SIM, and the sighting that confirms it) and those beside a sighting of another region. A function of the key's history, so late
 * sightings lead to the same claims as punctual ones; what was claimed is remembered, so that nothing is said twice.
 *
 * At a region's border phones flip to and fro: once they do, sightings that are told for the flip alone are told at most once a minute.
 */
import type { Claim } from '#shared/control.ts'
import type { Claims } from './claims.ts'
import type { DetectionConfig } from './detection-config.ts'
import type { EntityTable } from './entity-table.ts'
import type { Points } from './points.ts'
import type { RegionState } from './region-state.ts'
import { regionShift } from './rule-context.ts'
import { runsOf } from './sim-rules.ts'
import { w } from './subscriber-table.ts'

type Kind = 'sim' | 'number'

export class Borders {
  readonly #config: DetectionConfig['claims']
  readonly #state: RegionState
  readonly #claims: Claims
  /** Keys that changed since the last `claim`. */
  readonly #due: Record<Kind, Set<number>> = { sim: new Set(), number: new Set() }
  /** Times claimed of each shared key. */
  readonly #claimed: Record<Kind, Map<number, Set<number>>> = { sim: new Map(), number: new Map() }

  constructor(state: RegionState, claims: Claims) {
    this.#config = state.config.claims
    this.#state = state
    this.#claims = claims
  }

  changed(kind: Kind, reference: number): void {
    this.#due[kind].add(reference)
  }

  /** Claims what is to be claimed of the keys that changed. */
  claim(): void {
    for (const sim of this.#due.sim) {
      const number = this.#state.page(sim).u32[this.#state.at(sim) + w.number]!
      this.#claimOf('sim', sim, this.#state.sims, (points, at) =>
        this.#state.tellable(sim, number, points.a[at]!, points.timeMs[at]!, points.cell[at]!),
      )
    }
    for (const number of this.#due.number) {
      this.#claimOf('number', number, this.#state.numbers, (points, at) =>
        this.#state.tellable(points.a[at]!, number, points.b[at]!, points.timeMs[at]!, points.cell[at]!),
      )
    }
    this.#due.sim.clear()
    this.#due.number.clear()
  }

  prune(finalMs: number): void {
    for (const claimed of Object.values(this.#claimed)) {
      for (const [reference, times] of claimed) {
        for (const timeMs of times) if (timeMs < finalMs) times.delete(timeMs)
        if (times.size === 0) claimed.delete(reference)
      }
    }
  }

  save(): unknown {
    return Object.entries(this.#claimed).map(([kind, claimed]) => [kind, [...claimed].map(([reference, times]) => [reference, [...times]])])
  }

  load(saved: unknown): void {
    for (const [kind, claimed] of saved as [Kind, [number, number[]][]][]) {
      this.#claimed[kind].clear()
      for (const [reference, times] of claimed) this.#claimed[kind].set(reference, new Set(times))
    }
  }

  #claimOf(kind: Kind, reference: number, table: EntityTable, tellable: (points: Points, at: number) => Claim['sighting']): void {
    const points = table.points(reference)
    const claimed = this.#claimed[kind].get(reference) ?? new Set<number>()
    const tell = (at: number) => {
      const timeMs = points.timeMs[at]!
      if (isForeign(points, at) || claimed.has(timeMs)) return
      claimed.add(timeMs)
      this.#claims.add(kind, table.hex(reference), tellable(points, at))
    }
    for (const at of changePoints(points, kind === 'number')) tell(at)
    for (let at = 1; at < points.count; at++) {
      if (isForeign(points, at) === isForeign(points, at - 1)) continue
      const ours = isForeign(points, at) ? at - 1 : at
      if (!this.#isToldEnough(claimed, points.timeMs[ours]!)) tell(ours)
    }
    if (claimed.size > 0) this.#claimed[kind].set(reference, claimed)
  }

  /** Several within minutes: the key lives at the border, and what is near in time to one of them says nothing new. */
  #isToldEnough(claimed: ReadonlySet<number>, timeMs: number): boolean {
    let recent = 0
    let isNear = false
    for (const claimedMs of claimed) {
      const apartMs = Math.abs(claimedMs - timeMs)
      if (apartMs <= this.#config.sharedMs) recent++
      if (apartMs < this.#config.intervalMs) isNear = true
    }
    return isNear && recent >= this.#config.flips
  }
}

/** First, second and last of each run where there is more than one, and, of a number's, the first and last that name the device too. */
function changePoints(points: Points, withB: boolean): Set<number> {
  const found = new Set<number>()
  const runs = runsOf(points)
  if (runs.length < 2) return found
  for (const run of runs) {
    found.add(run.first)
    found.add(run.last)
    let isSecond = false
    let firstWithB = -1
    let lastWithB = -1
    for (let at = run.first; at <= run.last; at++) {
      if (points.a[at] !== run.a) continue
      if (isSecond) found.add(at)
      isSecond = at === run.first
      if (!withB || points.b[at] === 0) continue
      if (firstWithB < 0) firstWithB = at
      lastWithB = at
    }
    if (firstWithB >= 0) found.add(firstWithB).add(lastWithB)
  }
  return found
}

function isForeign(points: Points, at: number): boolean {
  return points.cell[at]! >>> regionShift !== 0
}
