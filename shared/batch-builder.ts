/**
 * Builds a batch row by row into growing typed arrays. Owned by one writer; `finish` hands the arrays over and starts afresh.
 * Adding a row fills it with "missing" in every column, so that a writer sets only what it knows.
 */
import {
  type Batch,
  type BatchMeta,
  type BytesColumn,
  type Columns,
  type ColumnType,
  missing,
  type RecordKind,
  recordSchemas,
  wordsPerRow,
} from './records.ts'

type NumericArray = Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array

export class BatchBuilder<K extends RecordKind> {
  readonly kind: K
  /** Valid until the next `add`, which may grow and thereby replace the arrays: read `columns` anew after it. */
  columns: Columns<K>
  rows = 0
  #capacity: number
  readonly #schema: [name: string, type: ColumnType][]
  readonly #octetColumns: readonly string[]
  #texts: string[] = ['']
  #codes = new Map<string, number>([['', 0]])

  constructor(kind: K, capacity = 256) {
    this.kind = kind
    this.#capacity = capacity
    this.#schema = Object.entries(recordSchemas[kind]) as [string, ColumnType][]
    this.#octetColumns = this.#schema.filter(([, type]) => type === 'bytes').map(([name]) => name)
    this.columns = this.#allocate(capacity)
  }

  /** Appends a row of missing values and returns its index. */
  add(): number {
    if (this.rows === this.#capacity) this.#grow(this.#capacity * 2)
    const row = this.rows++
    for (const name of this.#octetColumns) {
      const column = this.#column(name) as BytesColumn
      column.offsets[row + 1] = column.offsets[row]!
    }
    return row
  }

  /** The code of a text in this batch's table. */
  code(text: string): number {
    let code = this.#codes.get(text)
    if (code === undefined) {
      code = this.#texts.length
      this.#texts.push(text)
      this.#codes.set(text, code)
    }
    return code
  }

  /** Sets the octets of the last added row. */
  setBytes(name: string, octets: Uint8Array): void {
    const column = this.#column(name) as BytesColumn
    const from = column.offsets[this.rows - 1]!
    if (from + octets.length > column.data.length) {
      const data = new Uint8Array(Math.max(column.data.length * 2, from + octets.length))
      data.set(column.data)
      column.data = data
    }
    column.data.set(octets, from)
    column.offsets[this.rows] = from + octets.length
  }

  /** Hands the rows over as a batch and starts a new one. */
  finish(meta: BatchMeta): Batch<K> {
    const batch: Batch<K> = { kind: this.kind, rows: this.rows, columns: this.columns, texts: this.#texts, meta }
    this.rows = 0
    this.columns = this.#allocate(this.#capacity)
    this.#texts = ['']
    this.#codes = new Map([['', 0]])
    return batch
  }

  #column(name: string): ColumnArraysValue {
    return (this.columns as Record<string, ColumnArraysValue>)[name]!
  }

  #allocate(rows: number): Columns<K> {
    const columns: Record<string, ColumnArraysValue> = {}
    for (const [name, type] of this.#schema) columns[name] = allocateColumn(type, rows)
    return columns as Columns<K>
  }

  #grow(rows: number): void {
    const columns: Record<string, ColumnArraysValue> = {}
    for (const [name, type] of this.#schema) {
      const from = this.#column(name)
      const to = allocateColumn(type, rows)
      if (type === 'bytes') {
        ;(to as BytesColumn).offsets.set((from as BytesColumn).offsets)
        ;(to as BytesColumn).data = (from as BytesColumn).data
      } else {
        ;(to as NumericArray).set(from as NumericArray)
      }
      columns[name] = to
    }
    this.columns = columns as Columns<K>
    this.#capacity = rows
  }
}

export type ColumnArraysValue = NumericArray | BytesColumn

/** A column of `rows` missing values. */
export function allocateColumn(type: ColumnType, rows: number): ColumnArraysValue {
  switch (type) {
    case 'u8':
      return new Uint8Array(rows).fill(missing.u8)
    case 'u16':
      return new Uint16Array(rows).fill(missing.u16)
    case 'u32':
      return new Uint32Array(rows).fill(missing.u32)
    case 'f32':
      return new Float32Array(rows).fill(Number.NaN)
    case 'f64':
      return new Float64Array(rows).fill(Number.NaN)
    case 'text':
      return new Uint32Array(rows)
    case 'id64':
    case 'id128':
      return new Uint32Array(rows * wordsPerRow[type])
    case 'bytes':
      return { offsets: new Int32Array(rows + 1), data: new Uint8Array(0) }
  }
}
