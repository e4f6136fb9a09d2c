/**
 * Pseudonyms of the identities met lately, in flat memory: an identity is at most 15 digits and so a number, and its pseudonym four words.
 * A look-up touches two cache lines and allocates nothing; what is not there is computed and takes the place of another.
 */
import type { IdentityType, Pseudonymiser } from '#shared/pseudonym.ts'

const ways = 4

export class PseudonymTable {
  readonly #pseudonymiser: Pseudonymiser
  readonly #type: IdentityType
  readonly #keys: Float64Array
  readonly #words: Uint32Array
  readonly #shift: number
  #next = 0

  /** `log2Slots`: 24 octets each. */
  constructor(pseudonymiser: Pseudonymiser, type: IdentityType, log2Slots = 18) {
    this.#pseudonymiser = pseudonymiser
    this.#type = type
    this.#keys = new Float64Array(2 ** log2Slots)
    this.#words = new Uint32Array(4 * 2 ** log2Slots)
    this.#shift = 32 - log2Slots + 2
  }

  /** Writes the pseudonym of `digits` (5 to 15 of them, normalised) as four words from `at` on. */
  write(digits: string, target: Uint32Array, at: number): void {
    let key = 1 // a leading one keeps leading zeros apart
    let hash = 0
    for (let index = 0; index < digits.length; index++) {
      const digit = digits.charCodeAt(index) - 48
      key = key * 10 + digit
      hash = Math.imul(hash, 33) + digit
    }
    const first = ways * (Math.imul(hash ^ (hash >>> 15), 0x9e3779b1) >>> this.#shift)
    let slot = first
    while (this.#keys[slot] !== key) {
      if (++slot < first + ways) continue
      slot = first + (this.#next++ & (ways - 1))
      this.#words.set(this.#pseudonymiser.compute(this.#type, digits), 4 * slot)
      this.#keys[slot] = key
      break
    }
    const words = this.#words
    const from = 4 * slot
    target[at] = words[from]!
    target[at + 1] = words[from + 1]!
    target[at + 2] = words[from + 2]!
    target[at + 3] = words[from + 3]!
  }
}
