/**
 * How much travels to the page in little: cells as one block of octets, a state's many subscribers in columns. Both ways, so that what is
 * encoded here is decoded here; pure, and the browser runs it too.
 *
 * Cells: 'TRC1', length of the header (u32, little endian), header (JSON: count, radios, where each column begins), then the columns, each at a
 * multiple of 8. Names are one text, separated by line feeds.
 */
import type { CellTable, LiveSnapshot, SubscriberColumns } from './console-api.ts'
import type { LivePosition, LiveState } from './reduce-live.ts'

const magic = 0x31435254
const columnTypes = {
  latitude: Float64Array,
  longitude: Float64Array,
  azimuthDeg: Float32Array,
  rangeM: Float32Array,
  radio: Uint8Array,
  site: Uint32Array,
}
type Column = keyof typeof columnTypes
const columns = Object.keys(columnTypes) as Column[]

interface CellsHeader {
  readonly count: number
  readonly radios: readonly string[]
  readonly namesAt: number
  readonly namesLength: number
  readonly at: Readonly<Record<Column, number>>
}

export function encodeCells(table: CellTable): Uint8Array {
  const names = new TextEncoder().encode(table.names.join('\n'))
  const at = {} as Record<Column, number>
  let size = 0
  for (const column of columns) {
    at[column] = size
    size += aligned(table[column].byteLength)
  }
  const header: CellsHeader = { count: table.count, radios: table.radios, namesAt: size, namesLength: names.length, at }
  const text = new TextEncoder().encode(JSON.stringify(header))
  const base = aligned(8 + text.length)
  const octets = new Uint8Array(base + size + names.length)
  const view = new DataView(octets.buffer)
  view.setUint32(0, magic, true)
  view.setUint32(4, text.length, true)
  octets.set(text, 8)
  for (const column of columns) {
    const { buffer, byteOffset, byteLength } = table[column]
    octets.set(new Uint8Array(buffer, byteOffset, byteLength), base + at[column])
  }
  octets.set(names, base + size)
  return octets
}

export function decodeCells(buffer: ArrayBuffer): CellTable {
  const view = new DataView(buffer)
  if (buffer.byteLength < 8 || view.getUint32(0, true) !== magic) throw new Error('these are no cells')
  const length = view.getUint32(4, true)
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length))) as CellsHeader
  const { count, radios, at } = header
  const base = aligned(8 + length)
  const names = new TextDecoder().decode(new Uint8Array(buffer, base + header.namesAt, header.namesLength))
  return {
    count,
    radios,
    names: count === 0 ? [] : names.split('\n'),
    latitude: new Float64Array(buffer, base + at.latitude, count),
    longitude: new Float64Array(buffer, base + at.longitude, count),
    azimuthDeg: new Float32Array(buffer, base + at.azimuthDeg, count),
    rangeM: new Float32Array(buffer, base + at.rangeM, count),
    radio: new Uint8Array(buffer, base + at.radio, count),
    site: new Uint32Array(buffer, base + at.site, count),
  }
}

export interface Sectors {
  readonly azimuthDeg: Float32Array
  readonly widthDeg: Float32Array
  /** 1: the direction only tells the site's cells apart. */
  readonly isGuessed: Uint8Array
}

/**
 * The wedge to draw for each cell: as the inventory says; where it does not, the site's cells share the circle by the order of their rows. A site's
 * only cell is a whole circle.
 */
export function sectorsOf({ count, site, azimuthDeg: stated }: CellTable): Sectors {
  const azimuthDeg = new Float32Array(count)
  const widthDeg = new Float32Array(count)
  const isGuessed = new Uint8Array(count)
  const mates = new Uint32Array(count)
  for (let row = 0; row < count; row++) mates[site[row]!]!++
  const seen = new Uint32Array(count)
  for (let row = 0; row < count; row++) {
    const at = site[row]!
    const shareDeg = 360 / mates[at]!
    const place = seen[at]!++
    isGuessed[row] = Number.isNaN(stated[row]!) ? 1 : 0
    azimuthDeg[row] = isGuessed[row] === 1 ? place * shareDeg : stated[row]!
    widthDeg[row] = mates[at] === 1 ? 360 : Math.min(120, shareDeg)
  }
  return { azimuthDeg, widthDeg, isGuessed }
}

const motions: readonly LivePosition['motion'][] = ['unknown', 'still', 'walking', 'vehicle']

export function compactLive(id: string, askedMs: number, isKnown: boolean, live: LiveState): LiveSnapshot {
  const { subscribers, ...state } = live
  return { id, timeMs: live.timeMs, askedMs, isKnown, state, subscribers: toColumns(Object.values(subscribers)) }
}

export function expandLive({ state, subscribers }: LiveSnapshot): LiveState {
  return { ...state, subscribers: Object.fromEntries(fromColumns(subscribers).map((one) => [one.subscriber, one])) }
}

function toColumns(positions: readonly LivePosition[]): SubscriberColumns {
  const baseMs = positions.reduce((latest, { timeMs }) => Math.max(latest, timeMs), 0)
  const cells: string[] = []
  const codes = new Map<string, number>()
  const codeOf = (cell: string) => {
    const known = codes.get(cell)
    if (known !== undefined) return known
    codes.set(cell, cells.length)
    return cells.push(cell) - 1
  }
  return {
    subscriber: positions.map(({ subscriber }) => subscriber),
    baseMs,
    ageMs: positions.map(({ timeMs }) => baseMs - timeMs),
    cell: positions.map(({ cell }) => codeOf(cell)),
    cells,
    latitude: positions.map(({ latitude }) => latitude),
    longitude: positions.map(({ longitude }) => longitude),
    radiusM: positions.map(({ radiusM }) => radiusM),
    speedMps: positions.map(({ speedMps }) => speedMps),
    motion: positions.map(({ motion }) => motions.indexOf(motion)),
  }
}

function fromColumns(columns: SubscriberColumns): LivePosition[] {
  return columns.subscriber.map((subscriber, row) => ({
    subscriber,
    timeMs: columns.baseMs - columns.ageMs[row]!,
    cell: columns.cells[columns.cell[row]!]!,
    latitude: columns.latitude[row]!,
    longitude: columns.longitude[row]!,
    radiusM: columns.radiusM[row]!,
    speedMps: columns.speedMps[row]!,
    motion: motions[columns.motion[row]!] ?? 'unknown',
  }))
}

function aligned(size: number): number {
  return Math.ceil(size / 8) * 8
}
