/**
 * Hot state in process: per tenant one open-addressing table on typed arrays, keyed by the first 64 bits of the subscriber's pseudonym.
 * An object per subscriber would cost four times the memory. Owns nothing that history does not have: it is rebuilt from there at start.
 */
import { hexToWords, wordsToHex } from '#shared/pseudonym.ts'
import type { Batch } from '#shared/records.ts'
import type { CuratedBatch, HotState, LatestSeen, Position, Sighting } from '../ports.ts'

export class MemoryHotState implements HotState {
  readonly name = 'hot-state'
  readonly horizonMs: number
  readonly #tables = new Map<string, LatestTable>()

  constructor(horizonMs: number) {
    this.horizonMs = horizonMs
  }

  apply({ tenant, region, batch }: CuratedBatch): void {
    if (batch.kind === 'sighting') this.#table(tenant).addSightings(batch as Batch<'sighting'>, region)
    else if (batch.kind === 'position') this.#table(tenant).addPositions(batch as Batch<'position'>, region)
  }

  load(tenant: string, { sighting, position }: { readonly sighting?: Sighting; readonly position?: Position }): void {
    const table = this.#table(tenant)
    if (sighting !== undefined) {
      const slot = table.slotFor(hexToWords(sighting.who), 0)
      table.seen(slot, sighting.timeMs, sighting.cell, sighting.region, hexToWords(sighting.device), 0)
    }
    if (position !== undefined) table.placed(table.slotFor(hexToWords(position.who), 0), position)
  }

  latest(tenant: string, who: string): LatestSeen | undefined {
    return this.#tables.get(tenant)?.read(hexToWords(who))
  }

  subscribers(): number {
    return [...this.#tables.values()].reduce((sum, table) => sum + table.size, 0)
  }

  stateBytes(): number {
    return [...this.#tables.values()].reduce((sum, table) => sum + table.bytes, 0)
  }

  #table(tenant: string): LatestTable {
    let table = this.#tables.get(tenant)
    if (table === undefined) {
      table = new LatestTable(1 << 10)
      this.#tables.set(tenant, table)
    }
    return table
  }
}

type Placed = Omit<NonNullable<LatestSeen['position']>, never>

function columnsFor(slots: number) {
  return {
    key: new Uint32Array(slots * 2),
    seenMs: new Float64Array(slots),
    seenCell: new Uint32Array(slots),
    seenRegion: new Uint32Array(slots),
    device: new Uint32Array(slots * 4),
    placedMs: new Float64Array(slots),
    placedCell: new Uint32Array(slots),
    placedRegion: new Uint32Array(slots),
    latitude: new Float64Array(slots),
    longitude: new Float64Array(slots),
    radiusM: new Float32Array(slots),
    motion: new Uint8Array(slots),
  }
}
type TableColumns = ReturnType<typeof columnsFor>

/** Slot 0 of a key (0, 0) is nobody; times of 0 mean never. Grows at two thirds, never shrinks. */
class LatestTable {
  size = 0
  #slots: number
  #columns: TableColumns
  readonly #names: string[] = ['']
  readonly #codes = new Map<string, number>([['', 0]])

  constructor(slots: number) {
    this.#slots = slots
    this.#columns = columnsFor(slots)
  }

