/**
 * 64-bit keyed hashes of (source, event_id): what is remembered of an event id. Keyed with the store's own secret, so that nobody outside
 * can find two ids that meet. Two lanes of murmur3 with different seeds; at a million ids a chance meeting is one in 10^13 per event.
 */

/** The hash of a source, from which the hashes of its event ids go on. */
export interface SourceSeed {
  readonly low: number
  readonly high: number
}

export class IdHasher {
  readonly #key: Uint32Array
  low = 0
  high = 0

  /** `key`: four random words, the same for the life of the store. */
  constructor(key: Uint32Array) {
    this.#key = key
  }

  seed(source: string): SourceSeed {
    this.#run(source, this.#key[0]!, this.#key[1]!)
    return { low: this.low, high: this.high }
  }

  /** Sets `low` and `high`; both zero never comes out: that means an event without an id. */
  hash(seed: SourceSeed, eventId: string): void {
    this.#run(eventId, seed.low ^ this.#key[2]!, seed.high ^ this.#key[3]!)
    if ((this.low | this.high) === 0) this.low = 1
  }

  /** 16 hex digits of a text's hash, to tell apart what may not be kept. */
  hex(text: string): string {
    this.#run(text, this.#key[2]!, this.#key[0]!)
    return this.high.toString(16).padStart(8, '0') + this.low.toString(16).padStart(8, '0')
  }

  #run(text: string, low: number, high: number): void {
    const length = text.length
    for (let at = 0; at < length; at += 2) {
      const unit = text.charCodeAt(at) | (at + 1 < length ? text.charCodeAt(at + 1) << 16 : 0)
      let k = Math.imul(unit, 0xcc9e2d51)
      k = Math.imul((k << 15) | (k >>> 17), 0x1b873593)
      low ^= k
      low = (Math.imul((low << 13) | (low >>> 19), 5) + 0xe6546b64) | 0
      k = Math.imul(unit, 0x239b961b)
      k = Math.imul((k << 16) | (k >>> 16), 0xab0e9789)
      high ^= k
      high = (Math.imul((high << 19) | (high >>> 13), 5) + 0x561ccd1b) | 0
    }
    low = mix(low ^ length)
    high = mix(high ^ length)
    this.low = (low + high) >>> 0
    this.high = (high + this.low) >>> 0
  }
}

function mix(h: number): number {
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}
