/**
 * The fixed record of each subscriber: where they are, how they move, what was last told. 128 octets in pages of raw buffers.
 *
 * One writer per shard. Words are named below; times are f64 (two words). All zero is a subscriber never seen.
 */
import { wordsOf } from './key-table.ts'

const pageBits = 12
const pageRecords = 1 << pageBits
const pageMask = pageRecords - 1
export const recordWords = 32

/** f64 positions in a record. */
export const f = { lastMs: 0, fixMs: 1, toldMs: 2, leftMs: 3 } as const
/** f32 word positions. */
export const x = { x: 8, y: 9, vx: 10, vy: 11, p00: 12, p01: 13, p11: 14, toldX: 15, toldY: 16 } as const
/** u32 word positions. `motion`: class, candidate class, rejects, alternations (one octet each, lowest first). */
export const w = {
  /** Seconds; of the number's binding told last, while the number is this SIM's alone (soles.ts). */
  numberToldS: 17,
  cell: 18,
  previousCell: 19,
  motion: 20,
  candidateS: 21,
  alternationS: 22,
  number: 23,
  device: 24,
  /** Two words each: the first 64 bits of number and device while they are this SIM's alone (soles.ts); else zero. */
  numberTag: 25,
  deviceTag: 27,
  /** Seconds of the last claim; `unclaimed`, `released` (claims.ts). */
  claimS: 29,
  observedCell: 30,
  toldCell: 31,
} as const

export class RecordPage {
  readonly f64: Float64Array
  readonly f32: Float32Array
  readonly u32: Uint32Array

  constructor(buffer: ArrayBuffer) {
    this.f64 = new Float64Array(buffer)
    this.f32 = new Float32Array(buffer)
    this.u32 = new Uint32Array(buffer)
  }
}

export class SubscriberTable {
  #pages: RecordPage[] = []

  /** The page that holds a subscriber's record; `wordAt` says where in it. */
  page(local: number): RecordPage {
    const number = local >>> pageBits
    while (number >= this.#pages.length) this.#pages.push(new RecordPage(new ArrayBuffer(pageRecords * recordWords * 4)))
    return this.#pages[number]!
  }

  wordAt(local: number): number {
    return (local & pageMask) * recordWords
  }

  get bytes(): number {
    return this.#pages.length * pageRecords * recordWords * 4
  }

  snapshot(): Uint8Array[] {
    return this.#pages.map((page) => new Uint8Array(page.u32.buffer))
  }

  restore(parts: readonly Uint8Array[]): void {
    this.#pages = parts.map((part) => new RecordPage(wordsOf(part).buffer))
  }
}
