/** Copies rows `from`–`to` of a batch into one of their own, with only the texts they use: for a frame that would be too large for the link. */
import { BatchBuilder } from '#shared/batch-builder.ts'
import { type Batch, type BytesColumn, type ColumnType, recordSchemas, wordsPerRow } from '#shared/records.ts'

export function sliceBatch(batch: Batch, from: number, to: number): Batch {
  const builder = new BatchBuilder(batch.kind, Math.max(1, to - from))
  const source = batch.columns as unknown as Record<string, Uint32Array>
  const schema = Object.entries(recordSchemas[batch.kind]) as [string, ColumnType][]
  for (let row = from; row < to; row++) {
    const at = builder.add()
    const target = builder.columns as unknown as Record<string, Uint32Array>
    for (const [name, type] of schema) {
      const column = source[name]!
      if (type === 'text') target[name]![at] = builder.code(batch.texts[column[row]!]!)
      else if (type === 'bytes') {
        const { offsets, data } = column as unknown as BytesColumn
        builder.setBytes(name, data.subarray(offsets[row]!, offsets[row + 1]!))
      } else {
        const words = type === 'id64' || type === 'id128' ? wordsPerRow[type] : 1
        for (let word = 0; word < words; word++) target[name]![at * words + word] = column[row * words + word]!
      }
    }
  }
  return builder.finish(batch.meta) as unknown as Batch
}
