/**
 * Gathers rows of one record into batches of at most `batchRows`, ready for the outbox, which gives them their lane's next number.
 * Not numbered yet, so `meta` is empty here.
 */
import { BatchBuilder } from '#shared/batch-builder.ts'
import type { Batch, Columns, RecordKind } from '#shared/records.ts'

export type CutBatch = Batch

const unnumbered = { tenant: '', region: '', agent: '', epoch: '', lane: '', seq: 0 } as const

export class RecordWriter<K extends RecordKind> {
  readonly #builder: BatchBuilder<K>
  readonly #batchRows: number
  #sealed: CutBatch[] = []
  /** The code of a text in the batch that is being filled. */
  readonly code: (text: string) => number

  constructor(kind: K, batchRows: number) {
    this.#builder = new BatchBuilder(kind, Math.min(batchRows, 256))
    this.#batchRows = batchRows
    this.code = (text) => this.#builder.code(text)
  }

  /** Read anew after `add`. */
  get columns(): Columns<K> {
    return this.#builder.columns
  }

  get rows(): number {
    return this.#builder.rows + this.#sealed.length * this.#batchRows
  }

  /** Appends a row of missing values and returns its index in `columns`. */
  add(): number {
    if (this.#builder.rows === this.#batchRows) this.#sealed.push(this.#builder.finish(unnumbered) as unknown as CutBatch)
    return this.#builder.add()
  }

  setBytes(name: string, octets: Uint8Array): void {
    this.#builder.setBytes(name, octets)
  }

  /** Hands over everything gathered. */
  drain(): CutBatch[] {
    if (this.#builder.rows > 0) this.#sealed.push(this.#builder.finish(unnumbered) as unknown as CutBatch)
    const sealed = this.#sealed
    this.#sealed = []
    return sealed
  }
}
