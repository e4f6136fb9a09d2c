/**
 * Whom a few hundred rows name, looked up together before they are taken in one by one, and their memory read ahead: most of a row's time is
 * waiting for memory, and what is asked for in one loop is waited for once. Changes nothing; what it finds is not 0 only for keys already known.
 */

import type { RegionState } from './region-state.ts'
import { isTagged } from './soles.ts'
import { w } from './subscriber-table.ts'

/** Rows looked up together: what they touch stays within the processor's nearer cache. */
export const rowsAhead = 256

/** Columns of identities that a row of sightings or events has. */
export interface Identities {
  readonly subscriber: Uint32Array
  readonly number: Uint32Array
  readonly device: Uint32Array
  readonly model: Uint32Array
}

export class LookAhead {
  /** References by row, from the first row looked up. */
  readonly sims = new Uint32Array(rowsAhead)
  readonly numbers = new Uint32Array(rowsAhead)
  readonly devices = new Uint32Array(rowsAhead)
  /** The first row looked up. */
  from = 0
  /** What was read ahead, so that the reading is not taken for useless. */
  read = 0
  readonly #points = new Uint32Array(rowsAhead)
  readonly #state: RegionState

  constructor(state: RegionState) {
    this.#state = state
  }

  /** Rows `from` to `to`, at most `rowsAhead`. */
  look(who: Identities, from: number, to: number): void {
    const { sims, numbers, devices } = this.#state
    this.from = from
    sims.findAll(who.subscriber, from, to, this.sims)
    let sum = 0
    for (let ahead = 0; ahead < to - from; ahead++) {
      const sim = this.sims[ahead]!
      if (sim === 0) continue
      const { u32 } = this.#state.page(sim)
      const at = this.#state.at(sim)
      sum += u32[at]! + u32[at + 16]!
    }
    for (let row = from; row < to; row++) {
      const ahead = row - from
      const sim = this.sims[ahead]!
      const at = row * 4
      const { u32 } = this.#state.page(sim)
      const record = this.#state.at(sim)
      this.numbers[ahead] = isTagged(u32, record + w.numberTag, who.number, at) ? u32[record + w.number]! : numbers.find(who.number, at)
      this.devices[ahead] = isTagged(u32, record + w.deviceTag, who.device, at) ? u32[record + w.device]! : devices.find(who.device, at)
    }
    this.read = sum + sims.touch(this.sims, to - from, this.#points)
  }
}
