/**
 * 128-bit pseudonyms → small consecutive numbers, by open addressing on typed arrays: nothing of V8's is made per key.
 *
 * A key's number is given once and never moves. Growth is spread over the inserts that follow it, so no single call pauses for long.
 * One writer. Number 0 is "missing". 32 octets a row (the key, and four words of its owner's beside it: whoever compared the key has them in
 * the same cache line) and 8 a slot at a load of at most 0.7.
 */
const pageBits = 13
const rowWords = 8
/** Where in a row its owner's words begin. */
export const ownWords = 4
const pageKeys = 1 << pageBits
const pageMask = pageKeys - 1
const migratedPerInsert = 64

export class KeyTable {
  size = 0
  #pages: Uint32Array[] = []
  #slots = new Uint32Array(1024 * 2)
  #used = 0
  #oldSlots: Uint32Array | undefined
  #migrated = 0

  constructor() {
    this.#pages.push(new Uint32Array(pageKeys * rowWords))
  }

  /** The key's number, 0 when it is missing or was never added. */
  find(words: Uint32Array, at: number): number {
    const a = words[at]!
    const b = words[at + 1]!
    const c = words[at + 2]!
    const d = words[at + 3]!
    if ((a | b | c | d) === 0) return 0
    const found = this.#probe(this.#slots, a, b, c, d)
    if (found !== 0 || this.#oldSlots === undefined) return found
    return this.#probe(this.#oldSlots, a, b, c, d)
  }

  /**
   * The numbers of the keys of many rows, 0 for those missing or new. Their memory is asked for together, in one loop over the slots and one over
   * the keys: the machine waits once for many lines where it would wait for each.
   */
  findAll(words: Uint32Array, from: number, to: number, found: Uint32Array): void {
    const slots = this.#slots
    const mask = slots.length / 2 - 1
    for (let row = from; row < to; row++) {
      const slot = (words[row * 4 + 1]! & mask) * 2
      found[row - from] = slots[slot + 1] === words[row * 4] ? slots[slot]! : 0
    }
    for (let row = from; row < to; row++) {
      const at = row * 4
      const number = found[row - from]!
      const page = this.#pages[number >>> pageBits]!
      const key = (number & pageMask) * rowWords
      const isFound =
        page[key + 1] === words[at + 1] && page[key + 2] === words[at + 2] && page[key + 3] === words[at + 3] && page[key] === words[at]
      if (!isFound || number === 0) found[row - from] = this.find(words, at)
    }
  }

  /** The page that holds a key's row; `rowAt` says where in it. */
  page(number: number): Uint32Array {
    return this.#pages[number >>> pageBits]!
  }

  rowAt(number: number): number {
    return (number & pageMask) * rowWords
  }

  /** The key's number; a new key gets the next one. 0 for a missing key. */
  add(words: Uint32Array, at: number): number {
    const known = this.find(words, at)
    if (known !== 0 || (words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]!) === 0) return known
    const number = ++this.size
    if (number >>> pageBits >= this.#pages.length) this.#pages.push(new Uint32Array(pageKeys * rowWords))
    this.#pages[number >>> pageBits]!.set(words.subarray(at, at + 4), (number & pageMask) * rowWords)
    if (this.#used >= this.#slots.length * 0.35) this.#grow()
    if (this.#oldSlots !== undefined) this.#migrate(migratedPerInsert)
    this.#place(number)
    return number
  }

  /** Copies the key of a number into `target`. */
  copy(number: number, target: Uint32Array, at: number): void {
    const page = this.#pages[number >>> pageBits]!
    const from = (number & pageMask) * rowWords
    target[at] = page[from]!
    target[at + 1] = page[from + 1]!
    target[at + 2] = page[from + 2]!
    target[at + 3] = page[from + 3]!
  }

  word(number: number, word: number): number {
    return this.#pages[number >>> pageBits]![(number & pageMask) * rowWords + word]!
  }

  hex(number: number): string {
    if (number === 0) return ''
    let hex = ''
    for (let word = 0; word < 4; word++) hex += this.word(number, word).toString(16).padStart(8, '0')
    return hex
  }

  /** Order by content, the same in every process. */
  compare(a: number, b: number): number {
    if (a === b) return 0
    for (let word = 0; word < 4; word++) {
      const difference = this.word(a, word) - this.word(b, word)
      if (difference !== 0) return difference
    }
    return 0
  }

  get bytes(): number {
    return this.#pages.length * pageKeys * rowWords * 4 + this.#slots.byteLength + (this.#oldSlots?.byteLength ?? 0)
  }

  /** The raw pages; the slots are made again by `restore`. */
  snapshot(): Uint8Array[] {
    return [octets(Uint32Array.of(this.size)), ...this.#pages.map(octets)]
  }

  restore(parts: readonly Uint8Array[]): void {
    this.size = wordsOf(parts[0]!)[0]!
    this.#pages = parts.slice(1).map(wordsOf)
    this.#oldSlots = undefined
    this.#slots = new Uint32Array(2 * 2 ** Math.max(10, Math.ceil(Math.log2(this.size / 0.5 + 1))))
    this.#used = 0
    for (let number = 1; number <= this.size; number++) this.#place(number)
  }

  #probe(slots: Uint32Array, a: number, b: number, c: number, d: number): number {
    const mask = slots.length / 2 - 1
    for (let slot = b & mask; ; slot = (slot + 1) & mask) {
      const number = slots[slot * 2]!
      if (number === 0) return 0
      // The slot holds the key's first word: another key is passed by without a look at its page.
      if (slots[slot * 2 + 1] !== a) continue
      const page = this.#pages[number >>> pageBits]!
      const at = (number & pageMask) * rowWords
      if (page[at + 1] === b && page[at + 2] === c && page[at + 3] === d) return number
    }
  }

  #place(number: number): void {
    const mask = this.#slots.length / 2 - 1
    let slot = this.word(number, 1) & mask
    while (this.#slots[slot * 2] !== 0) slot = (slot + 1) & mask
    this.#slots[slot * 2] = number
    this.#slots[slot * 2 + 1] = this.word(number, 0)
    this.#used++
  }

  #grow(): void {
    if (this.#oldSlots !== undefined) this.#migrate(this.#oldSlots.length / 2)
    this.#oldSlots = this.#slots
    this.#slots = new Uint32Array(this.#oldSlots.length * 2)
    this.#used = 0
    this.#migrated = 0
  }

  /** Copies keys to the new slots; the old ones stay readable until all are over, so that no probe chain breaks. */
  #migrate(count: number): void {
    const old = this.#oldSlots!
    const end = Math.min(old.length / 2, this.#migrated + count)
    for (; this.#migrated < end; this.#migrated++) {
      if (old[this.#migrated * 2] !== 0) this.#place(old[this.#migrated * 2]!)
    }
    if (this.#migrated === old.length / 2) this.#oldSlots = undefined
  }
}

export function octets(array: Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

/** A copy as 32-bit words, aligned whatever the part's offset. */
export function wordsOf(part: Uint8Array): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(part.byteLength / 4)
  new Uint8Array(words.buffer).set(part)
  return words
}
