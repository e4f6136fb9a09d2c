/**
 * Where a subscriber is: an observation (GPS fix, or the serving cell with its neighbours and timing advance) into a constant-velocity filter.
 *
 * Owns what is learned of each cell from fixes: where its phones really are and how far its timing advance is off. Works in metres of a
 * plane about an origin; x and y share one covariance. Sightings later than allowed do not touch a position. Never looks at a clock.
 */
import type { CellInventory } from './cell-inventory.ts'
import type { DetectionConfig } from './detection-config.ts'
import { octets, wordsOf } from './key-table.ts'
import { f, type RecordPage, x as r, w } from './subscriber-table.ts'

const metresPerDegree = 111_320
const learnedWords = 6 // count, mean x, mean y, sum of squares, timing-advance count, timing-advance offset
const enoughFixes = 30
/** Observations of one cell share one error: nearer in time than this they are not new evidence. */
const correlatedMs = 60_000
const longestStepS = 120
const startAnewMs = 600_000
/** Radius that holds 68 % of a round normal distribution, in σ of one axis. */
export const radiusPerSigma = 1.51

export interface Observation {
  x: number
  y: number
  sigmaM: number
  isFix: boolean
}

export class Locator {
  readonly #config: DetectionConfig['locate']
  readonly #cells: CellInventory
  readonly #timingAdvanceM: number
  #originLatitude = Number.NaN
  #originLongitude = 0
  #metresPerLongitude = metresPerDegree
  #learned = new Float64Array(1024 * learnedWords)
  /** The observation made last; reused. */
  readonly seen: Observation = { x: 0, y: 0, sigmaM: 0, isFix: false }

  constructor(config: DetectionConfig, cells: CellInventory) {
    this.#config = config.locate
    this.#cells = cells
    this.#timingAdvanceM = config.cells.timingAdvanceM
    for (let cell = 1; cell <= cells.size; cell++) {
      if (cells.isLocated(cell)) {
        this.#setOrigin(cells.latitude[cell]!, cells.longitude[cell]!)
        break
      }
    }
  }

