/**
 * Which table each record goes to, what identifies a row, and the SQL made from it: the columns are those of shared/records.ts, so that a
 * new column there needs no second place here.
 *
 * Rows are kept in order of arrival (rowid), so that retention, which counts from arrival, is the removal of a prefix; the key is a unique
 * index beside it. Missing numbers and ids are NULL, missing texts ''; columns of a key are never NULL, for SQLite takes two NULLs as different.
 */
import { type ColumnType, type RecordKind, recordKinds, recordSchemas } from '#shared/records.ts'

export interface TableSpec {
  readonly kind: RecordKind
  readonly table: string
  /** The event-time column that chooses the file; undefined: the main file. */
  readonly time: string | undefined
  /** What a row was made from, beside the record's columns: its carrier's names. */
  readonly key: readonly string[]
  readonly revision: string | undefined
  /** The column `who` (subscriber, else number) leads reads by person. */
  readonly who: boolean
  readonly indexes: readonly (readonly string[])[]
}

const carrier = ['tenant', 'region', 'agent', 'epoch'] as const

/** Whose batch a row came in; a record that names them itself (progress: the agent it is about) is believed before its carrier. */
export function carrierColumns(kind: RecordKind): readonly (typeof carrier)[number][] {
  return carrier.filter((name) => !Object.hasOwn(recordSchemas[kind], name))
}

function spec(kind: RecordKind, time: string | undefined, key: string[], more: Partial<TableSpec> = {}): TableSpec {
  const { revision, who = false, indexes = [] } = more
  return { kind, table: kind.replaceAll('-', '_'), time, key, revision, who, indexes }
}

const specs: readonly TableSpec[] = [
  spec('sighting', 'timeMs', ['tenant', 'who', 'timeMs', 'key'], { who: true }),
  spec('event', 'timeMs', ['tenant', 'timeMs', 'key']),
  spec('window', 'startMs', ['tenant', 'startMs', 'cell', 'family', 'region', 'agent', 'epoch', 'part']),
  spec('usage', 'startMs', ['tenant', 'startMs', 'cell', 'application', 'protocol', 'region', 'agent', 'epoch', 'part']),
  spec('tally', 'minuteMs', ['tenant', 'minuteMs', 'region', 'agent', 'epoch', 'family', 'source', 'eventType'], { revision: 'revision' }),
  spec('dead-letter', 'timeMs', ['tenant', 'timeMs', 'key']),
  spec('position', 'timeMs', ['tenant', 'who', 'timeMs', 'key'], { who: true, indexes: [['tenant', 'timeMs', 'who', 'key']] }),
  spec('loss', undefined, ['tenant', 'region', 'agent', 'key']),
  spec('binding', undefined, ['tenant', 'kind', 'from', 'to', 'firstMs', 'region'], {
    revision: 'revision',
    indexes: [['tenant', 'kind', 'to']],
  }),
  spec('sim-movement', undefined, ['tenant', 'id', 'region'], {
    revision: 'revision',
    indexes: [
      ['tenant', 'number'],
      ['tenant', 'subscriber'],
    ],
  }),
  spec('alert', undefined, ['tenant', 'id', 'region'], { revision: 'revision', indexes: [['tenant', 'timeMs', 'id']] }),
  spec('progress', undefined, ['tenant', 'region', 'agent', 'epoch'], { revision: 'timeMs' }),
]

export const tableSpecs = Object.fromEntries(recordKinds.map((kind) => [kind, specs.find((one) => one.kind === kind)!])) as Readonly<
  Record<RecordKind, TableSpec>
>

export const bucketKinds = recordKinds.filter((kind) => tableSpecs[kind].time !== undefined)
export const mainKinds = recordKinds.filter((kind) => tableSpecs[kind].time === undefined)

const sqlTypes: Readonly<Record<ColumnType, string>> = {
  u8: 'INTEGER',
  u16: 'INTEGER',
  u32: 'INTEGER',
  f32: 'REAL',
  f64: 'REAL',
  text: 'TEXT NOT NULL',
  id64: 'BLOB',
  id128: 'BLOB',
  bytes: 'BLOB',
}

export function recordColumns(kind: RecordKind): [name: string, type: ColumnType][] {
  return Object.entries(recordSchemas[kind]) as [string, ColumnType][]
}

export function createTable(kind: RecordKind): string {
  const { table, key, who, indexes } = tableSpecs[kind]
  const columns = [
    ...carrierColumns(kind).map((name) => `"${name}" TEXT NOT NULL`),
    'storedMs REAL NOT NULL',
    ...(who ? ['who BLOB NOT NULL'] : []),
    ...recordColumns(kind).map(([name, type]) => `"${name}" ${sqlTypes[type]}`),
  ]
  const more = indexes.map(
    (names, at) => `CREATE ${names.at(-1) === 'key' ? 'UNIQUE ' : ''}INDEX IF NOT EXISTS ${table}_${at} ON ${table} (${quoted(names)});`,
  )
  return `CREATE TABLE IF NOT EXISTS ${table} (${columns.join(', ')});
    CREATE UNIQUE INDEX IF NOT EXISTS ${table}_key ON ${table} (${quoted(key)}); ${more.join(' ')}`
}

/** Parameters in the order: carrier columns, storedMs, who (where it has one), the record's columns. */
export function insertRow(kind: RecordKind): string {
  const { table, key, who, revision, time } = tableSpecs[kind]
  const names = [...carrierColumns(kind), 'storedMs', ...(who ? ['who'] : []), ...recordColumns(kind).map(([name]) => name)]
  const insert = `INSERT INTO ${table} (${quoted(names)}) VALUES (${names.map(() => '?').join(', ')}) ON CONFLICT (${quoted(key)})`
  if (revision === undefined) return `${insert} DO NOTHING`
  // in a bucket the first arrival counts (rows stay in order of arrival); in the main file a row that is still confirmed lives on
  const set = names
    .filter((name) => !key.includes(name) && (name !== 'storedMs' || time === undefined))
    .map((name) => `"${name}" = excluded."${name}"`)
  return `${insert} DO UPDATE SET ${set.join(', ')} WHERE excluded."${revision}" > ${table}."${revision}"`
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ')
}
