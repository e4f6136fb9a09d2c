/**
 * Numbers and devices that were only ever seen with one SIM, that is: almost all. They keep no history of their own; a row of such a SIM touches
 * neither their keys nor anything else of theirs.
 *
 * Invariant: while a number N has the flag `sole`, every sighting that names N is one of its SIM's (`newestA`), stands in that SIM's history with
 * b = N, and N is the number the SIM was last seen with; its history is then that of the SIM where b = N. Likewise a device D with a = D.
 * The SIM's classes (cell, device, number, slice) are finer than those of the number and the device and its slices divide theirs, so the
 * earliest and latest of each of their classes are among its points: reading them out of the SIM's history gives exactly what an own
 * one would hold. An own history is made before a second SIM, another region or the SIM's next number or device is taken in, and for ever.
 *
 * A record's tag (the first 64 bits of the pseudonym) is set only while its number or device is sole: a row with the same tag needs no look-up.
 */
import { type EntityTable, mixed, sole } from './entity-table.ts'
import type { RegionState } from './region-state.ts'
import { type RecordPage, w } from './subscriber-table.ts'

export type SoleKind = 'number' | 'device'

const words = { number: { reference: w.number, tag: w.numberTag }, device: { reference: w.device, tag: w.deviceTag } } as const

export class Soles {
  readonly #state: RegionState

  constructor(state: RegionState) {
    this.#state = state
  }

  /** Whether sightings of this number or device by this SIM stand in the SIM's history alone; makes it so for one never seen before. */
  isSole(kind: SoleKind, reference: number, sim: number, { u32 }: RecordPage, record: number, key: Uint32Array, at: number): boolean {
    const word = words[kind]
    const tag = record + word.tag
    const known = u32[record + word.reference]!
    if (known === reference && (u32[tag]! | u32[tag + 1]!) !== 0) return true
    const table = this.#table(kind)
    if (known !== 0 && known !== reference) this.separate(kind, known)
    const flags = table.flags(reference)
    if ((flags & sole) !== 0) {
      if (table.newestA(reference) === sim) return true
      this.separate(kind, reference)
      return false
    }
    if (table.head(reference) !== 0) return false
    if (kind === 'device' && (this.#state.sims.flags(sim) & mixed) !== 0) return false
    table.makeSole(reference, sim)
    u32[tag] = key[at]!
    u32[tag + 1] = key[at + 1]!
    return true
  }

  /** From here on it has a history of its own. */
  separate(kind: SoleKind, reference: number): void {
    const table = this.#table(kind)
    if (reference === 0 || (table.flags(reference) & sole) === 0) return
    const sim = table.newestA(reference)
    table.separate(reference)
    const { u32 } = this.#state.page(sim)
    const record = this.#state.at(sim)
    if (u32[record + words[kind].reference] !== reference) return
    u32[record + words[kind].tag] = 0
    u32[record + words[kind].tag + 1] = 0
  }

  /** The SIM takes in sightings that do not count for their device: nothing of its devices can be read out of its history from here on. */
  mix(sim: number): void {
    const { sims } = this.#state
    if ((sims.flags(sim) & mixed) !== 0) return
    this.separate('device', this.#state.page(sim).u32[this.#state.at(sim) + w.device]!)
    sims.setFlags(sim, sims.flags(sim) | mixed)
  }

  #table(kind: SoleKind): EntityTable {
    return kind === 'number' ? this.#state.numbers : this.#state.devices
  }
}

/** Whether a row names what the tag stands for. */
export function isTagged(u32: Uint32Array, tag: number, key: Uint32Array, at: number): boolean {
  return u32[tag] === key[at] && u32[tag + 1] === key[at + 1] && (key[at]! | key[at + 1]!) !== 0
}
