import { canonicalCell } from '#shared/cell-id.ts'
import type { EventBatch } from './event-batch.ts'

/** Cells as codes of the current batch. One look-up for a cell seen before in it; canonical forms are remembered beyond it, bounded. */
export class CellCodes {
  static readonly none = -1
  #batch: EventBatch | undefined
  #codes = new Map<string, number>()
  #canonical = new Map<string, string>()
  readonly #remembered: number

  constructor(remembered = 20_000) {
    this.#remembered = remembered
  }

  bind(batch: EventBatch): void {
    this.#batch = batch
    this.#codes.clear()
  }

  /** −1 for a text that is no cell. */
  code(text: string): number {
    return this.#codes.get(text) ?? this.#first(text)
  }

  #first(text: string): number {
    let canonical = this.#canonical.get(text)
    if (canonical === undefined) {
      canonical = canonicalCell(text)
      if (canonical === undefined) return CellCodes.none
      if (this.#canonical.size >= this.#remembered) this.#canonical.clear()
      this.#canonical.set(text, canonical)
    }
    const code = this.#batch!.code(canonical)
    this.#codes.set(text, code)
    return code
  }
}
