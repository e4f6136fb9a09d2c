/**
 * Decides which keys the rules must look at again, lets them, and answers what is to be told.
 *
 * A key is looked at when its history changed in a way that could matter; once a message, however often it changed in it. What a rule
 * answers depends on the key's history alone, so when and how often it is asked makes no difference to the final outcomes.
 */
import { bindingKinds } from '#shared/records.ts'
import { judgeClones } from './clone.ts'
import { type EntityTable, remote, several, suspect } from './entity-table.ts'
import { type Horizon, type Outcome, OutcomeBook, type Told } from './outcomes.ts'
import type { Points } from './points.ts'
import { knowledge, type RuleContext } from './rule-context.ts'
import { judgeSimBox } from './sim-box.ts'
import { judgeDevices, judgeRegions, judgeSims, type Run, runsOf } from './sim-rules.ts'

const numberSim = bindingKinds.indexOf('number-sim')
const simDevice = bindingKinds.indexOf('sim-device')
const toldEveryS = 3600
/** One IMEI on thousands of phones: a device with so many sightings is looked at with the watermark, not with every message. */
const crowdedPoints = 256

type Due = Map<number, number>

/** The binding of a key that was only ever seen with one other, in references: almost all are of this kind, told every hour. */
export interface PlainBinding {
  readonly kind: number
  readonly from: number
  readonly to: number
  readonly firstMs: number
  readonly lastMs: number
}

export class Judge {
  readonly #context: RuleContext
  readonly #book = new OutcomeBook()
  /** Reference → arrival time of what made it due. */
  #sims: Due = new Map()
  #numbers: Due = new Map()
  #devices: Due = new Map()
  readonly #crowded = new Set<number>()
  /** Pair of cells and day → SIMs that jump there; and the pairs of each SIM. */
  #jumps = new Map<string, Set<number>>()
  #pairs = new Map<number, Set<string>>()
  #told: Told[] = []
  #plain: PlainBinding[] = []
  horizon: Horizon = { settledMs: Number.NEGATIVE_INFINITY, finalMs: Number.NEGATIVE_INFINITY }

  constructor(context: RuleContext) {
    this.#context = context
  }

  sim(reference: number, arrivalMs: number): void {
    this.#sims.set(reference, Math.max(arrivalMs, this.#sims.get(reference) ?? 0))
  }

  number(reference: number, arrivalMs: number): void {
    this.#numbers.set(reference, Math.max(arrivalMs, this.#numbers.get(reference) ?? 0))
  }

  device(reference: number, arrivalMs: number): void {
    this.#devices.set(reference, Math.max(arrivalMs, this.#devices.get(reference) ?? 0))
  }

  /** Whether the key's binding was not told for an hour, or never. */
  isBindingStale(toldS: number, timeMs: number): boolean {
    return toldS === 0 || timeMs / 1000 - toldS >= toldEveryS
  }

  /** A key's first sighting with another may just have moved into the past: the binding told under its old time is taken back. */
  firstMoved(kind: 'number-sim' | 'sim-device', reference: number): void {
    const table = kind === 'number-sim' ? this.#context.numbers : this.#context.sims
    const others = kind === 'number-sim' ? this.#context.sims : this.#context.devices
    const points = table.points(reference)
    let at = 0
    while (at < points.count && points.a[at] === 0) at++
    const to = points.a[at]!
    const nowFirstMs = points.timeMs[at]!
    for (at++; at < points.count && points.a[at] === 0; ) at++
    // Of the same millisecond: the binding begins when it began, and nothing was told under another time.
    if (at >= points.count || points.a[at] !== to || points.timeMs[at] === nowFirstMs) return
    const firstMs = points.timeMs[at]!
    const lastMs = points.timeMs[points.count - 1]!
    const binding = { kind: bindingKinds.indexOf(kind), from: table.hex(reference), to: others.hex(to), firstMs, lastMs }
    const outcome: Outcome = { record: 'binding', id: '', timeMs: lastMs, binding }
    this.#told.push({ outcome, revision: lastMs + 1, retracted: true, detectedMs: lastMs })
  }