  planeX(longitude: number): number {
    return (longitude - this.#originLongitude) * this.#metresPerLongitude
  }

  planeY(latitude: number): number {
    return (latitude - this.#originLatitude) * metresPerDegree
  }

  latitude(y: number): number {
    return this.#originLatitude + y / metresPerDegree
  }

  longitude(x: number): number {
    return this.#originLongitude + x / this.#metresPerLongitude
  }

  /** A GPS or MDT fix; teaches the cell it was made at. */
  observeFix(latitude: number, longitude: number, accuracyM: number, cell: number, timingAdvance: number): void {
    if (Number.isNaN(this.#originLatitude)) this.#setOrigin(latitude, longitude)
    const { seen } = this
    seen.x = this.planeX(longitude)
    seen.y = this.planeY(latitude)
    seen.sigmaM = Math.max(this.#config.fixFloorM, Number.isNaN(accuracyM) ? 30 : accuracyM)
    seen.isFix = true
    if (cell !== 0 && seen.sigmaM < 200) this.#learn(cell, timingAdvance)
  }

  /** The serving cell. Answers false when nothing is known of its place. */
  observeCell(cell: number): boolean {
    const { seen } = this
    seen.isFix = false
    const at = cell * learnedWords
    if (at < this.#learned.length && this.#learned[at]! >= enoughFixes) {
      const count = this.#learned[at]!
      seen.x = this.#learned[at + 1]!
      seen.y = this.#learned[at + 2]!
      seen.sigmaM = Math.max(this.#config.fixFloorM, Math.sqrt(this.#learned[at + 3]! / (2 * count)))
      return true
    }
    if (!this.#cells.isLocated(cell)) return false
    if (Number.isNaN(this.#originLatitude)) this.#setOrigin(this.#cells.latitude[cell]!, this.#cells.longitude[cell]!)
    seen.x = this.planeX(this.#cells.longitude[cell]!)
    seen.y = this.planeY(this.#cells.latitude[cell]!)
    seen.sigmaM = this.#cells.sigmaM[cell]!
    return true
  }

  /** Draws the cell's observation towards another located cell that was heard as well, by how much weaker it was. */
  drawToNeighbour(cell: number, weakerDb: number): void {
    if (!this.#cells.isLocated(cell)) return
    const { seen } = this
    const share = 1 / (1 + 10 ** (Math.max(0, weakerDb) / 20) * 2)
    seen.x += share * (this.planeX(this.#cells.longitude[cell]!) - seen.x)
    seen.y += share * (this.planeY(this.#cells.latitude[cell]!) - seen.y)
    seen.sigmaM *= 1 - share / 2
  }

  /** Ping-pong between two cells says one thing: somewhere about where they were thought to be, on the border of both. */
  fuse(page: RecordPage, at: number): void {
    if (page.f64[at / 2 + f.fixMs] === 0) return
    const { seen } = this
    seen.x = (seen.x + page.f32[at + r.x]!) / 2
    seen.y = (seen.y + page.f32[at + r.y]!) / 2
  }

  /** Timing advance: the phone is on a ring about the site; the filter's prediction says in which direction. */
  drawToRing(page: RecordPage, at: number, cell: number, timingAdvance: number): void {
    if (!this.#cells.isLocated(cell)) return
    const ta = cell * learnedWords
    const offsetM = ta < this.#learned.length && this.#learned[ta + 4]! >= enoughFixes ? this.#learned[ta + 5]! : 0
    const distanceM = Math.max(0, (timingAdvance + 0.5) * this.#timingAdvanceM - offsetM)
    const { seen } = this
    const siteX = this.planeX(this.#cells.longitude[cell]!)
    const siteY = this.planeY(this.#cells.latitude[cell]!)
    const hasState = page.f64[at / 2 + f.fixMs] !== 0
    const towardsX = (hasState ? page.f32[at + r.x]! : seen.x) - siteX
    const towardsY = (hasState ? page.f32[at + r.y]! : seen.y) - siteY
    const length = Math.hypot(towardsX, towardsY)
    if (length < 1) {
      seen.sigmaM = Math.max(this.#timingAdvanceM, distanceM / Math.SQRT2)
      return
    }
    seen.x = siteX + (towardsX / length) * distanceM
    seen.y = siteY + (towardsY / length) * distanceM
    seen.sigmaM = Math.max(this.#timingAdvanceM, Math.min(seen.sigmaM, distanceM * 0.7))
  }

  /** Takes `seen` into the subscriber's filter. Answers false when it was set aside. `sigmaA`: how much they may accelerate, m/s². */
  apply(page: RecordPage, at: number, timeMs: number, cell: number, sigmaA: number): boolean {
    const { f32, f64, u32 } = page
    const { seen } = this
    const fixMs = f64[at / 2 + f.fixMs]!
    let variance = seen.sigmaM * seen.sigmaM
    const elapsedMs = timeMs - fixMs
    if (fixMs === 0 || elapsedMs > startAnewMs) {
      this.#start(page, at, timeMs, cell, variance)
      return true
    }
    if (elapsedMs < 0) {
      if (elapsedMs < -this.#config.lateMs) return false
      const driftM = (Math.hypot(f32[at + r.vx]!, f32[at + r.vy]!) * -elapsedMs) / 1000
      variance += driftM * driftM
    }
    if (!seen.isFix && u32[at + w.observedCell] === cell) variance *= Math.max(1, correlatedMs / Math.max(1000, Math.abs(elapsedMs)))
    const dt = Math.min(longestStepS, Math.max(0, elapsedMs / 1000))
    let px = f32[at + r.x]! + f32[at + r.vx]! * dt
    let py = f32[at + r.y]! + f32[at + r.vy]! * dt
    const q = sigmaA * sigmaA
    let p00 = f32[at + r.p00]! + 2 * dt * f32[at + r.p01]! + dt * dt * f32[at + r.p11]! + (q * dt * dt * dt) / 3
    let p01 = f32[at + r.p01]! + dt * f32[at + r.p11]! + (q * dt * dt) / 2
    let p11 = Math.min(2500, f32[at + r.p11]! + q * dt)
    const dx = seen.x - px
    const dy = seen.y - py
    const total = p00 + variance
    if ((dx * dx + dy * dy) / total > this.#config.gateChi2) {
      const rejects = ((u32[at + w.motion]! >>> 16) & 0xff) + 1
      u32[at + w.motion] = (u32[at + w.motion]! & 0xff00ffff) | (Math.min(255, rejects) << 16)
      if (rejects >= this.#config.restartAfterRejects) {
        this.#start(page, at, timeMs, cell, seen.sigmaM * seen.sigmaM)
        return true
      }
      return false
    }
    const gain = p00 / total
    const gainV = p01 / total
    px += gain * dx
    py += gain * dy
    f32[at + r.vx] = f32[at + r.vx]! + gainV * dx
    f32[at + r.vy] = f32[at + r.vy]! + gainV * dy
    p11 -= gainV * p01
    p01 *= 1 - gain
    p00 *= 1 - gain
    f32[at + r.x] = px
    f32[at + r.y] = py
    f32[at + r.p00] = p00
    f32[at + r.p01] = p01
    f32[at + r.p11] = p11
    u32[at + w.observedCell] = cell
    u32[at + w.motion] = u32[at + w.motion]! & 0xff00ffff
    if (elapsedMs > 0) f64[at / 2 + f.fixMs] = timeMs
    return true
  }

  get bytes(): number {
    return this.#learned.byteLength
  }

  snapshot(): Uint8Array[] {
    return [octets(Float64Array.of(this.#originLatitude, this.#originLongitude)), octets(this.#learned)]
  }

  restore(parts: readonly Uint8Array[]): void {
    const origin = new Float64Array(wordsOf(parts[0]!).buffer)
    this.#setOrigin(origin[0]!, origin[1]!)
    this.#learned = new Float64Array(wordsOf(parts[1]!).buffer)
  }

  #start(page: RecordPage, at: number, timeMs: number, cell: number, variance: number): void {
    const { f32 } = page
    f32[at + r.x] = this.seen.x
    f32[at + r.y] = this.seen.y
    f32[at + r.vx] = 0
    f32[at + r.vy] = 0
    f32[at + r.p00] = variance
    f32[at + r.p01] = 0
    f32[at + r.p11] = 25
    page.u32[at + w.observedCell] = cell
    page.u32[at + w.motion] = page.u32[at + w.motion]! & 0xff00ffff
    page.f64[at / 2 + f.fixMs] = timeMs
  }

  #learn(cell: number, timingAdvance: number): void {
    const at = cell * learnedWords
    if (at >= this.#learned.length) {
      const learned = new Float64Array(2 ** Math.ceil(Math.log2((cell + 1) * learnedWords)))
      learned.set(this.#learned)
      this.#learned = learned
    }
    const learned = this.#learned
    const { seen } = this
    const count = ++learned[at]!
    const dx = seen.x - learned[at + 1]!
    const dy = seen.y - learned[at + 2]!
    learned[at + 1]! += dx / count
    learned[at + 2]! += dy / count
    learned[at + 3]! += dx * (seen.x - learned[at + 1]!) + dy * (seen.y - learned[at + 2]!)
    if (timingAdvance === 0xffff || !this.#cells.isLocated(cell)) return
    const distanceM = Math.hypot(seen.x - this.planeX(this.#cells.longitude[cell]!), seen.y - this.planeY(this.#cells.latitude[cell]!))
    const residualM = (timingAdvance + 0.5) * this.#timingAdvanceM - distanceM
    const seenTimes = ++learned[at + 4]!
    // A running median: a step towards the residual, ever smaller.
    learned[at + 5]! += (Math.sign(residualM - learned[at + 5]!) * this.#timingAdvanceM) / Math.sqrt(seenTimes)
  }

  #setOrigin(latitude: number, longitude: number): void {
    this.#originLatitude = latitude
    this.#originLongitude = longitude
    this.#metresPerLongitude = metresPerDegree * Math.cos((latitude * Math.PI) / 180)
  }
}
