/**
 * Randomness by name: every entity (a site, a subscriber, a planted swap) draws from its own generator, whose state is made from the
 * seed and the entity's name. So the same seed gives the same world on any machine, and one more cell or subscriber changes none of the
 * others. Nothing here reads a clock or `Math.random`.
 */
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus'

const inverse32 = 1 / 2 ** 32

export class Random {
  readonly #source: { next(): number }

  constructor(source: { next(): number }) {
    this.#source = source
  }

  /** Uniform in [0, 1), 32 bits fine. */
  unit(): number {
    return (this.#source.next() >>> 0) * inverse32
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.unit()
  }

  /** Whole number in [0, below). */
  integer(below: number): number {
    return Math.floor(this.unit() * below)
  }

  chance(share: number): boolean {
    return this.unit() < share
  }

  pick<T>(from: readonly T[]): T {
    return from[this.integer(from.length)]!
  }

  /** Standard normal (Box–Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.unit())) * Math.cos(2 * Math.PI * this.unit())
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.unit())
  }
}

/** The generator of the entity that is named by these parts. */
export function randomFor(...name: readonly (string | number)[]): Random {
  const text = name.join('\u0000')
  const state = [0x9e3779b9, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f].map((salt) => hashText(text, salt) | 0)
  const source = xoroshiro128plusFromState(state)
  for (let warm = 0; warm < 4; warm++) source.next()
  return new Random(source)
}

/** 32 well-mixed bits of a text. */
export function hashText(text: string, salt = 0): number {
  let hash = mix(salt ^ text.length)
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) ^ (hash >>> 15)
  return mix(hash)
}

/** 32 well-mixed bits of a lattice point. */
export function hashPoint(seed: number, x: number, y: number): number {
  return mix(mix(seed ^ Math.imul(x, 0x27d4eb2f)) ^ Math.imul(y, 0x165667b1))
}

function mix(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
  return (word ^ (word >>> 16)) >>> 0
}
