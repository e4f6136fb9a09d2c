/**
 * Where a batch goes: record kind, and for events family and type, name the curated topic. What came from an agent and belongs to one topic
 * passes through as the octets it came in; only a batch of mixed events is taken apart. Pure.
 */
import { BatchBuilder, type ColumnArraysValue } from '#shared/batch-builder.ts'
import { topics } from '#shared/control.ts'
import { eventTypes, type Family, families } from '#shared/families.ts'
import { type Batch, type BytesColumn, type RecordKind, recordSchemas, wordsPerRow } from '#shared/records.ts'

/** `batch` is the one given when nothing had to be taken apart. */
export interface Routed {
  readonly topic: string
  readonly batch: Batch
}

const topicOfKind: Readonly<Record<Exclude<RecordKind, 'event'>, (region: string) => string>> = {
  sighting: topics.sighting,
  window: topics.window,
  usage: topics.usage,
  tally: topics.ledger,
  loss: topics.ledger,
  progress: topics.ledger,
  'dead-letter': topics.deadLetter,
  position: topics.position,
  binding: topics.binding,
  'sim-movement': topics.simMovement,
  alert: topics.alert,
}

export function route(batch: Batch, region: string): readonly Routed[] {
  if (batch.kind !== 'event') return [{ topic: topicOfKind[batch.kind](region), batch }]
  return routeEvents(batch as Batch<'event'>, region)
}

function routeEvents(batch: Batch<'event'>, region: string): readonly Routed[] {
  const rowsOf = new Map<string, number[]>()
  const { family, eventType } = batch.columns
  for (let row = 0; row < batch.rows; row++) {
    const topic = eventTopic(families[family[row]!], batch.texts[eventType[row]!]!, region)
    const rows = rowsOf.get(topic)
    if (rows === undefined) rowsOf.set(topic, [row])
    else rows.push(row)
  }
  if (rowsOf.size <= 1) return [...rowsOf.keys()].map((topic) => ({ topic, batch }))
  return [...rowsOf].map(([topic, rows]) => ({ topic, batch: pickRows(batch, rows) }))
}

function eventTopic(family: Family | undefined, type: string, region: string): string {
  if (family === 'interaction') return topics.interaction(region)
  const known = family !== undefined && eventTypes[family].includes(type) ? type : 'other'
  return family === 'network' || family === 'dpi' ? topics.networkEvent(region, known) : topics.subscriberEvent(region, known)
}

/** A batch of some rows of another, under the same identity. */
export function pickRows<K extends RecordKind>(batch: Batch<K>, rows: readonly number[]): Batch<K> {
  const builder = new BatchBuilder<K>(batch.kind, rows.length)
  const from = batch.columns as unknown as Record<string, ColumnArraysValue>
  const codes = batch.texts.map(() => -1)
  for (const row of rows) {
    const at = builder.add()
    const to = builder.columns as unknown as Record<string, ColumnArraysValue>
    for (const [name, type] of Object.entries(recordSchemas[batch.kind])) {
      if (type === 'bytes') {
        const { offsets, data } = from[name] as BytesColumn
        builder.setBytes(name, data.subarray(offsets[row]!, offsets[row + 1]!))
        continue
      }
      const source = from[name] as Uint32Array
      const target = to[name] as Uint32Array
      if (type === 'text') {
        const code = source[row]!
        if (codes[code] === -1) codes[code] = builder.code(batch.texts[code]!)
        target[at] = codes[code]!
      } else if (type === 'id64' || type === 'id128') {
        const words = wordsPerRow[type]
        for (let word = 0; word < words; word++) target[at * words + word] = source[row * words + word]!
      } else target[at] = source[row]!
    }
  }
  return builder.finish(batch.meta)
}
