/**
 * A mergeable sketch of a distribution of positive numbers, after DDSketch (Masson, Rim, Lee: VLDB 2019): logarithmic bins, so that
 * any quantile is within `relativeAccuracy` of the exact value, whatever the number of merges, and merging is the addition of counts.
 *
 * One fixed accuracy everywhere, so that every sketch merges with every other. Values below `minValue` fall in the zero bin.
 * RSRP is negative: it is sketched as −dBm, and quantile q of RSRP is −quantile(1 − q).
 * Encoded: one octet of version, then a varint zero count, then pairs (varint gap to the next bin, varint count), ascending.
 */

export const relativeAccuracy = 0.004
const gamma = (1 + relativeAccuracy) / (1 - relativeAccuracy)
const scale = 1 / Math.log(gamma)
const minValue = 1e-3
const maxValue = 1e9
const encodingVersion = 1
/** Bin of `minValue`; bins are stored relative to it so that they are never negative. */
const firstBin = Math.ceil(Math.log(minValue) * scale)
const lastBin = Math.ceil(Math.log(maxValue) * scale) - firstBin

/** The octets are no sketch of this version. */
export class BadSketch extends Error {}

export class QuantileSketch {
  #zeroes = 0
  #total = 0
  #counts = new Float64Array(0)
  /** Bin of `#counts[0]`; the array covers only the range in use. */
  #base = 0

  get count(): number {
    return this.#total
  }

  /** Adds a value ≥ 0. A value that is not finite is not counted. */
  add(value: number, times = 1): void {
    if (!(value >= 0) || value === Number.POSITIVE_INFINITY) return
    this.#total += times
    if (value < minValue) this.#zeroes += times
    else this.#increment(Math.min(lastBin, Math.ceil(Math.log(value) * scale) - firstBin), times)
  }

  /** Adds what another sketch counted. */
  merge(other: QuantileSketch): void {
    this.#total += other.#total
    this.#zeroes += other.#zeroes
    for (let at = 0; at < other.#counts.length; at++) {
      const times = other.#counts[at]!
      if (times !== 0) this.#increment(other.#base + at, times)
    }
  }

  /** Value at quantile `q` in 0…1 (nearest rank), NaN when nothing was counted. */
  quantile(q: number): number {
    if (this.#total === 0) return Number.NaN
    const rank = Math.min(this.#total - 1, Math.max(0, Math.ceil(q * this.#total) - 1))
    let seen = this.#zeroes
    if (rank < seen) return 0
    for (let at = 0; at < this.#counts.length; at++) {
      seen += this.#counts[at]!
      if (rank < seen) return (2 * Math.exp((this.#base + at + firstBin) / scale)) / (gamma + 1)
    }
    return Number.NaN
  }

  clear(): void {
    this.#zeroes = 0
    this.#total = 0
    this.#counts.fill(0)
  }

  /** Empty (no octets) when nothing was counted. */
  encode(): Uint8Array {
    if (this.#total === 0) return new Uint8Array(0)
    const octets: number[] = [encodingVersion]
    pushVarint(octets, this.#zeroes)
    let previous = 0
    for (let at = 0; at < this.#counts.length; at++) {
      const times = this.#counts[at]!
      if (times === 0) continue
      pushVarint(octets, this.#base + at - previous)
      pushVarint(octets, times)
      previous = this.#base + at
    }
    return Uint8Array.from(octets)
  }

  /** Throws `BadSketch`. No octets are an empty sketch. */
  static decode(octets: Uint8Array): QuantileSketch {
    const sketch = new QuantileSketch()
    if (octets.length === 0) return sketch
    if (octets[0] !== encodingVersion)
      throw new BadSketch(`sketch version ${octets[0]} is not known here (this side reads ${encodingVersion})`)
    const cursor = { octets, at: 1 }
    sketch.#zeroes = readVarint(cursor)
    sketch.#total = sketch.#zeroes
    let bin = 0
    while (cursor.at < octets.length) {
      bin += readVarint(cursor)
      if (bin > lastBin) throw new BadSketch(`bin ${bin} is beyond the last one, ${lastBin}`)
      const times = readVarint(cursor)
      sketch.#increment(bin, times)
      sketch.#total += times
    }
    return sketch
  }

  #increment(bin: number, times: number): void {
    if (this.#counts.length === 0) {
      this.#base = Math.max(0, bin - 8)
      this.#counts = new Float64Array(16)
    } else if (bin < this.#base) {
      const base = Math.max(0, bin - 16)
      const counts = new Float64Array(this.#counts.length + this.#base - base)
      counts.set(this.#counts, this.#base - base)
      this.#counts = counts
      this.#base = base
    } else if (bin >= this.#base + this.#counts.length) {
      const counts = new Float64Array(bin - this.#base + 17)
      counts.set(this.#counts)
      this.#counts = counts
    }
    this.#counts[bin - this.#base]! += times
  }
}

function pushVarint(octets: number[], value: number): void {
  while (value >= 0x80) {
    octets.push((value % 0x80) | 0x80)
    value = Math.floor(value / 0x80)
  }
  octets.push(value)
}

function readVarint(cursor: { readonly octets: Uint8Array; at: number }): number {
  let value = 0
  let unit = 1
  for (;;) {
    const octet = cursor.octets[cursor.at++]
    if (octet === undefined || unit > 2 ** 49) throw new BadSketch('the octets end inside a number')
    value += (octet & 0x7f) * unit
    if (octet < 0x80) return value
    unit *= 0x80
  }
}
