/**
 * Turns events into sightings, and only when they say something new about a subscriber: seen first, in a new cell, with a new device or
 * number, at a GPS fix, or after `keepAliveMs` without one. Made from network and location events and from the subscriber events
 * registration, authentication and location_update.
 *
 * Owns what was last said of each subscriber, in a table of fixed size (ways of eight, the oldest of its way is evicted). What the table has
 * forgotten is seen "first" again: too much is said, never too little, so a restart with an empty table loses nothing.
 * A missing id means unknown, never changed. An event older than what is known never overwrites it.
 */
import { familyCode } from '#shared/families.ts'
import { type Lane, sightingReasons } from '#shared/records.ts'
import { accepted, type EventBatch } from './event-batch.ts'
import { hashWords } from './key-table.ts'
import { type CutBatch, RecordWriter } from './record-writer.ts'
import type { RowKeys } from './row-keys.ts'
import { type Novelty, SubscriberTable } from './subscriber-table.ts'

const sightingTypes = new Set(['registration', 'authentication', 'location_update'])
const reasonCode = Object.fromEntries(sightingReasons.map((reason, code) => [reason, code])) as Record<Novelty['reason'], number>

export interface SightingCutterOptions {
  readonly keys: RowKeys
  readonly batchRows: number
  readonly subscribers: number
  readonly keepAliveMs: number
}

export class SightingCutter {
  readonly #keys: RowKeys
  readonly #table: SubscriberTable
  readonly #movement: RecordWriter<'sighting'>
  readonly #ordinary: RecordWriter<'sighting'>
  #cellHashes = new Uint32Array(128)

  constructor(options: SightingCutterOptions) {
    this.#keys = options.keys
    this.#table = new SubscriberTable(options.subscribers, options.keepAliveMs)
    this.#movement = new RecordWriter('sighting', options.batchRows)
    this.#ordinary = new RecordWriter('sighting', options.batchRows)
  }

  /** Rows that should leave at once. */
  get urgentRows(): number {
    return this.#movement.rows
  }

  add(batch: EventBatch, position: number): void {
    const { verdict, family, eventType, subscriber, number, device, cell, latitude, timeMs } = batch.columns
    const { texts } = batch
    const { network, subscriber: subscriberFamily, location } = familyCode
    this.#beginCells(texts)
    for (let row = 0; row < batch.rows; row++) {
      if (verdict[row] !== accepted) continue
      const ofFamily = family[row]!
      if (ofFamily !== network && ofFamily !== location) {
        if (ofFamily !== subscriberFamily || !sightingTypes.has(texts[eventType[row]!]!)) continue
      }
      const id = row * 4
      const bySim = subscriber[id] !== 0 || subscriber[id + 1] !== 0
      const who = bySim ? subscriber : number
      if (who[id] === 0 && who[id + 1] === 0) continue
      const code = cell[row]!
      const novelty = this.#table.look(
        who[id]!,
        who[id + 1]!,
        bySim,
        timeMs[row]!,
        device[id]!,
        device[id + 1]!,
        bySim ? number[id]! : 0,
        bySim ? number[id + 1]! : 0,
        code === 0 ? 0 : this.#cellHash(texts, code, 0),
        code === 0 ? 0 : this.#cellHash(texts, code, 1),
        !Number.isNaN(latitude[row]!),
      )
      if (novelty !== undefined) this.#write(novelty, batch, row, position)
    }
  }

  drain(): { lane: Lane; batch: CutBatch }[] {
    return [
      ...this.#movement.drain().map((batch) => ({ lane: 'movement' as const, batch })),
      ...this.#ordinary.drain().map((batch) => ({ lane: 'sighting' as const, batch })),
    ]
  }

  #write({ reason, moved }: Novelty, batch: EventBatch, row: number, position: number): void {
    const from = batch.columns
    const { texts } = batch
    const writer = moved ? this.#movement : this.#ordinary
    const to = writer.add()
    const { columns, code } = writer
    this.#keys.write(columns.key, to * 2, position, row)
    columns.timeMs[to] = from.timeMs[row]!
    columns.arrivalMs[to] = from.arrivalMs[row]!
    columns.family[to] = from.family[row]!
    columns.reason[to] = reasonCode[reason]
    for (let word = 0; word < 4; word++) {
      columns.subscriber[to * 4 + word] = from.subscriber[row * 4 + word]!
      columns.number[to * 4 + word] = from.number[row * 4 + word]!
      columns.device[to * 4 + word] = from.device[row * 4 + word]!
    }
    for (const name of copiedNumbers) columns[name][to] = from[name][row]!
    for (const name of copiedTexts) if (from[name][row] !== 0) columns[name][to] = code(texts[from[name][row]!]!)
  }

  #beginCells(texts: readonly string[]): void {
    if (this.#cellHashes.length < texts.length * 2) this.#cellHashes = new Uint32Array(texts.length * 4)
    this.#cellHashes.fill(0, 0, texts.length * 2)
  }

  /** Two words of a cell's name, hashed once per batch; the first is never 0, which means no cell. */
  #cellHash(texts: readonly string[], code: number, word: 0 | 1): number {
    const hashes = this.#cellHashes
    if (hashes[code * 2] === 0) {
      const text = texts[code]!
      let a = 0x811c9dc5
      let b = text.length
      for (let at = 0; at < text.length; at++) {
        a = Math.imul(a ^ text.charCodeAt(at), 0x01000193)
        b = Math.imul(b + text.charCodeAt(at), 0x85ebca6b) ^ (b >>> 15)
      }
      hashes[code * 2] = hashWords(a >>> 0, b >>> 0, 1, 0) || 1
      hashes[code * 2 + 1] = hashWords(b >>> 0, a >>> 0, 2, 0)
    }
    return hashes[code * 2 + word]!
  }
}

const copiedNumbers = [
  'model',
  'rat',
  'trackingArea',
  'pci',
  'timingAdvance',
  'rsrpDbm',
  'rsrqDb',
  'sinrDb',
  'latitude',
  'longitude',
  'accuracyM',
  'speedMps',
  'bearingDeg',
  'neighbourRsrpDbm0',
  'neighbourRsrpDbm1',
  'neighbourRsrpDbm2',
] as const
const copiedTexts = ['cell', 'eventType', 'neighbourCell0', 'neighbourCell1', 'neighbourCell2'] as const
