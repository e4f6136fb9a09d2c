/**
 * Detection of one region, in the order a sighting travels. Pure: no clock, no I/O. Start reading here.
 *
 *   sighting ─▶ witness: who is it, and into the histories of SIM, number, device ─▶ judge ─▶ alerts, movements, bindings
 *                   │                                        ▲   │
 *                   │                         notices from other regions, claims to them
 *                   └─▶ position-stage: locate ─▶ motion ─▶ fences ─▶ positions
 *
 * Promise: what is finally told of SIMs and devices depends on the set of sightings alone, not on their order, repetition or the number of
 * shards. Results are collected by `flush`; call it before `snapshot`.
 */
import type { Fence, Notice } from '#shared/control.ts'
import type { Batch, BatchMeta } from '#shared/records.ts'
import { Borders } from './borders.ts'
import type { CellInventory, CellRow } from './cell-inventory.ts'
import { Claims } from './claims.ts'
import { type DetectionConfig, defaultDetection } from './detection-config.ts'
import { Fences } from './fences.ts'
import { Judge } from './judge.ts'
import { Locator } from './locate.ts'
import { rowsAhead } from './look-ahead.ts'
import { type Acquaintances, acquaintances } from './look-up.ts'
import type { Detections, Detector } from './ports.ts'
import { Positioner } from './position-stage.ts'
import { RegionState } from './region-state.ts'
import { joinParts, splitParts } from './snapshot-parts.ts'
import { Teller } from './tell.ts'
import { Witness } from './witness.ts'

export interface DetectorOptions {
  readonly region: string
  readonly tenant?: string
  /** The region's cells; none: every cell is unknown and counts all the same. */
  readonly cells?: Iterable<CellRow>
  readonly shards?: number
  readonly config?: DetectionConfig
}

const version = 2
const sweptPerWatermark = 2048
const pruneEveryMs = 60_000
const crowdsEveryMs = 10_000

export function createDetector(options: DetectorOptions): RegionDetector {
  return new RegionDetector(options)
}

export class RegionDetector implements Detector {
  readonly #config: DetectionConfig
  readonly #meta: BatchMeta
  readonly #state: RegionState
  readonly #locator: Locator
  readonly #fences: Fences
  readonly #positioner: Positioner
  readonly #judge: Judge
  readonly #claims: Claims
  readonly #borders: Borders
  readonly #witness: Witness
  readonly #teller: Teller
  readonly #words = new Uint32Array(4)
  #curated: Batch<'sighting'>[] = []
  #watermarkMs = Number.NEGATIVE_INFINITY
  #prunedMs = Number.NEGATIVE_INFINITY
  #crowdsMs = Number.NEGATIVE_INFINITY

  constructor({ region, tenant = 'default', cells = [], shards = 1, config = defaultDetection() }: DetectorOptions) {
    this.#config = config
    this.#meta = { tenant, region, agent: '', epoch: '', lane: '', seq: 0 }
    this.#state = new RegionState(config, region, cells, shards)
    this.#locator = new Locator(config, this.#state.cells)
    this.#teller = new Teller(this.#meta)
    this.#fences = new Fences(config.fences, this.#locator, this.#teller, region)
    this.#positioner = new Positioner(config.locate, this.#locator, this.#fences, this.#teller)
    this.#claims = new Claims(config.claims, region)
    this.#judge = new Judge(this.#state)
    this.#borders = new Borders(this.#state, this.#claims)
    this.#witness = new Witness(this.#state, this.#judge, this.#claims, this.#borders)
  }

  /** The region's cells, those of no inventory among them. */
  get cells(): CellInventory {
    return this.#state.cells
  }

