/**
 * Counts what became of every event, as absolute totals per (arrival minute, family, source, event type): accepted, rejected, duplicate,
 * late (accepted, but its window had closed when it arrived: a pure function of the columns, so that a replay counts the same) and lost.
 *
 * Totals are those of one epoch: whoever reads adds up the epochs, and takes of each key the row with the highest revision. Minutes that
 * have not changed for a while leave memory; should the clock step back into one, `recall` brings its totals back from the store.
 */
import { families } from '#shared/families.ts'
import { missing } from '#shared/records.ts'
import { duplicate, type EventBatch, rejected } from './event-batch.ts'
import { KeyTable } from './key-table.ts'
import { type JournalFacts, type Tally, type TallyKey, tallyCounts } from './ports.ts'
import { type CutBatch, RecordWriter } from './record-writer.ts'
import { TextTable } from './text-table.ts'

/** A key as one text, for a map. */
export function tallyId({ minuteMs, family, source, eventType }: TallyKey): string {
  return JSON.stringify([minuteMs, family, source, eventType])
}

export interface TallyCounterOptions {
  readonly widthMs: number
  readonly graceMs: number
  readonly batchRows: number
  /** Keys in memory above which a cut forgets everything it has handed over. */
  readonly keptKeys: number
  /** Totals of this epoch that were handed over earlier and forgotten here; undefined when there are none. */
  readonly recall: (key: TallyKey) => Tally | undefined
}

const minute = 60_000
const stride = tallyCounts.length
const [acceptedAt, rejectedAt, duplicateAt, lateAt, lostAt] = [0, 1, 2, 3, 4] as const
const noFamily = missing.u8

export class TallyCounter {
  readonly #options: TallyCounterOptions
  readonly #writer: RecordWriter<'tally'>
  readonly #keys = new KeyTable()
  readonly #texts = new TextTable()
  #totals = new Float64Array(256 * stride)
  #changed: number[] = []
  #isChanged = new Uint8Array(256)
  #revision = 0

  constructor(options: TallyCounterOptions) {
    this.#options = options
    this.#writer = new RecordWriter('tally', options.batchRows)
  }

  add(batch: EventBatch): void {
    const { verdict, family, source, eventType, timeMs, arrivalMs } = batch.columns
    const { widthMs, graceMs } = this.#options
    const texts = this.#texts
    texts.begin(batch.texts)
    for (let row = 0; row < batch.rows; row++) {
      const arrival = arrivalMs[row]!
      const slot = this.#slot(Math.floor(arrival / minute), family[row]!, texts.id(source[row]!), texts.id(eventType[row]!))
      const from = slot * stride
      const ofVerdict = verdict[row]!
      if (ofVerdict === rejected) this.#totals[from + rejectedAt]! += 1
      else if (ofVerdict === duplicate) this.#totals[from + duplicateAt]! += 1
      else {
        this.#totals[from + acceptedAt]! += 1
        if (Math.floor(timeMs[row]! / widthMs) * widthMs + widthMs + graceMs <= arrival) this.#totals[from + lateAt]! += 1
      }
    }
  }

  /** Events of a row that was stored and is gone; which source sent them is not known. `isCounted`: they have been counted before they were lost. */
  addLost({ arrivalMs, accepted: byFamily, rejected: refused, duplicate: repeated }: JournalFacts, isCounted: boolean): void {
    const minuteIndex = Math.floor(arrivalMs / minute)
    const add = (family: number, at: number, count: number) => {
      if (count > 0) this.#totals[this.#slot(minuteIndex, family, 0, 0) * stride + at]! += count
    }
    for (const [code, count] of byFamily.entries()) {
      const family = code < families.length ? code : noFamily
      add(family, lostAt, count)
      if (!isCounted) add(family, acceptedAt, count)
    }
    if (isCounted) return
    add(noFamily, rejectedAt, refused)
    add(noFamily, duplicateAt, repeated)
  }

  /** The rows that have changed since the last cut, with their totals, as batches and as rows for the store. */
  cut(): { batches: CutBatch[]; tallies: Tally[] } {
    const tallies: Tally[] = []
    for (const slot of this.#changed) {
      const tally = this.#tally(slot)
      tallies.push(tally)
      const row = this.#writer.add()
      const { columns, code } = this.#writer
      columns.minuteMs[row] = tally.minuteMs
      columns.family[row] = code(tally.family)
      columns.source[row] = code(tally.source)
      columns.eventType[row] = code(tally.eventType)
      columns.revision[row] = ++this.#revision
      for (const name of tallyCounts) columns[name][row] = tally[name]
    }
    this.#forgetChanges()
    return { batches: this.#writer.drain(), tallies }
  }

  #forgetChanges(): void {
    for (const slot of this.#changed) this.#isChanged[slot] = 0
    this.#changed = []
    if (this.#keys.size <= this.#options.keptKeys) return
    this.#keys.clear()
    this.#texts.clear()
  }

  #tally(slot: number): Tally {
    const { words } = this.#keys
    const from = slot * stride
    return {
      minuteMs: words[slot * 4]! * minute,
      family: families[words[slot * 4 + 1]!] ?? '',
      source: this.#texts.texts[words[slot * 4 + 2]!]!,
      eventType: this.#texts.texts[words[slot * 4 + 3]!]!,
      accepted: this.#totals[from]!,
      rejected: this.#totals[from + rejectedAt]!,
      duplicate: this.#totals[from + duplicateAt]!,
      late: this.#totals[from + lateAt]!,
      lost: this.#totals[from + lostAt]!,
    }
  }

  #slot(minuteIndex: number, family: number, source: number, eventType: number): number {
    const before = this.#keys.size
    const slot = this.#keys.slot(minuteIndex, family, source, eventType)
    if (slot === before) this.#begin(slot)
    if (this.#isChanged[slot] === 0) {
      this.#isChanged[slot] = 1
      this.#changed.push(slot)
    }
    return slot
  }

  #begin(slot: number): void {
    const from = slot * stride
    if (from === this.#totals.length) {
      const grown = new Float64Array(this.#totals.length * 2)
      grown.set(this.#totals)
      this.#totals = grown
      const flags = new Uint8Array(this.#isChanged.length * 2)
      flags.set(this.#isChanged)
      this.#isChanged = flags
    }
    this.#totals.fill(0, from, from + stride)
    this.#isChanged[slot] = 0
    const earlier = this.#options.recall(this.#tally(slot))
    if (earlier !== undefined) for (let at = 0; at < stride; at++) this.#totals[from + at] = earlier[tallyCounts[at]!]
  }
}
