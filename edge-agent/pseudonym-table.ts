/**
 * Pseudonyms of the identities met lately, in flat memory: an identity is at most 15 digits and so two words, and its pseudonym four more.
 * A look-up touches one cache line and allocates nothing; what is not there is computed and takes the place of another.
 */
import type { IdentityType, Pseudonymiser } from '#shared/pseudonym.ts'

/** Eight words a record, of which two are spare: two records fill a cache line, and are the two places an identity can be in. */
const recordWords = 8
const highDigits = 7

export class PseudonymTable {
  readonly #pseudonymiser: Pseudonymiser
  readonly #type: IdentityType
  readonly #records: Uint32Array
  readonly #shift: number
  #next = 0

  /** `log2Records`: 32 octets each. */
  constructor(pseudonymiser: Pseudonymiser, type: IdentityType, log2Records: number) {
    this.#pseudonymiser = pseudonymiser
    this.#type = type
    this.#records = new Uint32Array(recordWords * 2 ** log2Records)
    this.#shift = 33 - log2Records
  }

  /** Writes the pseudonym of `digits` (5 to 15 of them, normalised) as four words from `at` on. */
  write(digits: string, target: Uint32Array, at: number): void {
    const { length } = digits
    let high = 1 // leading ones keep leading zeros apart
    let low = 1
    let index = 0
    for (; index < highDigits && index < length; index++) high = Math.imul(high, 10) + digits.charCodeAt(index) - 48
    for (; index < length; index++) low = Math.imul(low, 10) + digits.charCodeAt(index) - 48
    const records = this.#records
    const mixed = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1)
    const set = 2 * recordWords * (Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35) >>> this.#shift)
    let from = set
    if (records[from] !== high || records[from + 1] !== low) {
      from += recordWords
      if (records[from] !== high || records[from + 1] !== low) from = this.#replace(digits, high, low, set)
    }
    target[at] = records[from + 2]!
    target[at + 1] = records[from + 3]!
    target[at + 2] = records[from + 4]!
    target[at + 3] = records[from + 5]!
  }

  #replace(digits: string, high: number, low: number, set: number): number {
    const records = this.#records
    const taken = records[set] !== 0
    const from = taken && (records[set + recordWords] === 0 || (this.#next++ & 1) === 1) ? set + recordWords : set
    records.set(this.#pseudonymiser.compute(this.#type, digits), from + 2)
    records[from] = high
    records[from + 1] = low
    return from
  }
}
