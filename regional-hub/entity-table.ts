/**
 * One kind of key (SIM, number or device), its shards, and each key's history. A shard owns its keys, columns and points alone, so that
 * each can move to a worker of its own; a reference names a key across shards: local number · shards + shard (a power of two of them). Reference 0 is "missing".
 */
import type { DetectionConfig } from './detection-config.ts'
import { appended, extended, History, type HistoryOptions, type Points } from './history.ts'
import { KeyTable, octets, wordsOf } from './key-table.ts'

/** The key was seen with more than one `a`. */
export const several = 1
/** Two neighbouring sightings are too far apart to be one. */
export const suspect = 2
/** Another region saw the key. */
export const remote = 4
/** The rest is told elsewhere: a number whose SIM is known. */
export const merged = 8

const columnsPerKey = 4 // head, newest a, flags, seconds of the last binding told

export class EntityShard {
  readonly keys = new KeyTable()
  readonly history: History
  columns = new Uint32Array(1024 * columnsPerKey)

  constructor(options: HistoryOptions) {
    this.history = new History(options)
  }

  grow(local: number): void {
    if ((local + 1) * columnsPerKey <= this.columns.length) return
    const columns = new Uint32Array(this.columns.length * 2)
    columns.set(this.columns)
    this.columns = columns
  }
}

export class EntityTable {
  readonly shards: EntityShard[]
  readonly #count: number
  readonly #bits: number
  #sweepShard = 0
  #sweepLocal = 1

  constructor(shards: number, options: HistoryOptions) {
    this.#count = shards
    this.#bits = Math.log2(shards)
    if (!Number.isInteger(this.#bits)) throw new Error(`${shards} shards: the number must be a power of two`)
    this.shards = Array.from({ length: shards }, () => new EntityShard(options))
  }

  /** The shard a key belongs to, by its first word. */
  shard(words: Uint32Array, at: number): number {
    return words[at]! & (this.#count - 1)
  }

  find(words: Uint32Array, at: number): number {
    const shard = this.shard(words, at)
    const local = this.shards[shard]!.keys.find(words, at)
    return local === 0 ? 0 : (local << this.#bits) | shard
  }

  add(words: Uint32Array, at: number): number {
    const shard = this.shard(words, at)
    const owner = this.shards[shard]!
    const local = owner.keys.add(words, at)
    if (local === 0) return 0
    owner.grow(local)
    return (local << this.#bits) | shard
  }

  local(reference: number): number {
    return reference >>> this.#bits
  }

  owner(reference: number): EntityShard {
    return this.shards[reference & (this.#count - 1)]!
  }

  copy(reference: number, target: Uint32Array, at: number): void {
    if (reference === 0) target.fill(0, at, at + 4)
    else this.owner(reference).keys.copy(this.local(reference), target, at)
  }

  hex(reference: number): string {
    return reference === 0 ? '' : this.owner(reference).keys.hex(this.local(reference))
  }

  compare(x: number, y: number): number {
    if (x === y) return 0
    const hexX = this.hex(x)
    return hexX < this.hex(y) ? -1 : 1
  }

  head(reference: number): number {
    return this.owner(reference).columns[this.local(reference) * columnsPerKey]!
  }

  newestA(reference: number): number {
    return this.owner(reference).columns[this.local(reference) * columnsPerKey + 1]!
  }

  flags(reference: number): number {
    return this.owner(reference).columns[this.local(reference) * columnsPerKey + 2]!
  }

  setFlags(reference: number, flags: number): void {
    this.owner(reference).columns[this.local(reference) * columnsPerKey + 2] = flags
  }

  toldS(reference: number): number {
    return this.owner(reference).columns[this.local(reference) * columnsPerKey + 3]!
  }

  setTold(reference: number, seconds: number): void {
    this.owner(reference).columns[this.local(reference) * columnsPerKey + 3] = seconds
  }

  /** Takes a sighting into the key's history and answers what that changed there. */
  insert(reference: number, timeMs: number, cell: number, a: number, b: number): number {
    const { columns, history } = this.owner(reference)
    const at = this.local(reference) * columnsPerKey
    const head = history.insert(columns[at]!, timeMs, cell, a, b)
    columns[at] = head
    if (a !== 0) {
      const known = columns[at + 1]!
      if (known !== 0 && known !== a) columns[at + 2]! |= several
      if (known === 0 || history.change === extended || history.change === appended) columns[at + 1] = a
    }
    return history.change
  }

  points(reference: number): Points {
    return this.owner(reference).history.read(this.head(reference))
  }

  /** Forgets, for at most `keys` keys a call, what is older than lateness allows anyone to ask for; goes round and round. */
  sweep(keys: number, settledMs: number, finalMs: number): void {
    for (let step = 0; step < keys; step++) {
      const shard = this.shards[this.#sweepShard]!
      if (this.#sweepLocal > shard.keys.size) {
        this.#sweepShard = (this.#sweepShard + 1) % this.#count
        this.#sweepLocal = 1
        if (this.#sweepShard === 0) return
        continue
      }
      const at = this.#sweepLocal++ * columnsPerKey
      if (shard.columns[at] !== 0) shard.columns[at] = shard.history.prune(shard.columns[at]!, settledMs, finalMs)
    }
  }

  get size(): number {
    return this.shards.reduce((sum, shard) => sum + shard.keys.size, 0)
  }

  get bytes(): number {
    return this.shards.reduce((sum, shard) => sum + shard.keys.bytes + shard.history.bytes + shard.columns.byteLength, 0)
  }

  /** Groups of parts: for each shard its keys, its history and its columns. */
  snapshot(): Uint8Array[][] {
    return this.shards.flatMap((shard) => [shard.keys.snapshot(), shard.history.snapshot(), [octets(shard.columns)]])
  }

  restore(groups: readonly (readonly Uint8Array[])[]): void {
    for (const [number, shard] of this.shards.entries()) {
      shard.keys.restore(groups[number * 3]!)
      shard.history.restore(groups[number * 3 + 1]!)
      shard.columns = wordsOf(groups[number * 3 + 2]![0]!)
    }
  }
}

/** Options of the three kinds of history. */
export function historyOptions(config: DetectionConfig['sim']) {
  return {
    sim: { bucketMs: config.bucketMs, byCell: true },
    number: { bucketMs: config.numberBucketMs, byCell: false },
    device: { bucketMs: config.deviceBucketMs, byCell: false },
  }
}
