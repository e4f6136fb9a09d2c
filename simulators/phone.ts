/**
 * One subscriber's phone: where it is, what it hears, which cell serves it. Cells change by an A3-like rule (3 dB better, twice running,
 * then a pause of 10 s) with measured manners on top: 23 % of a driver's changes return within 10 s, 17 % of those of a phone that rests
 * between two cells. Knows nothing of events; the simulation asks it and tells what happened.
 */
import { type Coverage, type Hearing, newHearing } from './coverage.ts'
import { courseDeg } from './geometry.ts'
import { type Motion, type Path, placeOn, planPath, type Trip } from './itinerary.ts'
import type { Habits, Identity } from './population.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** A return adds itself and, mostly, another change onwards to the one it spoils; tuned so that 23 % of all changes are returns. */
const returnShare: Readonly<Record<Motion, number>> = { still: 0, walk: 0.2, car: 0.3, train: 0.3 }
const hysteresisDb = 3
const pauseMs = 10_500

export class Phone {
  readonly index: number
  readonly identity: Identity
  readonly habits: Habits
  readonly random: Random
  readonly hearing: Hearing = newHearing()
  serving = -1
  x: number
  y: number
  speedMps = 0
  courseDeg = 0
  motion: Motion = 'still'
  registered = false
  callSinceMs = -1
  sessionSinceMs = -1
  #path: Path | undefined
  #trip: Trip | undefined
  #leg = 0
  #better = 0
  #pauseUntilMs = 0
  #returnAtMs = 0
  #returnTo = -1

  constructor(index: number, identity: Identity, habits: Habits, random: Random) {
    this.index = index
    this.identity = identity
    this.habits = habits
    this.random = random
    this.x = habits.home.x
    this.y = habits.home.y
  }

  setOut(world: World, trip: Trip): void {
    this.#trip = trip
    this.#path = planPath(world, this.habits, trip.outward)
    this.#leg = 0
    this.motion = this.#path.motion
  }

  arrive(trip: Trip, coverage: Coverage): void {
    this.#path = undefined
    this.#trip = undefined
    this.motion = 'still'
    this.speedMps = 0
    this.#returnTo = -1
    this.standAt(trip.outward ? this.habits.work : this.habits.home, coverage)
  }

  standAt(place: { x: number; y: number }, coverage: Coverage): void {
    this.x = place.x
    this.y = place.y
    coverage.listen(this.x, this.y, this.habits.canNr, this.hearing)
    if (this.serving < 0) this.serving = this.hearing.cells[0]!
  }

  /** Moves on; answers the cell it changes to, or undefined. The caller says when that is done (`serving` is set here). */
  step(timeMs: number, coverage: Coverage): number | undefined {
    if (this.#path === undefined || this.#trip === undefined) return undefined
    const place = placeOn(this.#path, timeMs - this.#trip.startMs, this.#leg)
    const movedM = Math.hypot(place.x - this.x, place.y - this.y)
    if (movedM > 0.1) this.courseDeg = courseDeg(this, place)
    this.speedMps = Math.min(60, movedM) // one step a second
    this.#leg = place.leg
    this.x = place.x
    this.y = place.y
    coverage.listen(this.x, this.y, this.habits.canNr, this.hearing)
    if (this.serving < 0) {
      this.serving = this.hearing.cells[0]!
      return undefined
    }
    return this.#choose(timeMs)
  }

  /** For a resting phone on an edge: over to the other of its two best cells. */
  flip(): number {
    const [first, second] = this.hearing.cells
    this.serving = this.serving === first && this.hearing.count > 1 ? second! : first!
    return this.serving
  }

  /** How long a resting phone on an edge stays: mostly minutes, but 17 % come back within 10 s. */
  edgeDwellMs(): number {
    return Math.round(this.random.chance(0.17) ? this.random.between(2_000, 9_500) : this.random.between(20_000, 240_000))
  }

  #choose(timeMs: number): number | undefined {
    if (this.#returnTo >= 0) {
      if (timeMs < this.#returnAtMs) return undefined
      const back = this.#returnTo
      this.#returnTo = -1
      this.#pauseUntilMs = timeMs + pauseMs
      this.serving = back
      return back
    }
    if (timeMs < this.#pauseUntilMs) return undefined
    const best = this.hearing.cells[0]!
    if (best === this.serving || this.hearing.rsrpDbm[0]! < this.#servingLevel() + hysteresisDb) {
      this.#better = 0
      return undefined
    }
    if (++this.#better < 2) return undefined
    this.#better = 0
    this.#pauseUntilMs = timeMs + pauseMs
    if (this.random.chance(returnShare[this.motion])) {
      this.#returnTo = this.serving
      this.#returnAtMs = timeMs + Math.round(this.random.between(1_500, 8_500))
    }
    this.serving = best
    return best
  }

  #servingLevel(): number {
    const at = this.hearing.cells.indexOf(this.serving)
    return at >= 0 && at < this.hearing.count ? this.hearing.rsrpDbm[at]! : -150
  }
}
