/** A batch on its way to the hub, as lines a person or a program can read: one object a row, only what is known. Pure. */

import { wordsToHex } from '#shared/pseudonym.ts'
import { type Batch, missing, recordSchemas } from '#shared/records.ts'

export function* batchLines({ kind, rows, columns, texts, meta }: Batch): Generator<Record<string, unknown>> {
  const schema = Object.entries(recordSchemas[kind]) as [string, string][]
  for (let row = 0; row < rows; row++) {
    const line: Record<string, unknown> = { record: kind, lane: meta.lane, seq: meta.seq }
    for (const [name, type] of schema) {
      const values = (columns as Record<string, unknown>)[name]
      if (values === undefined) continue
      const value = cellOf(values, type, row, texts)
      if (value !== undefined) line[name] = value
    }
    yield line
  }
}

function cellOf(values: unknown, type: string, row: number, texts: readonly string[]): unknown {
  if (type === 'bytes') return bytesOf(values, row)
  const array = values as { readonly [at: number]: number }
  if (type === 'text') return array[row] === 0 ? undefined : texts[array[row]!]
  if (type === 'id128' || type === 'id64') {
    const words = type === 'id128' ? 4 : 2
    const part = Array.from({ length: words }, (_, at) => array[row * words + at]!)
    if (part.every((word) => word === 0)) return undefined
    return type === 'id128' ? wordsToHex(Uint32Array.from(part)) : part.map((word) => word.toString(16).padStart(8, '0')).join('')
  }
  const value = array[row]
  return value === undefined || Number.isNaN(value) || value === (missing as Record<string, number>)[type] ? undefined : value
}

function bytesOf(values: unknown, row: number): unknown {
  const { offsets } = values as { readonly offsets: Int32Array }
  const length = offsets[row + 1]! - offsets[row]!
  return length > 0 ? `${length} octets` : undefined
}
