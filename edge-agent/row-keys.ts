/**
 * The key of a row, made once, for ever: 64 bits from (store, journal position, row), so that a replay after a crash makes the same keys.
 * A keyed permutation (four Feistel rounds), not a hash: within one store two rows of one record never share a key.
 */
export class RowKeys {
  readonly #store: readonly [number, number, number, number]

  /** 32 hex digits. `purpose` sets one use of positions apart from another. */
  constructor(storeId: string, purpose = 0) {
    const word = (at: number) => Number.parseInt(storeId.slice(at * 8, at * 8 + 8), 16) >>> 0
    this.#store = [(word(0) ^ Math.imul(purpose, 0x9e3779b1)) >>> 0, word(1), word(2), word(3)]
  }

  /** Writes the key of a row (below 2^20) of a position (below 2^44) into two words from `at` on. */
  write(target: Uint32Array, at: number, position: number, row: number): void {
    let left = position >>> 0
    let right = ((Math.floor(position / 0x1_0000_0000) << 20) | row) >>> 0
    for (let round = 0; round < 4; round++) {
      const mixed = (left ^ scramble(right ^ this.#store[round]!)) >>> 0
      left = right
      right = mixed
    }
    if (left === 0 && right === 0) right = 1 // all zero means missing
    target[at] = left
    target[at + 1] = right
  }
}

function scramble(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x7feb352d)
  word = Math.imul(word ^ (word >>> 15), 0x846ca68b)
  return word ^ (word >>> 16)
}
