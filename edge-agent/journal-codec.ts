/**
 * A batch of events as octets in the journal: only the columns that hold something, as they lie in memory, then the texts.
 *
 * Columns are stored by name, so that an agent replays what the version before it wrote: an unknown one is passed over, a missing one is empty.
 * Id hashes travel beside the body, because they outlive it. Octets are little-endian, as on every machine agents run on.
 *
 *   u32 version · u32 rows · u32 columns · u32 octets of texts · per column { u8 type, u8 words, u8 length, name } · padding to 8
 *   per column: its values, padded to 8 · the texts as JSON
 */
import { endianness } from 'node:os'
import { type EventBatch, type EventColumns, eventColumnSpecs } from './event-batch.ts'

const version = 1
const headBytes = 16
const arrayTypes = { f64: Float64Array, f32: Float32Array, u32: Uint32Array, u16: Uint16Array, u8: Uint8Array } as const
type ColumnType = keyof typeof arrayTypes
const typeCodes: readonly ColumnType[] = ['f64', 'f32', 'u32', 'u16', 'u8']

const columns = eventColumnSpecs
  .filter(({ name }) => name !== 'idHash')
  .map((spec) => ({
    ...spec,
    rowBytes: spec.words * arrayTypes[spec.type].BYTES_PER_ELEMENT,
    entry: Buffer.concat([Buffer.from([typeCodes.indexOf(spec.type), spec.words, spec.name.length]), Buffer.from(spec.name)]),
  }))
const byName = new Map(eventColumnSpecs.map((spec) => [spec.name as string, spec]))

export class JournalEncoder {
  #octets = Buffer.alloc(1 << 16)
  #ids = Buffer.alloc(1 << 12)
  /** What an empty column looks like, to be compared with. */
  #empty = new Map<string, Buffer>()
  #emptyRows = -1

  constructor() {
    if (endianness() !== 'LE') throw new Error('the journal is written on little-endian machines only')
  }

  /** Valid until the next call. */
  body(batch: EventBatch): Buffer {
    const { rows } = batch
    this.#prepareEmpty(rows)
    const held = columns.filter((column) => !this.#isEmpty(batch.columns, column.name, rows * column.rowBytes))
    const texts = Buffer.from(JSON.stringify(batch.texts.slice(1)))
    let size = headBytes
    for (const { entry } of held) size += entry.length
    let at = pad(size)
    for (const { rowBytes } of held) at += pad(rows * rowBytes)
    const total = at + texts.length
    if (this.#octets.length < total) this.#octets = Buffer.alloc(2 * total)
    const octets = this.#octets
    octets.writeUInt32LE(version, 0)
    octets.writeUInt32LE(rows, 4)
    octets.writeUInt32LE(held.length, 8)
    octets.writeUInt32LE(texts.length, 12)
    at = headBytes
    for (const { entry } of held) at += entry.copy(octets, at)
    octets.fill(0, at, pad(at))
    at = pad(at)
    for (const { name, rowBytes } of held) {
      const end = at + rows * rowBytes
      octets.set(bytesOf(batch.columns[name], rows * rowBytes), at)
      octets.fill(0, end, pad(end))
      at = pad(end)
    }
    texts.copy(octets, at)
    return octets.subarray(0, total)
  }

  /** The id hashes of the rows, or null when no row has one. Valid until the next call. */
  ids(batch: EventBatch): Buffer | null {
    const length = batch.rows * 8
    this.#prepareEmpty(batch.rows)
    if (this.#isEmpty(batch.columns, 'idHash', length)) return null
    if (this.#ids.length < length) this.#ids = Buffer.alloc(2 * length)
    this.#ids.set(bytesOf(batch.columns.idHash, length))
    return this.#ids.subarray(0, length)
  }

  #isEmpty(of: EventColumns, name: keyof EventColumns, length: number): boolean {
    return bytesOf(of[name], length).compare(this.#empty.get(name)!, 0, length) === 0
  }

  #prepareEmpty(rows: number): void {
    if (rows <= this.#emptyRows) return
    this.#emptyRows = Math.max(1024, 2 * rows)
    for (const { name, words, empty, type } of eventColumnSpecs) {
      const array = new arrayTypes[type](this.#emptyRows * words).fill(empty)
      this.#empty.set(name, Buffer.from(array.buffer))
    }
  }
}

/** Fills an empty batch. Throws on octets that nobody here has written. */
export function decodeJournalRow(body: Uint8Array, ids: Uint8Array | null, batch: EventBatch): void {
  batch.reset()
  const octets = Buffer.from(body) // a copy of its own is aligned
  if (octets.length < headBytes || octets.readUInt32LE(0) !== version) throw new Error('not a row of the journal')
  const rows = octets.readUInt32LE(4)
  const held = octets.readUInt32LE(8)
  if (rows > octets.length || held > 255) throw new Error('not a row of the journal')
  const entries: { type: ColumnType; words: number; name: string }[] = []
  let at = headBytes
  for (let entry = 0; entry < held; entry++) {
    const type = typeCodes[octets[at]!]
    const length = octets[at + 2]!
    if (type === undefined) throw new Error('a column of an unknown type')
    entries.push({ type, words: octets[at + 1]!, name: octets.toString('latin1', at + 3, at + 3 + length) })
    at += 3 + length
  }
  at = pad(at)
  for (let row = 0; row < rows; row++) batch.add()
  for (const { type, words, name } of entries) {
    const length = rows * words * arrayTypes[type].BYTES_PER_ELEMENT
    if (at + length > octets.length) throw new Error('a row of the journal ends too early')
    const known = byName.get(name)
    if (known?.type === type && known.words === words) bytesOf(batch.columns[known.name], length).set(octets.subarray(at, at + length))
    at = pad(at + length)
  }
  for (const text of JSON.parse(octets.toString('utf8', at, at + octets.readUInt32LE(12))) as string[]) {
    batch.texts.push(text)
  }
  if (ids !== null) bytesOf(batch.columns.idHash, Math.min(ids.length, rows * 8)).set(ids.subarray(0, rows * 8))
}

function bytesOf(array: { buffer: ArrayBufferLike; byteOffset: number }, length: number): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, length)
}

function pad(length: number): number {
  return (length + 7) & ~7
}
