/** The model (TAC) of each device, by its reference. */
import { missing } from '#shared/records.ts'
import { octets, wordsOf } from './key-table.ts'

export class ModelTable {
  #models = new Uint32Array(1024).fill(missing.u32)

  note(device: number, model: number): void {
    if (device >= this.#models.length) {
      const models = new Uint32Array(2 ** Math.ceil(Math.log2(device + 1))).fill(missing.u32)
      models.set(this.#models)
      this.#models = models
    }
    if (model !== missing.u32) this.#models[device] = model
  }

  of(device: number): number {
    return device === 0 ? missing.u32 : (this.#models[device] ?? missing.u32)
  }

  get bytes(): number {
    return this.#models.byteLength
  }

  snapshot(): Uint8Array[] {
    return [octets(this.#models)]
  }

  restore(parts: readonly Uint8Array[]): void {
    this.#models = wordsOf(parts[0]!)
  }
}
