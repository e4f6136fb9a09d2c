/**
 * Merges parts of windows: of equal windows, and into wider ones when the outbox runs short of room (10 s → 1 min → 5 min).
 * Sums add, extremes and sketches merge, so nothing that readers add up changes; only resolution in time is lost.
 */
import { QuantileSketch } from '#shared/quantile-sketch.ts'
import { type Batch, type BytesColumn, type ColumnType, recordSchemas } from '#shared/records.ts'
import { type CutBatch, RecordWriter } from './record-writer.ts'

export type PartKind = 'window' | 'usage'

interface Merged {
  readonly startMs: number
  readonly texts: readonly string[]
  readonly family: number
  readonly sums: Float64Array
  readonly extremes: Float64Array
  readonly sketches: QuantileSketch[]
}

/** `batches` are all of `kind`. Every part of the result is numbered `part`. */
export function mergeParts(kind: PartKind, batches: Iterable<Batch>, widthMs: number, part: number, batchRows: number): CutBatch[] {
  const shape = shapeOf(kind)
  const merged = new Map<string, Merged>()
  for (const batch of batches) for (let row = 0; row < batch.rows; row++) addRow(merged, shape, batch, row, widthMs)
  const writer = new RecordWriter(kind, batchRows)
  for (const one of merged.values()) {
    const row = writer.add()
    const columns = writer.columns as unknown as Record<string, Float64Array | Uint32Array>
    columns.startMs![row] = one.startMs
    columns.widthMs![row] = widthMs
    columns.part![row] = part
    if (kind === 'window') columns.family![row] = one.family
    for (let at = 0; at < shape.texts.length; at++) columns[shape.texts[at]!]![row] = writer.code(one.texts[at]!)
    for (let at = 0; at < shape.sums.length; at++) columns[shape.sums[at]!]![row] = one.sums[at]!
    for (let at = 0; at < shape.extremes.length; at++) columns[shape.extremes[at]!]![row] = one.extremes[at]!
    for (let at = 0; at < shape.sketches.length; at++) writer.setBytes(shape.sketches[at]!, one.sketches[at]!.encode())
  }
  return writer.drain()
}

type Shape = ReturnType<typeof shapeOf>

function shapeOf(kind: PartKind) {
  const schema = Object.entries(recordSchemas[kind]) as [string, ColumnType][]
  const named = (type: ColumnType) => schema.filter(([, of]) => of === type).map(([name]) => name)
  return { texts: named('text'), sums: named('f64').filter((name) => name !== 'startMs'), extremes: named('f32'), sketches: named('bytes') }
}

function addRow(merged: Map<string, Merged>, shape: Shape, batch: Batch, row: number, widthMs: number): void {
  const columns = batch.columns as unknown as Record<string, Float64Array>
  const startMs = Math.floor(columns.startMs![row]! / widthMs) * widthMs
  const family = columns.family?.[row] ?? 0
  const texts = shape.texts.map((name) => batch.texts[columns[name]![row]!]!)
  const key = JSON.stringify([startMs, family, ...texts])
  let one = merged.get(key)
  if (one === undefined) {
    const sums = new Float64Array(shape.sums.length)
    const extremes = new Float64Array(shape.extremes.length).fill(Number.NaN)
    one = { startMs, texts, family, sums, extremes, sketches: shape.sketches.map(() => new QuantileSketch()) }
    merged.set(key, one)
  }
  for (let at = 0; at < shape.sums.length; at++) one.sums[at]! += columns[shape.sums[at]!]![row]!
  for (let at = 0; at < shape.extremes.length; at++) {
    const name = shape.extremes[at]!
    one.extremes[at] = extreme(name.includes('Min'), one.extremes[at]!, columns[name]![row]!)
  }
  for (let at = 0; at < shape.sketches.length; at++) {
    const { offsets, data } = (batch.columns as unknown as Record<string, BytesColumn>)[shape.sketches[at]!]!
    one.sketches[at]!.merge(QuantileSketch.decode(data.subarray(offsets[row]!, offsets[row + 1]!)))
  }
}

function extreme(lowest: boolean, a: number, b: number): number {
  if (Number.isNaN(a)) return b
  if (Number.isNaN(b)) return a
  return lowest ? Math.min(a, b) : Math.max(a, b)
}
