/**
 * From a key of four 32-bit words to a dense slot number, by open addressing in typed arrays: no object and no string per look-up.
 * Slots are given out in order from 0 and live until `clear`; whoever keeps values keeps them in arrays of its own, by slot.
 */
export class KeyTable {
  size = 0
  /** Word w of slot s is `words[s * 4 + w]`. Read anew after a look-up that may have added a slot. */
  words: Uint32Array
  #index: Int32Array
  #mask: number

  constructor(capacity = 256) {
    this.#mask = 2 * 2 ** Math.ceil(Math.log2(capacity)) - 1
    this.#index = new Int32Array(this.#mask + 1).fill(-1)
    this.words = new Uint32Array(((this.#mask + 1) / 2) * 4)
  }

  /** The slot of a key, a new one (equal to the old `size`) when the key was not there. */
  slot(a: number, b: number, c: number, d: number): number {
    let at = hashWords(a, b, c, d) & this.#mask
    for (;;) {
      const slot = this.#index[at]!
      if (slot < 0) return this.#add(at, a, b, c, d)
      const word = slot * 4
      const { words } = this
      if (words[word] === a && words[word + 1] === b && words[word + 2] === c && words[word + 3] === d) return slot
      at = (at + 1) & this.#mask
    }
  }

  clear(): void {
    this.size = 0
    this.#index.fill(-1)
  }

  #add(at: number, a: number, b: number, c: number, d: number): number {
    const slot = this.size++
    this.#index[at] = slot
    const word = slot * 4
    this.words[word] = a
    this.words[word + 1] = b
    this.words[word + 2] = c
    this.words[word + 3] = d
    if (this.size * 4 === this.words.length) this.#grow()
    return slot
  }

  #grow(): void {
    const words = new Uint32Array(this.words.length * 2)
    words.set(this.words)
    this.words = words
    this.#mask = this.#mask * 2 + 1
    this.#index = new Int32Array(this.#mask + 1).fill(-1)
    for (let slot = 0; slot < this.size; slot++) {
      const word = slot * 4
      let at = hashWords(words[word]!, words[word + 1]!, words[word + 2]!, words[word + 3]!) & this.#mask
      while (this.#index[at]! >= 0) at = (at + 1) & this.#mask
      this.#index[at] = slot
    }
  }
}

export function hashWords(a: number, b: number, c: number, d: number): number {
  let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35) ^ Math.imul(c, 0x27d4eb2f)
  hash = Math.imul(hash ^ (hash >>> 13), 0x165667b1) ^ Math.imul(d, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}
