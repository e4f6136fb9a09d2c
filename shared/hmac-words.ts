/**
 * HMAC-SHA-256 of short ASCII texts, cut to its first four 32-bit words (RFC 2104, FIPS 180-4).
 *
 * Written out here because a pseudonym is one of the few things made per event: node:crypto takes 4 to 24 µs a call for its objects alone,
 * these two compressions from stored states take well under one. Its test holds it against node:crypto.
 */
import { createHash } from 'node:crypto'

const blockBytes = 64
/** What fits into one block beside the padding; longer texts are refused. */
export const maxTextBytes = blockBytes - 9

/** Round constants, FIPS 180-4 §4.2.2. */
const k = Uint32Array.from(
  (
    '428a2f9871374491b5c0fbcfe9b5dba53956c25b59f111f1923f82a4ab1c5ed5d807aa9812835b01243185be550c7dc372be5d7480deb1fe9bdc06a7c19bf174' +
    'e49b69c1efbe47860fc19dc6240ca1cc2de92c6f4a7484aa5cb0a9dc76f988da983e5152a831c66db00327c8bf597fc7c6e00bf3d5a7914706ca635114292967' +
    '27b70a852e1b21384d2c6dfc53380d13650a7354766a0abb81c2c92e92722c85a2bfe8a1a81a664bc24b8b70c76c51a3d192e819d6990624f40e3585106aa070' +
    '19a4c1161e376c082748774c34b0bcb5391c0cb34ed8aa4a5b9cca4f682e6ff3748f82ee78a5636f84c878148cc7020890befffaa4506cebbef9a3f7c67178f2'
  ).match(/.{8}/g)!,
  (word) => Number.parseInt(word, 16),
)
const initial = Uint32Array.of(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19)

export class HmacWords {
  readonly #inner: Uint32Array
  readonly #outer: Uint32Array
  readonly #state = new Uint32Array(8)
  readonly #block = new Int32Array(64)

  constructor(secret: Uint8Array) {
    const key = new Uint8Array(blockBytes)
    key.set(secret.length > blockBytes ? createHash('sha256').update(secret).digest() : secret)
    this.#inner = this.#keyState(key, 0x36)
    this.#outer = this.#keyState(key, 0x5c)
  }

  /** The first four words of the digest. `text` is ASCII, at most 55 characters. */
  words(text: string): Uint32Array {
    const { length } = text
    if (length > maxTextBytes) throw new Error('too long for one block')
    const block = this.#block
    block.fill(0, 0, 16)
    for (let at = 0; at < length; at++) block[at >> 2]! |= text.charCodeAt(at) << (24 - 8 * (at & 3))
    block[length >> 2]! |= 0x80 << (24 - 8 * (length & 3))
    block[15] = 8 * (blockBytes + length)
    const state = this.#state
    state.set(this.#inner)
    compress(state, block)
    block.fill(0, 8, 16)
    for (let word = 0; word < 8; word++) block[word] = state[word]!
    block[8] = 0x80000000 | 0
    block[15] = 8 * (blockBytes + 32)
    state.set(this.#outer)
    compress(state, block)
    return state.slice(0, 4)
  }

  #keyState(key: Uint8Array, pad: number): Uint32Array {
    const state = Uint32Array.from(initial)
    this.#block.fill(0, 0, 16)
    for (let at = 0; at < blockBytes; at++) this.#block[at >> 2]! |= (key[at]! ^ pad) << (24 - 8 * (at & 3))
    compress(state, this.#block)
    return state
  }
}

function compress(state: Uint32Array, w: Int32Array): void {
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15]!
    const y = w[t - 2]!
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
    w[t] = (w[t - 16]! + s0 + w[t - 7]! + s1) | 0
  }
  let a = state[0]! | 0
  let b = state[1]! | 0
  let c = state[2]! | 0
  let d = state[3]! | 0
  let e = state[4]! | 0
  let f = state[5]! | 0
  let g = state[6]! | 0
  let h = state[7]! | 0
  for (let t = 0; t < 64; t++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + k[t]! + w[t]!) | 0
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  state[0] = (state[0]! + a) | 0
  state[1] = (state[1]! + b) | 0
  state[2] = (state[2]! + c) | 0
  state[3] = (state[3]! + d) | 0
  state[4] = (state[4]! + e) | 0
  state[5] = (state[5]! + f) | 0
  state[6] = (state[6]! + g) | 0
  state[7] = (state[7]! + h) | 0
}