  /** Whom a pseudonym was seen with. */
  lookUp(words: Uint32Array): Acquaintances {
    return acquaintances(this.#state, words)
  }

  sightings(batch: Batch<'sighting'>): void {
    const c = batch.columns
    const state = this.#state
    // Shared with the batch until something is filled in.
    let curated = batch
    const cellOf = state.cellResolver(batch.texts)
    this.#positioner.begin(curated, cellOf)
    for (let row = 0; row < batch.rows; row++) {
      if (row % rowsAhead === 0) this.#witness.lookAhead(c, row, Math.min(batch.rows, row + rowsAhead))
      const timeMs = c.timeMs[row]!
      const cell = cellOf(c.cell[row]!)
      if (c.arrivalMs[row]! > this.#witness.arrivalMs) this.#witness.arrivalMs = c.arrivalMs[row]!
      const sim = this.#witness.sighted(c, row, timeMs, cell)
      if (sim === 0) continue
      if ((c.subscriber[row * 4]! | c.subscriber[row * 4 + 1]!) === 0 && this.#isResolved(sim, c.number, row * 4)) {
        if (curated === batch) {
          curated = { ...batch, columns: { ...c, subscriber: c.subscriber.slice() }, meta: this.#meta }
          this.#positioner.begin(curated, cellOf)
        }
        state.sims.copy(sim, curated.columns.subscriber, row * 4)
      }
      this.#positioner.locate(row, sim, state.page(sim), state.at(sim), timeMs, cell)
    }
    this.#curated.push(curated)
    this.#judgeNow()
  }

  /** Events that name a SIM with its number or device bear witness like sightings; they move nobody. */
  events(batch: Batch<'event'>): void {
    const c = batch.columns
    const cellOf = this.#state.cellResolver(batch.texts)
    for (let row = 0; row < batch.rows; row++) {
      if (row % rowsAhead === 0) this.#witness.lookAhead(c, row, Math.min(batch.rows, row + rowsAhead))
      if (c.arrivalMs[row]! > this.#witness.arrivalMs) this.#witness.arrivalMs = c.arrivalMs[row]!
      const at = row * 4
      const hasSim = (c.subscriber[at]! | c.subscriber[at + 1]!) !== 0
      const hasMore = (c.number[at]! | c.number[at + 1]! | c.device[at]! | c.device[at + 1]!) !== 0
      if (hasSim && hasMore) this.#witness.sighted(c, row, c.timeMs[row]!, cellOf(c.cell[row]!))
    }
    this.#judgeNow()
  }

  notice(notice: Notice): void {
    this.#witness.heard(notice)
    this.#judgeNow()
  }

  fence(fence: Fence): void {
    this.#fences.set(fence)
  }

  watermark(timeMs: number): void {
    if (!(timeMs > this.#watermarkMs)) return
    this.#watermarkMs = timeMs
    const { sims, numbers, devices } = this.#state
    const { latenessMs, keepMs } = this.#config.sim
    const horizon = { settledMs: timeMs - latenessMs, finalMs: timeMs - keepMs }
    this.#judge.horizon = horizon
    if (timeMs - this.#prunedMs >= pruneEveryMs) {
      this.#prunedMs = timeMs
      this.#judge.prune()
      this.#borders.prune(horizon.finalMs)
    }
    if (timeMs - this.#crowdsMs >= crowdsEveryMs) {
      this.#crowdsMs = timeMs
      this.#teller.tell(this.#judge.settle(true))
      this.#teller.tellPlain(this.#judge.takePlain(), this.#state)
    }
    // A SIM's history holds that of its device too, which is kept for longer.
    const deviceMs = timeMs - this.#config.simBox.keepMs
    sims.sweep(sweptPerWatermark, horizon.settledMs, Math.min(horizon.finalMs, deviceMs))
    numbers.sweep(sweptPerWatermark, horizon.settledMs, horizon.finalMs)
    devices.sweep(sweptPerWatermark, horizon.settledMs, deviceMs)
    this.#fences.watermark(timeMs)
  }

  flush(): Detections {
    const batches = [...this.#curated, ...this.#teller.finish()]
    this.#curated = []
    return { batches, claims: this.#claims.finish() }
  }

  snapshot(): Uint8Array[] {
    const state = {
      version,
      ...this.#state.save(),
      arrivalMs: this.#witness.arrivalMs,
      judge: this.#judge.save(),
      borders: this.#borders.save(),
      fences: this.#fences.save(),
    }
    return joinParts(state, [...this.#state.snapshot(), this.#locator.snapshot()])
  }

  restore(parts: readonly Uint8Array[]): void {
    const { state, groups } = splitParts(parts)
    if (state.version !== version) throw new Error(`the snapshot is of version ${state.version}, this detector of ${version}`)
    this.#state.load(state)
    const rest = this.#state.restore(groups)
    this.#locator.restore(rest[0]!)
    this.#witness.arrivalMs = state.arrivalMs as number
    this.#judge.load(state.judge)
    this.#borders.load(state.borders)
    this.#fences.load(state.fences)
  }

  subscribers(): number {
    return this.#state.sims.size
  }

  stateBytes(): number {
    return this.#state.bytes + this.#locator.bytes
  }

  /**
   * After each message, not at each flush: a hub that was killed reads the same messages again and so tells the same passing alerts, with the
   * same revisions, and takes them back again. Flushes come at other moments in its second life.
   */
  #judgeNow(): void {
    this.#teller.tell(this.#judge.settle())
    this.#teller.tellPlain(this.#judge.takePlain(), this.#state)
    this.#borders.claim()
  }

  /** Whether this is a SIM found for a number; what merely stands in for a number whose SIM is not known has the number's words. */
  #isResolved(sim: number, number: Uint32Array, at: number): boolean {
    const words = this.#words
    this.#state.sims.copy(sim, words, 0)
    for (let word = 0; word < 4; word++) if (words[word] !== number[at + word]) return true
    return false
  }
}