  get bytes(): number {
    return Object.values(this.#columns).reduce((sum, column) => sum + column.byteLength, 0)
  }

  addSightings({ columns, rows, texts }: Batch<'sighting'>, region: string): void {
    for (let row = 0; row < rows; row++) {
      const slot = this.#slotOf(columns.subscriber, columns.number, row)
      if (slot < 0) continue
      this.seen(slot, columns.timeMs[row]!, texts[columns.cell[row]!]!, region, columns.device, row * 4)
    }
  }

  addPositions({ columns, rows, texts }: Batch<'position'>, region: string): void {
    for (let row = 0; row < rows; row++) {
      const slot = this.#slotOf(columns.subscriber, columns.number, row)
      if (slot < 0) continue
      this.placed(slot, {
        timeMs: columns.timeMs[row]!,
        cell: texts[columns.cell[row]!]!,
        region,
        latitude: columns.latitude[row]!,
        longitude: columns.longitude[row]!,
        radiusM: columns.radiusM[row]!,
        motion: columns.motion[row]!,
      })
    }
  }

  /** A later sighting without a device leaves the known one: missing means unknown, never changed. */
  seen(slot: number, timeMs: number, cell: string, region: string, device: Uint32Array, at: number): void {
    const columns = this.#columns
    if (!(timeMs >= columns.seenMs[slot]!)) return
    columns.seenMs[slot] = timeMs
    columns.seenCell[slot] = this.#code(cell)
    columns.seenRegion[slot] = this.#code(region)
    if (wordsToHex(device, at) !== '') columns.device.set(device.subarray(at, at + 4), slot * 4)
  }

  placed(slot: number, placed: Placed): void {
    const columns = this.#columns
    if (!(placed.timeMs >= columns.placedMs[slot]!)) return
    columns.placedMs[slot] = placed.timeMs
    columns.placedCell[slot] = this.#code(placed.cell)
    columns.placedRegion[slot] = this.#code(placed.region)
    columns.latitude[slot] = placed.latitude
    columns.longitude[slot] = placed.longitude
    columns.radiusM[slot] = placed.radiusM
    columns.motion[slot] = placed.motion
  }

  read(who: Uint32Array): LatestSeen | undefined {
    const slot = this.#find(who[0]!, who[1]!)
    const columns = this.#columns
    if (columns.key[slot * 2] === 0 && columns.key[slot * 2 + 1] === 0) return undefined
    const sighting = columns.seenMs[slot]! > 0 && {
      timeMs: columns.seenMs[slot]!,
      cell: this.#names[columns.seenCell[slot]!]!,
      region: this.#names[columns.seenRegion[slot]!]!,
      device: wordsToHex(columns.device, slot * 4),
    }
    const position = columns.placedMs[slot]! > 0 && {
      timeMs: columns.placedMs[slot]!,
      cell: this.#names[columns.placedCell[slot]!]!,
      region: this.#names[columns.placedRegion[slot]!]!,
      latitude: columns.latitude[slot]!,
      longitude: columns.longitude[slot]!,
      radiusM: columns.radiusM[slot]!,
      motion: columns.motion[slot]!,
    }
    return { sighting: sighting || undefined, position: position || undefined }
  }

  slotFor(words: Uint32Array, at: number): number {
    if (this.size * 3 >= this.#slots * 2) this.#grow()
    const slot = this.#find(words[at]!, words[at + 1]!)
    const { key } = this.#columns
    if (key[slot * 2] === 0 && key[slot * 2 + 1] === 0) {
      key[slot * 2] = words[at]!
      key[slot * 2 + 1] = words[at + 1]!
      this.size++
    }
    return slot
  }

  #slotOf(subscriber: Uint32Array, number: Uint32Array, row: number): number {
    const at = row * 4
    if ((subscriber[at]! | subscriber[at + 1]!) !== 0) return this.slotFor(subscriber, at)
    if ((number[at]! | number[at + 1]!) !== 0) return this.slotFor(number, at)
    return -1
  }

  #find(high: number, low: number): number {
    const mask = this.#slots - 1
    const { key } = this.#columns
    let slot = (high ^ Math.imul(low, 0x9e3779b1)) & mask
    while ((key[slot * 2] !== high || key[slot * 2 + 1] !== low) && (key[slot * 2] !== 0 || key[slot * 2 + 1] !== 0))
      slot = (slot + 1) & mask
    return slot
  }

  #code(name: string): number {
    let code = this.#codes.get(name)
    if (code === undefined) {
      code = this.#names.length
      this.#names.push(name)
      this.#codes.set(name, code)
    }
    return code
  }

  #grow(): void {
    const old = this.#columns
    const slots = this.#slots
    this.#slots *= 2
    this.#columns = columnsFor(this.#slots)
    for (let from = 0; from < slots; from++) {
      const high = old.key[from * 2]!
      const low = old.key[from * 2 + 1]!
      if (high === 0 && low === 0) continue
      const to = this.#find(high, low)
      for (const name of Object.keys(old) as (keyof TableColumns)[]) {
        const words = name === 'key' ? 2 : name === 'device' ? 4 : 1
        for (let word = 0; word < words; word++) this.#columns[name][to * words + word] = old[name][from * words + word]!
      }
    }
  }
}
