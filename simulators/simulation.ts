/**
 * The town in motion, in virtual time: every 50 ms what people, networks and plants do is worked out and handed over as messages. The
 * rate is an open model: so many events are due whatever becomes of them. Changes of cell, ends of calls and plants come first, then
 * phones take turns until the rate is met. Never looks at a clock and never sends: the same options give the same messages.
 */
import { Agenda } from './agenda.ts'
import { Coverage } from './coverage.ts'
import { Delivery, type Message } from './delivery.ts'
import { toDegrees } from './geometry.ts'
import { type Happening, Reporter } from './happenings.ts'
import { blockMs, planBlock, planPath, type Trip } from './itinerary.ts'
import { Phone } from './phone.ts'
import { Plants } from './plants.ts'
import { habitsOf, identityOf } from './population.ts'
import { randomFor } from './random.ts'
import type { Scenario } from './scenario.ts'
import type { TruthSink } from './truth.ts'
import { buildWorld, type World } from './world.ts'

export const tickMs = 50
/** Travellers are looked at once a second, a twentieth of them each tick. */
const groups = 1000 / tickMs

type Due =
  | { readonly kind: 'block'; readonly phone: Phone }
  | { readonly kind: 'leave' | 'arrive'; readonly phone: Phone; readonly trip: Trip }
  | { readonly kind: 'edge' | 'call-end' | 'session-end'; readonly phone: Phone }

export interface SimulationOptions {
  readonly scenario: Scenario
  readonly regions: readonly string[]
  readonly epochMs: number
  readonly truth?: TruthSink | undefined
}

export class Simulation {
  readonly world: World
  readonly plants: Plants
  readonly delivery: Delivery
  /** The virtual time at which it begins. */
  readonly epochMs: number
  readonly #scenario: Scenario
  readonly #coverage: Coverage
  readonly #reporter: Reporter
  readonly #phones: Phone[]
  readonly #truth: TruthSink | undefined
  readonly #agenda = new Agenda<Due>()
  readonly #travellers: Set<Phone>[] = Array.from({ length: groups }, () => new Set())
  readonly #mix: readonly { kind: string; upTo: number }[]
  readonly #stride: number
  #turn = 0
  #tick = 0
  #owed = 0
  #nextPositionMs: number

