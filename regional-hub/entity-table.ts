/**
 * One kind of key (SIM, number or device), its shards, and each key's history. A shard owns its keys and points alone, so that each can move to a worker of its own; a reference names a key across shards: local number · shards + shard (a power of two of them). Reference 0 is "missing".
 */
import { missing } from '#shared/records.ts'
import type { DetectionConfig } from './detection-config.ts'
import { appended, extended, History, type HistoryOptions } from './history.ts'
import { KeyTable, ownWords } from './key-table.ts'
import type { Points } from './points.ts'

/** The key was seen with more than one `a`. */
export const several = 1
/** Two neighbouring sightings are too far apart to be one. */
export const suspect = 2
/** Another region saw the key. */
export const remote = 4
/** The rest is told elsewhere: a number whose SIM is known. */
export const merged = 8
/** The key has no history of its own: it stands in that of its only SIM (soles.ts). */
export const sole = 16
/** A SIM whose history holds sightings that do not count for their device. */
export const mixed = 32

/** What stands beside a key in its row. `note`: seconds of the last binding told; of a device, its model. */
const own = { head: ownWords, newestA: ownWords + 1, flags: ownWords + 2, note: ownWords + 3 } as const

export class EntityShard {
  readonly keys = new KeyTable()
  readonly history: History

  constructor(options: HistoryOptions) {
    this.history = new History(options)
  }
}

export type SightingsOf = (sim: number, reference: number, take: (timeMs: number, cell: number, b: number) => void) => void

export class EntityTable {
  readonly shards: EntityShard[]
  readonly #count: number
  readonly #bits: number
  readonly #sightingsOf: SightingsOf | undefined
  #sweepShard = 0
  #sweepLocal = 1

