/**
 * What was last said of each subscriber, in fixed memory: ways of eight slots, found by the first 64 bits of the pseudonym; in a full way
 * the slot whose news is oldest makes room. 52 octets a slot, no object per look-up that finds nothing new.
 */
import type { sightingReasons } from '#shared/records.ts'
import { hashWords } from './key-table.ts'

/** Why a look-up is worth a sighting. `moved`: a known device or number was replaced by another. */
export interface Novelty {
  readonly reason: (typeof sightingReasons)[number]
  readonly moved: boolean
}

const novelty = (reason: Novelty['reason'], moved: boolean): Novelty => ({ reason, moved })
const first = novelty('first', false)
const newCell = novelty('cell', false)
const deviceKnown = novelty('device', false)
const deviceMoved = novelty('device', true)
const numberKnown = novelty('number', false)
const numberMoved = novelty('number', true)
const fix = novelty('fix', false)
const keepAlive = novelty('keep-alive', false)

const ways = 8
/** Words of a slot: second word of the subscriber, kind of key, device 2–3, number 4–5, cell 6–7: half a cache line. */
const stride = 8

export class SubscriberTable {
  readonly #keepAliveMs: number
  readonly #mask: number
  readonly #words: Uint32Array
  /** First word of the subscriber by slot: a way's eight are side by side, so that a look-up reads one cache line to find its slot. */
  readonly #tags: Uint32Array
  /** Per slot: event time of the newest news, event time of the newest sighting. */
  readonly #times: Float64Array

  constructor(subscribers: number, keepAliveMs: number) {
    this.#keepAliveMs = keepAliveMs
    const buckets = 2 ** Math.max(0, Math.ceil(Math.log2(subscribers / ways)))
    this.#mask = buckets - 1
    this.#words = new Uint32Array(buckets * ways * stride)
    this.#tags = new Uint32Array(buckets * ways)
    this.#times = new Float64Array(buckets * ways * 2).fill(Number.NEGATIVE_INFINITY)
  }

  /** Ids and cell are pairs of words, all zero when unknown. Undefined: nothing new. */
  look(
    who0: number,
    who1: number,
    bySim: boolean,
    timeMs: number,
    device0: number,
    device1: number,
    number0: number,
    number1: number,
    cell0: number,
    cell1: number,
    isFix: boolean,
  ): Novelty | undefined {
    const words = this.#words
    const tags = this.#tags
    const kind = bySim ? 1 : 2
    const start = (hashWords(who0, who1, kind, 0) & this.#mask) * ways
    let slot = -1
    for (let at = start; at < start + ways; at++) {
      if (tags[at] === who0 && words[at * stride] === who1 && words[at * stride + 1] === kind) {
        slot = at
        break
      }
    }
    const hasDevice = device0 !== 0 || device1 !== 0
    const hasNumber = number0 !== 0 || number1 !== 0
    if (slot < 0) {
      if (cell0 === 0 && !isFix && !hasDevice && !hasNumber) return undefined
      this.#insert(start, who0, who1, kind)
      const taken = this.#oldest
      this.#learn(taken, timeMs, device0, device1, number0, number1, cell0, cell1)
      this.#times[taken * 2 + 1] = timeMs
      return first
    }
    const word = slot * stride
    let found: Novelty | undefined
    if (hasDevice && (words[word + 2] !== device0 || words[word + 3] !== device1)) {
      found = words[word + 2] === 0 && words[word + 3] === 0 ? deviceKnown : deviceMoved
    }
    if (hasNumber && found !== deviceMoved && (words[word + 4] !== number0 || words[word + 5] !== number1)) {
      const moved = words[word + 4] !== 0 || words[word + 5] !== 0
      if (moved) found = numberMoved
      else found ??= numberKnown
    }
    if (found === undefined) {
      if (cell0 !== 0 && (words[word + 6] !== cell0 || words[word + 7] !== cell1)) found = newCell
      else if (isFix) found = fix
      else if (timeMs - this.#times[slot * 2 + 1]! >= this.#keepAliveMs) found = keepAlive
    }
    if (timeMs >= this.#times[slot * 2]!) this.#learn(slot, timeMs, device0, device1, number0, number1, cell0, cell1)
    if (found !== undefined && timeMs > this.#times[slot * 2 + 1]!) this.#times[slot * 2 + 1] = timeMs
    return found
  }

  #oldest = 0

  #insert(start: number, who0: number, who1: number, kind: number): void {
    let oldest = start
    for (let at = start + 1; at < start + ways; at++) if (this.#times[at * 2]! < this.#times[oldest * 2]!) oldest = at
    const word = oldest * stride
    this.#words.fill(0, word, word + stride)
    this.#tags[oldest] = who0
    this.#words[word] = who1
    this.#words[word + 1] = kind
    this.#oldest = oldest
  }

  #learn(
    slot: number,
    timeMs: number,
    device0: number,
    device1: number,
    number0: number,
    number1: number,
    cell0: number,
    cell1: number,
  ): void {
    const words = this.#words
    const word = slot * stride
    this.#times[slot * 2] = timeMs
    if (device0 !== 0 || device1 !== 0) {
      words[word + 2] = device0
      words[word + 3] = device1
    }
    if (number0 !== 0 || number1 !== 0) {
      words[word + 4] = number0
      words[word + 5] = number1
    }
    if (cell0 !== 0) {
      words[word + 6] = cell0
      words[word + 7] = cell1
    }
  }
}
