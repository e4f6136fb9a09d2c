/** Whom a pseudonym was seen with in this region: its SIMs, numbers, devices and regions, from detection's own memory. Reads only; pure. */
import { wordsToHex } from '#shared/pseudonym.ts'
import type { RegionState } from './region-state.ts'
import { cellMask, regionShift } from './rule-context.ts'

export interface Seen {
  readonly key: string
  readonly firstMs: number
  readonly lastMs: number
}

/** Keys are 32 hex digits. */
export interface Acquaintances {
  readonly isKnown: boolean
  readonly sims: readonly Seen[]
  readonly numbers: readonly Seen[]
  readonly devices: readonly Seen[]
  readonly regions: readonly Seen[]
}

const maxSims = 20

export function acquaintances(state: RegionState, words: Uint32Array): Acquaintances {
  const { sims, numbers, devices, regions } = state
  const found = { sims: new Spans(), numbers: new Spans(), devices: new Spans(), regions: new Spans() }
  const asked = wordsToHex(words)
  const followed = new Set<number>()
  const number = numbers.find(words, 0)
  const device = devices.find(words, 0)
  const own = sims.find(words, 0)
  if (number !== 0)
    for (const [timeMs, , sim] of pointsOf(numbers, number)) if (sim !== 0) followed.add(noted(found.sims, sims.hex(sim), timeMs, sim))
  if (device !== 0)
    for (const [timeMs, , sim] of pointsOf(devices, device)) if (sim !== 0) followed.add(noted(found.sims, sims.hex(sim), timeMs, sim))
  if (own !== 0) followed.add(own)
  for (const sim of [...followed].slice(0, maxSims)) {
    const isStandIn = sims.hex(sim) === asked && number !== 0
    const at = state.numberOf(sim)
    for (const [timeMs, place, withDevice] of pointsOf(sims, sim)) {
      if (!isStandIn) found.sims.add(sims.hex(sim), timeMs)
      if (at !== '') found.numbers.add(at, timeMs)
      if (withDevice !== 0) found.devices.add(devices.hex(withDevice), timeMs)
      if ((place & cellMask) !== 0 || place >>> regionShift !== 0) found.regions.add(regions[place >>> regionShift]!, timeMs)
    }
  }
  return {
    isKnown: number !== 0 || device !== 0 || own !== 0,
    sims: found.sims.list().slice(0, maxSims),
    numbers: found.numbers.list(),
    devices: found.devices.list(),
    regions: found.regions.list(),
  }
}

function noted(spans: Spans, key: string, timeMs: number, sim: number): number {
  spans.add(key, timeMs)
  return sim
}

/** Copied, for the table's own answer is overwritten by the next. */
function pointsOf(table: RegionState['sims'], reference: number): (readonly [timeMs: number, place: number, a: number])[] {
  const { count, timeMs, cell, a } = table.points(reference)
  return Array.from({ length: count }, (_, at) => [timeMs[at]!, cell[at]!, a[at]!] as const)
}

class Spans {
  readonly #spans = new Map<string, { firstMs: number; lastMs: number }>()

  add(key: string, timeMs: number): void {
    const known = this.#spans.get(key)
    if (known === undefined) this.#spans.set(key, { firstMs: timeMs, lastMs: timeMs })
    else {
      known.firstMs = Math.min(known.firstMs, timeMs)
      known.lastMs = Math.max(known.lastMs, timeMs)
    }
  }

  /** The latest first. */
  list(): readonly Seen[] {
    return [...this.#spans].map(([key, span]) => ({ key, ...span })).sort((a, b) => b.lastMs - a.lastMs || (a.key < b.key ? -1 : 1))
  }
}