  /** `sightingsOf` reads a sole key's sightings out of its SIM's history, oldest first. */
  constructor(shards: number, options: HistoryOptions, sightingsOf?: SightingsOf) {
    this.#count = shards
    this.#sightingsOf = sightingsOf
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

  /** The references of many rows' keys, 0 for those missing or new, and the start of their histories into the processor's cache. */
  findAll(words: Uint32Array, from: number, to: number, found: Uint32Array): void {
    if (this.#count === 1) this.shards[0]!.keys.findAll(words, from, to, found)
    else for (let row = from; row < to; row++) found[row - from] = this.find(words, row * 4)
  }

  /** Reads ahead what `insert` will want of these keys' histories. Answers nothing of meaning. */
  touch(found: Uint32Array, count: number, points: Uint32Array): number {
    let sum = 0
    for (let row = 0; row < count; row++) {
      const reference = found[row]!
      points[row] = reference === 0 ? 0 : this.head(reference)
    }
    for (let row = 0; row < count; row++) {
      points[row] = points[row] === 0 ? 0 : this.owner(found[row]!).history.older(points[row]!)
    }
    for (let row = 0; row < count; row++) {
      if (points[row] !== 0) sum += this.owner(found[row]!).history.older(points[row]!)
    }
    return sum
  }

  add(words: Uint32Array, at: number): number {
    const shard = this.shard(words, at)
    const owner = this.shards[shard]!
    const local = owner.keys.add(words, at)
    return local === 0 ? 0 : (local << this.#bits) | shard
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
    return this.#own(reference, own.head)
  }

  newestA(reference: number): number {
    return this.#own(reference, own.newestA)
  }

  flags(reference: number): number {
    return this.#own(reference, own.flags)
  }

  setFlags(reference: number, flags: number): void {
    this.#setOwn(reference, own.flags, flags)
  }

  toldS(reference: number): number {
    return this.#own(reference, own.note)
  }

  setTold(reference: number, seconds: number): void {
    this.#setOwn(reference, own.note, seconds)
  }

  /** A device's model (TAC); kept as its complement, so that a row of zeros knows none. */
  model(device: number): number {
    return device === 0 ? missing.u32 : ~this.#own(device, own.note) >>> 0
  }

  noteModel(device: number, model: number): void {
    if (model !== missing.u32) this.#setOwn(device, own.note, ~model >>> 0)
  }

  /** Takes a sighting into the key's history and answers what that changed there. */
  insert(reference: number, timeMs: number, cell: number, a: number, b: number): number {
    const { keys, history } = this.owner(reference)
    const local = reference >>> this.#bits
    const words = keys.page(local)
    const at = keys.rowAt(local)
    const before = words[at + own.head]!
    const head = history.insert(before, timeMs, cell, a, b)
    if (head !== before) words[at + own.head] = head
    if (a !== 0) {
      const known = words[at + own.newestA]!
      if (known !== a) {
        if (known !== 0) words[at + own.flags]! |= several
        if (known === 0 || history.change === extended || history.change === appended) words[at + own.newestA] = a
      }
    }
    return history.change
  }

  points(reference: number): Points {
    const { history } = this.owner(reference)
    if ((this.flags(reference) & sole) === 0) return history.read(this.head(reference))
    const head = this.#readOut(reference)
    const points = history.read(head)
    history.clear(head)
    return points
  }

  /** Of a key that was only ever seen with one `a`: that, when first and last with it, and the newest sighting of all. */
  span(reference: number): { readonly to: number; readonly firstMs: number; readonly lastMs: number; readonly newestMs: number } {
    let to = 0
    let firstMs = 0
    let lastMs = 0
    if ((this.flags(reference) & sole) !== 0) {
      const sim = this.newestA(reference)
      this.#sightingsOf?.(sim, reference, (timeMs) => {
        if (to === 0) firstMs = timeMs
        to = sim
        lastMs = timeMs
      })
      return { to, firstMs, lastMs, newestMs: lastMs }
    }
    const { history } = this.owner(reference)
    const head = this.head(reference)
    for (let point = head; point !== 0; point = history.older(point)) {
      const a = history.a(point)
      if (a === 0) continue
      firstMs = history.timeMs(point)
      if (to === 0) lastMs = firstMs
      to = a
    }
    return { to, firstMs, lastMs, newestMs: head === 0 ? 0 : history.timeMs(head) }
  }

  /** The key's sightings stand in this SIM's history from here on. */
  makeSole(reference: number, sim: number): void {
    this.#setOwn(reference, own.newestA, sim)
    this.setFlags(reference, this.flags(reference) | sole)
  }

  /** Gives a sole key a history of its own. */
  separate(reference: number): void {
    this.#setOwn(reference, own.head, this.#readOut(reference))
    this.setFlags(reference, this.flags(reference) & ~sole)
  }

  /** A sole key's sightings, read out of its SIM's history into a list of its own. */
  #readOut(reference: number): number {
    const { history } = this.owner(reference)
    const sim = this.newestA(reference)
    let head = 0
    this.#sightingsOf?.(sim, reference, (timeMs, cell, b) => {
      head = history.insert(head, timeMs, cell, sim, b)
    })
    return head
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
      const local = this.#sweepLocal++
      const words = shard.keys.page(local)
      const at = shard.keys.rowAt(local) + own.head
      if (words[at] !== 0) words[at] = shard.history.prune(words[at]!, settledMs, finalMs)
    }
  }

  get size(): number {
    return this.shards.reduce((sum, shard) => sum + shard.keys.size, 0)
  }

  get bytes(): number {
    return this.shards.reduce((sum, shard) => sum + shard.keys.bytes + shard.history.bytes, 0)
  }

  /** Groups of parts: for each shard its keys and its history. */
  snapshot(): Uint8Array[][] {
    return this.shards.flatMap((shard) => [shard.keys.snapshot(), shard.history.snapshot()])
  }

  restore(groups: readonly (readonly Uint8Array[])[]): void {
    for (const [number, shard] of this.shards.entries()) {
      shard.keys.restore(groups[number * 2]!)
      shard.history.restore(groups[number * 2 + 1]!)
    }
  }

  #own(reference: number, word: number): number {
    const { keys } = this.owner(reference)
    const local = reference >>> this.#bits
    return keys.page(local)[keys.rowAt(local) + word]!
  }

  #setOwn(reference: number, word: number, value: number): void {
    const { keys } = this.owner(reference)
    const local = reference >>> this.#bits
    keys.page(local)[keys.rowAt(local) + word] = value
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
