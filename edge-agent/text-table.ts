/**
 * Texts that outlive the batch they came in, as numbers: resolves a batch's text codes once per distinct code and batch, so that a row
 * costs an array read and not a map look-up. Ids hold until `clear`; id 0 is ''.
 */
export class TextTable {
  texts: string[] = ['']
  #ids = new Map<string, number>([['', 0]])
  #batchTexts: readonly string[] = ['']
  #resolved = new Int32Array(64)

  /** From here on, codes are those of this batch. */
  begin(batchTexts: readonly string[]): void {
    this.#batchTexts = batchTexts
    if (this.#resolved.length < batchTexts.length) this.#resolved = new Int32Array(batchTexts.length * 2)
    this.#resolved.fill(-1, 0, batchTexts.length)
  }

  id(code: number): number {
    const id = this.#resolved[code]!
    return id >= 0 ? id : this.#resolve(code)
  }

  clear(): void {
    this.texts = ['']
    this.#ids = new Map([['', 0]])
  }

  idOf(text: string): number {
    let id = this.#ids.get(text)
    if (id === undefined) {
      id = this.texts.length
      this.texts.push(text)
      this.#ids.set(text, id)
    }
    return id
  }

  #resolve(code: number): number {
    const id = this.idOf(this.#batchTexts[code]!)
    this.#resolved[code] = id
    return id
  }
}
