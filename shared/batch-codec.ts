/**
 * Batches on the wire: one octet of codec version, then an Apache Arrow IPC stream compressed as a whole with zstd
 * (Arrow's own buffer compression costs three times the octets on small batches).
 *
 * All text columns of a batch share one dictionary. Ids are FixedSizeBinary, read as 32-bit words: no BigInt anywhere.
 * Columns are found by name: an unknown one is ignored, one that is missing or of another type reads as missing values.
 * Throws `BadFrame` for anything that is not such a frame; never more than `maxBatchBytes` are inflated.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import {
  Binary,
  type Data,
  type DataType,
  Dictionary,
  Field,
  FixedSizeBinary,
  Float32,
  Float64,
  makeData,
  RecordBatch,
  RecordBatchReader,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Uint8,
  Uint16,
  Uint32,
  Utf8,
  Vector,
} from 'apache-arrow'
import { allocateColumn, type ColumnArraysValue } from './batch-builder.ts'
import { type Batch, type BytesColumn, type ColumnType, type Lane, type RecordKind, recordSchemas, wordsPerRow } from './records.ts'

export const codecVersion = 1
export const schemaVersion = 1
const maxBatchBytes = 64 << 20
const maxTexts = 1 << 20

/** The octets are no batch of ours; `message` says what is wrong with them. The same octets fail again. */
export class BadFrame extends Error {}

const textType = new Dictionary(new Utf8(), new Uint32(), 0)
const arrowTypes: Readonly<Record<ColumnType, DataType>> = {
  u8: new Uint8(),
  u16: new Uint16(),
  u32: new Uint32(),
  f32: new Float32(),
  f64: new Float64(),
  text: textType,
  id64: new FixedSizeBinary(8),
  id128: new FixedSizeBinary(16),
  bytes: new Binary(),
}

const arrowFields = Object.fromEntries(
  Object.entries(recordSchemas).map(([kind, columns]) => [
    kind,
    Object.entries(columns).map(([name, type]) => new Field(name, arrowTypes[type as ColumnType]!, false)),
  ]),
)

/** Encodes the first `batch.rows` rows. `level` is zstd's: 1 for speed (default), higher for scarce links. */
export function encodeBatch(batch: Batch, level = 1): Buffer {
  const { rows } = batch
  const schemaColumns = Object.entries(recordSchemas[batch.kind]) as [string, ColumnType][]
  const columns = batch.columns as unknown as Record<string, ColumnArraysValue>
  const dictionary = textDictionary(batch.texts)
  const children = schemaColumns.map(([name, type]) => columnData(type, columns[name]!, rows, dictionary))
  const fields = arrowFields[batch.kind]!
  const metadata = new Map<string, string>([
    ['record', batch.kind],
    ['schema', String(schemaVersion)],
    ['tenant', batch.meta.tenant],
    ['region', batch.meta.region],
    ['agent', batch.meta.agent],
    ['epoch', batch.meta.epoch],
    ['lane', batch.meta.lane],
    ['seq', String(batch.meta.seq)],
  ])
  const schema = new Schema(fields, metadata)
  const writer = new RecordBatchStreamWriter()
  writer.reset(undefined, schema)
  writer.write(new RecordBatch(schema, makeData({ type: new Struct(fields), length: rows, nullCount: 0, children })))
  writer.finish()
  const compressed = zstdCompressSync(writer.toUint8Array(true), {
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  })
  const frame = Buffer.allocUnsafe(compressed.length + 1)
  frame[0] = codecVersion
  frame.set(compressed, 1)
  return frame
}

/** Decodes a frame. The arrays are views into the inflated octets: no row is copied. */
export function decodeBatch(frame: Uint8Array): Batch {
  if (frame.length < 2) throw new BadFrame(`a frame of ${frame.length} octets is too short to be a batch`)
  if (frame[0] !== codecVersion) throw new BadFrame(`codec version ${frame[0]} is not known here (this side reads version ${codecVersion})`)
  let inflated: Buffer
  try {
    inflated = zstdDecompressSync(frame.subarray(1), { maxOutputLength: maxBatchBytes })
  } catch (cause) {
    throw new BadFrame(`the octets do not inflate as zstd within ${maxBatchBytes} octets`, { cause })
  }
  try {
    return readBatch(inflated)
  } catch (cause) {
    if (cause instanceof BadFrame) throw cause
    throw new BadFrame('the octets inflate, but are no Arrow IPC stream', { cause })
  }
}

