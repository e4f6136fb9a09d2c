/**
 * Avro schemas of the curated records, made from the table of records: what the schema registry shows and what is written on Kafka.
 *
 * Every record stands in the envelope `event_id, timestamp, event_type, tenant_id, schema_version, payload`. Names are snake_case and lower-case
 * (Trino folds names). Payload fields are nullable with default null, so that adding one is backward compatible, transitively; ids are hex text.
 * A schema's id is its record's place in `recordSchemas`, counted from 1: records are appended there, never moved.
 */

import { topics } from './control.ts'
import { eventTypes } from './families.ts'
import { type ColumnType, type RecordKind, recordKinds, recordSchemas } from './records.ts'

export const avroNamespace = 'tributary'

type AvroType = string | { type: string; logicalType?: string }
export interface AvroSchema {
  readonly type: 'record'
  readonly name: string
  readonly namespace: string
  readonly doc: string
  readonly fields: readonly { name: string; type: unknown; default?: null; doc?: string }[]
}

const timestamp: AvroType = { type: 'long', logicalType: 'timestamp-millis' }
const avroTypes: Readonly<Record<ColumnType, AvroType>> = {
  u8: 'int',
  u16: 'int',
  u32: 'long',
  f32: 'float',
  f64: 'double',
  text: 'string',
  id64: 'string',
  id128: 'string',
  bytes: 'bytes',
}

/** Columns of type f64 that hold a point in time, not a length of it. */
const times = new Set([
  'timeMs',
  'arrivalMs',
  'startMs',
  'minuteMs',
  'firstMs',
  'lastMs',
  'detectedMs',
  'fromMs',
  'toMs',
  'lastSeenMs',
  'completeThroughMs',
])

export function avroSchema(kind: RecordKind): AvroSchema {
  const name = `${kind.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase())}`
  const fields = Object.entries(recordSchemas[kind]).map(([column, type]) => ({
    name: snakeCase(column),
    type: ['null', times.has(column) ? timestamp : avroTypes[type]],
    default: null,
  }))
  return {
    type: 'record',
    name,
    namespace: avroNamespace,
    doc: `a curated ${kind} record`,
    fields: [
      { name: 'event_id', type: 'string', doc: 'the key made once, at the edge: a row written again changes nothing' },
      { name: 'timestamp', type: timestamp },
      { name: 'event_type', type: 'string' },
      { name: 'tenant_id', type: 'string' },
      { name: 'schema_version', type: 'int' },
      { name: 'payload', type: { type: 'record', name: `${name}Payload`, fields } },
    ],
  }
}

export function avroSchemaId(kind: RecordKind): number {
  return recordKinds.indexOf(kind) + 1
}

/** Subjects of a region's topics (TopicNameStrategy: `<topic>-value`), each with the record it carries. `ledger` carries three; its subject shows the tally. */
export function registrySubjects(region: string): ReadonlyMap<string, RecordKind> {
  const subjects = new Map<string, RecordKind>()
  const add = (topic: string, kind: RecordKind) => subjects.set(`${topic}-value`, kind)
  add(topics.sighting(region), 'sighting')
  for (const type of [
    ...eventTypes.subscriber.filter((one) => !['registration', 'authentication', 'location_update'].includes(one)),
    'other',
  ]) {
    add(topics.subscriberEvent(region, type), 'event')
  }
  for (const type of ['drop', 'other']) add(topics.networkEvent(region, type), 'event')
  add(topics.interaction(region), 'event')
  add(topics.window(region), 'window')
  add(topics.usage(region), 'usage')
  add(topics.position(region), 'position')
  add(topics.binding(region), 'binding')
  add(topics.simMovement(region), 'sim-movement')
  add(topics.alert(region), 'alert')
  add(topics.ledger(region), 'tally')
  add(topics.deadLetter(region), 'dead-letter')
  return subjects
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