  /** A key that was always with one other is now seen with a second, `newcomer`: from here on the book keeps its bindings. */
  becameSeveral(kind: 'number-sim' | 'sim-device', reference: number, newcomer: number): void {
    const table = kind === 'number-sim' ? this.#context.numbers : this.#context.sims
    const others = kind === 'number-sim' ? this.#context.sims : this.#context.devices
    if (table.toldS(reference) === 0) return
    const points = table.points(reference)
    let at = 0
    while (at < points.count && (points.a[at] === 0 || points.a[at] === newcomer)) at++
    if (at === points.count) return
    const firstMs = points.timeMs[at]!
    const lastMs = points.timeMs[points.count - 1]!
    const to = others.hex(points.a[at]!)
    const binding = { kind: bindingKinds.indexOf(kind), from: table.hex(reference), to, firstMs, lastMs }
    const key = `${kind === 'number-sim' ? 'N' : 'S'}${reference}`
    this.#book.seed(key, { record: 'binding', id: `${to}:${firstMs}`, timeMs: lastMs, binding }, lastMs)
  }

  /** Looks at everything that is due; at crowded devices only `withCrowds`. */
  settle(withCrowds = false): Told[] {
    for (let due = this.#sims; due.size > 0; due = this.#sims) {
      // A pair of cells that turns out to be a mistake in the map makes other SIMs due again.
      this.#sims = new Map()
      for (const [sim, arrivalMs] of due) this.#settleSim(sim, arrivalMs)
    }
    for (const [number, arrivalMs] of this.#numbers) this.#settleNumber(number, arrivalMs)
    const waiting: Due = new Map()
    for (const [device, arrivalMs] of this.#devices) {
      if (!withCrowds && this.#crowded.has(device)) waiting.set(device, arrivalMs)
      else this.#settleDevice(device, arrivalMs)
    }
    this.#numbers = new Map()
    this.#devices = waiting
    const told = this.#told
    this.#told = []
    return told
  }

  /** Plain bindings found by `settle` since the last call. */
  takePlain(): readonly PlainBinding[] {
    const plain = this.#plain
    if (plain.length > 0) this.#plain = []
    return plain
  }

  prune(): void {
    this.#book.prune(this.horizon.finalMs)
  }

  save(): unknown {
    return {
      book: this.#book.save(),
      due: [[...this.#sims], [...this.#numbers], [...this.#devices]],
      pairs: [...this.#pairs].map(([sim, pairs]) => [sim, [...pairs]]),
      horizon: Number.isFinite(this.horizon.finalMs) ? this.horizon : null,
    }
  }

  load(saved: unknown): void {
    const state = saved as {
      book: unknown
      due: [[number, number][], [number, number][], [number, number][]]
      pairs: [number, string[]][]
      horizon: Horizon | null
    }
    this.#book.load(state.book)
    this.#sims = new Map(state.due[0])
    this.#numbers = new Map(state.due[1])
    this.#devices = new Map(state.due[2])
    this.#pairs = new Map(state.pairs.map(([sim, pairs]) => [sim, new Set(pairs)]))
    this.#jumps = new Map()
    for (const [sim, pairs] of this.#pairs) for (const pair of pairs) this.#jump(pair).add(sim)
    if (state.horizon !== null) this.horizon = state.horizon
  }

  #settleSim(sim: number, arrivalMs: number): void {
    const context = this.#context
    const { sims } = context
    const flags = sims.flags(sim)
    if ((flags & (several | suspect | remote)) === 0 && !this.#book.has(`s${sim}`) && !this.#pairs.has(sim)) {
      this.#settlePlain(simDevice, sims, sim)
      return
    }
    const points = sims.points(sim)
    const outcomes: Outcome[] = []
    if (flags & several) outcomes.push(...judgeDevices(context, sim, points))
    if (flags & remote) outcomes.push(...judgeRegions(context, sim, points))
    if (flags & (suspect | several)) {
      const mapErrorSims = context.config.clone.mapErrorSims
      const found = judgeClones(context, sim, points, (pair) => (this.#jumps.get(pair)?.size ?? 0) >= mapErrorSims)
      outcomes.push(...found.outcomes)
      this.#notePairs(sim, found.pairs, arrivalMs)
      if (found.isHarmless) sims.setFlags(sim, flags & ~suspect)
    }
    this.#settle(`s${sim}`, outcomes, points, context.config.sim.bucketMs, true, arrivalMs)
    this.#tellBindings(simDevice, `S${sim}`, sims.hex(sim), (flags & several) !== 0, points, arrivalMs, (run) => context.devices.hex(run.a))
    if (points.a.subarray(0, points.count).some((a) => a !== 0)) sims.setTold(sim, Math.floor(points.timeMs[points.count - 1]! / 1000))
  }

  #settleNumber(number: number, arrivalMs: number): void {
    const context = this.#context
    const { numbers } = context
    const isSeveral = (numbers.flags(number) & several) !== 0
    if (!isSeveral) {
      this.#settlePlain(numberSim, numbers, number)
      return
    }
    const points = numbers.points(number)
    this.#settle(`n${number}`, judgeSims(context, number, points), points, context.config.sim.numberBucketMs, false, arrivalMs)
    this.#tellBindings(numberSim, `N${number}`, numbers.hex(number), isSeveral, points, arrivalMs, (run) => context.sims.hex(run.a))
    if (points.count > 0) numbers.setTold(number, Math.floor(points.timeMs[points.count - 1]! / 1000))
  }

  #settlePlain(kind: number, table: EntityTable, reference: number): void {
    const { to, firstMs, lastMs, newestMs } = table.span(reference)
    if (to !== 0) this.#plain.push({ kind, from: reference, to, firstMs, lastMs })
    if (to !== 0) table.setTold(reference, Math.floor(newestMs / 1000))
  }

  #settleDevice(device: number, arrivalMs: number): void {
    const points = this.#context.devices.points(device)
    if (points.count > crowdedPoints) this.#crowded.add(device)
    else this.#crowded.delete(device)
    const outcomes = judgeSimBox(this.#context, device, points)
    this.#settle(`d${device}`, outcomes, points, this.#context.config.sim.deviceBucketMs, false, arrivalMs)
  }

  #settle(key: string, outcomes: readonly Outcome[], points: Points, bucketMs: number, byCell: boolean, arrivalMs: number): void {
    if (outcomes.length === 0 && !this.#book.has(key)) return
    this.#told.push(...this.#book.settle(key, outcomes, knowledge(points, bucketMs, byCell), arrivalMs, this.horizon))
  }

  /** Bindings of a key that was always with the same other are told without keeping a book of them: almost all are. */
  #tellBindings(
    kind: number,
    key: string,
    from: string,
    isSeveral: boolean,
    points: Points,
    detectedMs: number,
    to: (run: Run) => string,
  ): void {
    const runs = runsOf(points)
    if (runs.length === 0) return
    const newestMs = points.timeMs[points.count - 1]!
    const outcomes = runs.map((run): Outcome => {
      const firstMs = points.timeMs[run.first]!
      const lastMs = points.timeMs[run.last]!
      const hex = to(run)
      return { record: 'binding', id: `${hex}:${firstMs}`, timeMs: lastMs, binding: { kind, from, to: hex, firstMs, lastMs } }
    })
    if (isSeveral) this.#told.push(...this.#book.settle(key, outcomes, newestMs + 2, detectedMs, this.horizon))
    else this.#told.push({ outcome: outcomes[0]!, revision: outcomes[0]!.timeMs, retracted: false, detectedMs })
  }

  #notePairs(sim: number, pairs: Set<string>, arrivalMs: number): void {
    const before = this.#pairs.get(sim)
    if (before === undefined && pairs.size === 0) return
    const limit = this.#context.config.clone.mapErrorSims
    for (const pair of before ?? []) {
      if (pairs.has(pair)) continue
      const sims = this.#jump(pair)
      sims.delete(sim)
      if (sims.size === limit - 1) for (const other of sims) this.sim(other, arrivalMs)
      if (sims.size === 0) this.#jumps.delete(pair)
    }
    for (const pair of pairs) {
      if (before?.has(pair)) continue
      const sims = this.#jump(pair)
      sims.add(sim)
      if (sims.size === limit) for (const other of sims) this.sim(other, arrivalMs)
    }
    if (pairs.size === 0) this.#pairs.delete(sim)
    else this.#pairs.set(sim, pairs)
  }

  #jump(pair: string): Set<number> {
    let sims = this.#jumps.get(pair)
    if (sims === undefined) {
      sims = new Set()
      this.#jumps.set(pair, sims)
    }
    return sims
  }
}