function readBatch(inflated: Buffer): Batch {
  const reader = RecordBatchReader.from(inflated)
  const recordBatch = reader.next().value as RecordBatch | null
  if (recordBatch == null) throw new BadFrame('the Arrow stream holds no record batch')
  const metadata = recordBatch.schema.metadata
  const kind = metadata.get('record') as RecordKind
  const schema = Object.hasOwn(recordSchemas, kind) ? recordSchemas[kind] : undefined
  if (schema === undefined) throw new BadFrame(`record kind '${kind}' is not known here`)

  const rows = recordBatch.numRows
  const columns: Record<string, ColumnArraysValue> = {}
  const found = new Map(recordBatch.schema.fields.map((field, at) => [field.name, recordBatch.data.children[at]!]))
  let texts: readonly string[] = ['']
  for (const [name, type] of Object.entries(schema) as [string, ColumnType][]) {
    const data = found.get(name)
    const column = data === undefined ? undefined : viewColumn(type, data, rows)
    columns[name] = column ?? allocateColumn(type, rows)
    if (type === 'text' && column !== undefined && texts.length === 1) texts = readTexts(data!)
  }
  for (const [name, type] of Object.entries(schema) as [string, ColumnType][]) {
    if (type === 'text') checkCodes(name, columns[name] as Uint32Array, rows, texts.length)
  }
  const seq = Number(metadata.get('seq') ?? 0)
  const meta = {
    tenant: metadata.get('tenant') ?? '',
    region: metadata.get('region') ?? '',
    agent: metadata.get('agent') ?? '',
    epoch: metadata.get('epoch') ?? '',
    lane: (metadata.get('lane') ?? '') as Lane | '',
    seq,
  }
  return { kind, rows, columns: columns as never, texts, meta }
}

function columnData(type: ColumnType, column: ColumnArraysValue, rows: number, dictionary: Vector<Utf8>): Data {
  if (type === 'bytes') {
    const { offsets, data } = column as BytesColumn
    const valueOffsets = offsets.subarray(0, rows + 1)
    return makeData({ type: new Binary(), length: rows, nullCount: 0, valueOffsets, data: data.subarray(0, valueOffsets[rows]) })
  }
  const words = column as Exclude<ColumnArraysValue, BytesColumn>
  if (type === 'text')
    return makeData({ type: textType, length: rows, nullCount: 0, data: words.subarray(0, rows) as Uint32Array, dictionary })
  if (type === 'id64' || type === 'id128') {
    const octets = rows * wordsPerRow[type] * 4
    return makeData({
      type: arrowTypes[type] as FixedSizeBinary,
      length: rows,
      nullCount: 0,
      data: new Uint8Array(words.buffer, words.byteOffset, octets),
    })
  }
  return makeData({ type: arrowTypes[type] as Float64, length: rows, nullCount: 0, data: words.subarray(0, rows) as Float64Array })
}

function textDictionary(texts: readonly string[]): Vector<Utf8> {
  const offsets = new Int32Array(texts.length + 1)
  const joined = Buffer.from(texts.join(''), 'utf8')
  for (let at = 0; at < texts.length; at++) offsets[at + 1] = offsets[at]! + Buffer.byteLength(texts[at]!, 'utf8')
  return new Vector([makeData({ type: new Utf8(), length: texts.length, nullCount: 0, valueOffsets: offsets, data: joined })])
}

function viewColumn(type: ColumnType, data: Data, rows: number): ColumnArraysValue | undefined {
  const expected = arrowTypes[type]!
  if (data.type.toString() !== expected.toString()) return undefined
  if (type === 'bytes') return { offsets: data.valueOffsets as Int32Array, data: data.values as Uint8Array }
  if (type === 'id64' || type === 'id128') return wordsOf(data.values as Uint8Array, rows * wordsPerRow[type])
  return data.values as Exclude<ColumnArraysValue, BytesColumn>
}

function wordsOf(octets: Uint8Array, words: number): Uint32Array {
  const aligned = octets.byteOffset % 4 === 0 ? octets : octets.slice()
  return new Uint32Array(aligned.buffer, aligned.byteOffset, words)
}

function readTexts(data: Data): readonly string[] {
  const dictionary = (data as Data<Dictionary<Utf8>>).dictionary
  if (dictionary === undefined) return ['']
  if (dictionary.length > maxTexts) throw new BadFrame(`a table of ${dictionary.length} texts is longer than ${maxTexts}`)
  return dictionary.toArray() as unknown as string[]
}

function checkCodes(name: string, codes: Uint32Array, rows: number, texts: number): void {
  for (let row = 0; row < rows; row++) {
    if (codes[row]! >= texts) throw new BadFrame(`column '${name}', row ${row}: code ${codes[row]} is beyond the table of ${texts} texts`)
  }
}