  constructor(options: SimulationOptions) {
    const { scenario, regions, epochMs } = options
    this.#scenario = scenario
    this.epochMs = epochMs
    this.#truth = options.truth
    this.#nextPositionMs = epochMs
    this.world = buildWorld(regions, scenario.seed, scenario.world)
    this.#coverage = new Coverage(this.world)
    this.#reporter = new Reporter(this.world, this.#coverage, scenario.gaps)
    this.delivery = new Delivery(scenario.traps, epochMs)
    this.plants = new Plants(scenario.plants, {
      world: this.world,
      coverage: this.#coverage,
      reporter: this.#reporter,
      truth: options.truth,
      seed: scenario.seed,
      epochMs,
    })
    this.#phones = Array.from({ length: scenario.subscribers }, (_, index) => this.#settle(index))
    this.#stride = coprimeNear(scenario.subscribers)
    let sum = 0
    this.#mix = Object.entries(scenario.mix).map(([kind, weight]) => {
      sum += weight
      return { kind, upTo: sum }
    })
  }

  /** The next tick's messages in the order of sending, and the virtual time at which the tick ends. */
  next(): { untilMs: number; messages: Message[] } {
    const fromMs = this.epochMs + this.#tick * tickMs
    const untilMs = fromMs + tickMs
    this.#owed += (this.#rateAt((fromMs - this.epochMs) / 1000) * tickMs) / 1000
    for (const happening of this.plants.happenings(untilMs - 1)) this.#report(happening)
    for (let due = this.#agenda.takeDue(untilMs - 1); due !== undefined; due = this.#agenda.takeDue(untilMs - 1)) {
      this.#perform(due.item, Math.max(fromMs, due.timeMs))
    }
    for (const phone of this.#travellers[this.#tick % groups]!) this.#travel(phone, fromMs)
    this.#takeTurns(fromMs)
    if (fromMs >= this.#nextPositionMs) this.#writePositions(fromMs)
    this.#tick++
    return { untilMs, messages: this.delivery.release(untilMs - 1) }
  }

  #settle(index: number): Phone {
    const { seed, phones } = this.#scenario
    const habits = habitsOf(this.world, phones, seed, index)
    const phone = new Phone(index, identityOf(seed, index), habits, randomFor(seed, 'phone', index, this.epochMs))
    this.#startBlock(phone, this.epochMs - (this.epochMs % blockMs), this.epochMs)
    if (habits.onBoundary) this.#agenda.add(this.epochMs + 5_000 + phone.edgeDwellMs(), { kind: 'edge', phone })
    return phone
  }

  /** Plans the block's trips; one that is under way already (the first block) is joined where it stands. */
  #startBlock(phone: Phone, blockStartMs: number, nowMs: number): void {
    const { habits } = phone
    const travelMs = planPath(this.world, habits, true).atMs.at(-1)!
    const random = randomFor(this.#scenario.seed, 'block', phone.index, blockStartMs)
    for (const trip of planBlock(random, blockStartMs, travelMs, habits.travels)) {
      if (trip.endMs <= nowMs) {
        phone.x = trip.outward ? habits.work.x : habits.home.x
        phone.y = trip.outward ? habits.work.y : habits.home.y
        continue
      }
      this.#agenda.add(Math.max(nowMs, trip.startMs), { kind: 'leave', phone, trip })
    }
    this.#agenda.add(blockStartMs + blockMs, { kind: 'block', phone })
  }

  #perform(due: Due, timeMs: number): void {
    const { phone } = due
    if (due.kind === 'block') this.#startBlock(phone, timeMs - (timeMs % blockMs), timeMs)
    else if (due.kind === 'leave') {
      phone.setOut(this.world, due.trip)
      // One that is under way since before the start is there at once, not at home for a moment.
      phone.step(timeMs, this.#coverage)
      this.#travellers[phone.index % groups]!.add(phone)
      this.#agenda.add(due.trip.endMs, { kind: 'arrive', phone, trip: due.trip })
    } else if (due.kind === 'arrive') {
      this.#travellers[phone.index % groups]!.delete(phone)
      phone.arrive(due.trip, this.#coverage)
    } else if (due.kind === 'edge') {
      const from = phone.serving
      if (phone.motion === 'still' && from >= 0) this.#changeCell(phone, timeMs, from, phone.flip())
      this.#agenda.add(timeMs + phone.edgeDwellMs(), { kind: 'edge', phone })
    } else if (due.kind === 'call-end') this.#endCall(phone, timeMs)
    else this.#endSession(phone, timeMs)
  }

  #travel(phone: Phone, timeMs: number): void {
    const from = phone.serving
    const to = phone.step(timeMs, this.#coverage)
    if (to !== undefined) this.#changeCell(phone, timeMs, from, to)
  }

  /** Reported while the rate allows; far beyond it phones are idle, and the network does not see an idle phone change cells. */
  #changeCell(phone: Phone, timeMs: number, from: number, to: number): void {
    if (from === to || !phone.registered || this.#owed < -this.#scenario.ratePerS) return
    if (phone.random.chance(0.6)) {
      const speaker = { ...speakerOf(phone), serving: from }
      const extra = { target_cell: this.#coverage.cell(to).id, cause: 'radio' }
      this.#report(this.#reporter.radio(speaker, timeMs, 'handover', extra), phone)
    } else this.#report(this.#reporter.radio(phone, timeMs, 'cell_change'), phone)
  }

  /** Phones take turns until what is owed is paid, their times spread over the tick. */
  #takeTurns(fromMs: number): void {
    const due = Math.floor(this.#owed)
    for (let nth = 0; nth < due; nth++) {
      this.#turn = (this.#turn + this.#stride) % this.#phones.length
      this.#takeTurn(this.#phones[this.#turn]!, fromMs + Math.floor((nth * tickMs) / due))
    }
  }

  #takeTurn(phone: Phone, timeMs: number): void {
    const reporter = this.#reporter
    if (phone.serving < 0) phone.standAt(phone, this.#coverage)
    if (!phone.registered) {
      phone.registered = true
      this.#report(reporter.subscriber(phone, timeMs, 'registration'), phone)
      return
    }
    const draw = phone.random.unit() * this.#mix.at(-1)!.upTo
    const kind = this.#mix.find((entry) => draw < entry.upTo)!.kind
    if (kind === 'flow') this.#report(reporter.flow(phone, timeMs), phone)
    else if (kind === 'subscriber') {
      const type = phone.random.chance(0.5) ? 'location_update' : phone.random.chance(0.6) ? 'authentication' : 'registration'
      this.#report(reporter.subscriber(phone, timeMs, type), phone)
    } else if (kind === 'fix' && phone.habits.hasGps) this.#report(reporter.fix(phone, timeMs), phone)
    else if (kind === 'interaction') this.#report(reporter.interaction(phone, timeMs), phone)
    else if (kind === 'paging') this.#report(reporter.radio(phone, timeMs, 'paging'), phone)
    else if (kind === 'call' && phone.callSinceMs < 0) this.#startCall(phone, timeMs)
    else if (kind === 'session' && phone.sessionSinceMs < 0) this.#startSession(phone, timeMs)
    else this.#report(reporter.radio(phone, timeMs, 'measurement'), phone)
  }

  #startCall(phone: Phone, timeMs: number): void {
    phone.callSinceMs = timeMs
    this.#agenda.add(timeMs + 2_000 + Math.round(phone.random.exponential(80_000)), { kind: 'call-end', phone })
    this.#report(this.#reporter.radio(phone, timeMs, 'call_start'), phone)
  }

  #endCall(phone: Phone, timeMs: number): void {
    const dropped = phone.random.chance(phone.motion === 'still' ? 0.01 : 0.04)
    const duration_ms = timeMs - phone.callSinceMs
    phone.callSinceMs = -1
    const extra = { duration_ms, cause: dropped ? 'radio-link-failure' : 'normal' }
    this.#report(this.#reporter.radio(phone, timeMs, dropped ? 'drop' : 'call_end', extra), phone)
  }

  #startSession(phone: Phone, timeMs: number): void {
    phone.sessionSinceMs = timeMs
    this.#agenda.add(timeMs + 1_000 + Math.round(phone.random.exponential(60_000)), { kind: 'session-end', phone })
    this.#report(this.#reporter.radio(phone, timeMs, 'session_start'), phone)
  }

  #endSession(phone: Phone, timeMs: number): void {
    const { random } = phone
    const bytes_down = Math.round(random.exponential(3e6))
    const extra = {
      duration_ms: timeMs - phone.sessionSinceMs,
      bytes_down,
      bytes_up: Math.round(bytes_down * random.between(0.02, 0.3)),
      latency_ms: Math.round((15 + random.exponential(20)) * 10) / 10,
      loss_ratio: random.chance(0.8) ? 0 : Math.round(Math.min(1, random.exponential(0.01)) * 1e4) / 1e4,
    }
    phone.sessionSinceMs = -1
    this.#report(this.#reporter.radio(phone, timeMs, 'session_end', extra), phone)
  }

  #report(happening: Happening, phone?: Phone): void {
    this.#owed--
    this.delivery.take(happening, phone?.random)
  }

  #writePositions(timeMs: number): void {
    const { positionEveryS, positionShare } = this.#scenario.truth
    this.#nextPositionMs += positionEveryS * 1000
    if (this.#truth === undefined) return
    const sampled = Math.ceil(this.#phones.length * positionShare)
    for (let index = 0; index < sampled; index++) {
      const { identity, x, y, motion, serving } = this.#phones[index]!
      if (serving < 0) continue
      const { latitude, longitude } = toDegrees(x, y)
      const cell = this.#coverage.cell(serving)
      const region = this.world.regions[cell.region]!
      const place = { latitude: Math.round(latitude * 1e6) / 1e6, longitude: Math.round(longitude * 1e6) / 1e6 }
      this.#truth.write({
        kind: 'position',
        atMs: timeMs,
        imsi: identity.imsi,
        msisdn: identity.msisdn,
        ...place,
        cell: cell.id,
        region,
        motion,
      })
    }
  }

  #rateAt(sinceStartS: number): number {
    const { ramp, ratePerS } = this.#scenario
    if (ramp.length === 0) return ratePerS
    const next = ramp.findIndex((point) => point.atS > sinceStartS)
    if (next === 0) return ratePerS * ramp[0]!.factor
    if (next < 0) return ratePerS * ramp.at(-1)!.factor
    const from = ramp[next - 1]!
    const to = ramp[next]!
    return ratePerS * (from.factor + ((to.factor - from.factor) * (sinceStartS - from.atS)) / (to.atS - from.atS))
  }
}

function speakerOf(phone: Phone) {
  const { identity, random, x, y, hearing, speedMps, courseDeg } = phone
  return { identity, random, x, y, hearing, speedMps, courseDeg }
}

/** A step through the phones that meets each once a round and jumps about. */
function coprimeNear(count: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))
  let stride = Math.max(1, Math.round(count * 0.618))
  while (divisor(stride, count) !== 1) stride++
  return stride
}
