/**
 * Picks what travels whole: changes of SIM, number, profile and roaming (lane `movement`), every interaction and every network `drop`
 * (lane `sighting`), and the rejected events as dead letters (lane `ledger`, at most `deadLetterRows` a cut: the rest is counted as lost).
 * Pure: the same batch at the same journal position always makes the same rows with the same keys.
 */
import { families, familyCode } from '#shared/families.ts'
import type { Lane } from '#shared/records.ts'
import { accepted, type EventBatch, rejected } from './event-batch.ts'
import { type CutBatch, RecordWriter } from './record-writer.ts'
import type { RowKeys } from './row-keys.ts'

const movementTypes = new Set(['sim_change', 'number_change', 'profile_change', 'roaming_start', 'roaming_end'])

export interface EventCutterOptions {
  readonly keys: RowKeys
  readonly batchRows: number
  readonly deadLetterRows: number
}

export class EventCutter {
  readonly #options: EventCutterOptions
  readonly #movement: RecordWriter<'event'>
  readonly #ordinary: RecordWriter<'event'>
  readonly #deadLetters: RecordWriter<'dead-letter'>
  /** Dead letters beyond the cap since the last drain, with the range of their arrival. */
  #overflow = { rows: 0, fromMs: 0, toMs: 0 }

  constructor(options: EventCutterOptions) {
    this.#options = options
    this.#movement = new RecordWriter('event', options.batchRows)
    this.#ordinary = new RecordWriter('event', options.batchRows)
    this.#deadLetters = new RecordWriter('dead-letter', options.batchRows)
  }

  /** Rows that should leave at once. */
  get urgentRows(): number {
    return this.#movement.rows
  }

  add(batch: EventBatch, position: number): void {
    const { verdict, family, eventType } = batch.columns
    const { network, subscriber, interaction } = familyCode
    for (let row = 0; row < batch.rows; row++) {
      const ofVerdict = verdict[row]!
      if (ofVerdict === rejected) this.#addDeadLetter(batch, row, position)
      if (ofVerdict !== accepted) continue
      const ofFamily = family[row]!
      if (ofFamily === interaction) this.#addEvent(this.#ordinary, batch, row, position)
      else if (ofFamily === subscriber && movementTypes.has(batch.texts[eventType[row]!]!))
        this.#addEvent(this.#movement, batch, row, position)
      else if (ofFamily === network && batch.texts[eventType[row]!] === 'drop') this.#addEvent(this.#ordinary, batch, row, position)
    }
  }

  drain(): { lane: Lane; batch: CutBatch }[] {
    return [
      ...this.#movement.drain().map((batch) => ({ lane: 'movement' as const, batch })),
      ...this.#ordinary.drain().map((batch) => ({ lane: 'sighting' as const, batch })),
      ...this.#deadLetters.drain().map((batch) => ({ lane: 'ledger' as const, batch })),
    ]
  }

  /** What the cap on dead letters has cost since the last call. */
  drainOverflow(): { rows: number; fromMs: number; toMs: number } {
    const overflow = this.#overflow
    this.#overflow = { rows: 0, fromMs: 0, toMs: 0 }
    return overflow
  }

  #addEvent(writer: RecordWriter<'event'>, batch: EventBatch, row: number, position: number): void {
    const from = batch.columns
    const { texts } = batch
    const to = writer.add()
    const { columns, code } = writer
    this.#options.keys.write(columns.key, to * 2, position, row)
    columns.timeMs[to] = from.timeMs[row]!
    columns.arrivalMs[to] = from.arrivalMs[row]!
    columns.family[to] = from.family[row]!
    for (let word = 0; word < 4; word++) {
      columns.subscriber[to * 4 + word] = from.subscriber[row * 4 + word]!
      columns.number[to * 4 + word] = from.number[row * 4 + word]!
      columns.device[to * 4 + word] = from.device[row * 4 + word]!
    }
    for (const name of copiedNumbers) columns[name][to] = from[name][row]!
    for (const name of copiedTexts) if (from[name][row] !== 0) columns[name][to] = code(texts[from[name][row]!]!)
  }

  #addDeadLetter(batch: EventBatch, row: number, position: number): void {
    const from = batch.columns
    const { texts } = batch
    const arrivalMs = from.arrivalMs[row]!
    if (this.#deadLetters.rows >= this.#options.deadLetterRows) {
      const { rows, fromMs, toMs } = this.#overflow
      this.#overflow = { rows: rows + 1, fromMs: rows === 0 ? arrivalMs : Math.min(fromMs, arrivalMs), toMs: Math.max(toMs, arrivalMs) }
      return
    }
    const to = this.#deadLetters.add()
    const { columns, code } = this.#deadLetters
    this.#options.keys.write(columns.key, to * 2, position, row)
    columns.timeMs[to] = arrivalMs
    columns.family[to] = code(families[from.family[row]!] ?? '')
    columns.source[to] = code(texts[from.source[row]!]!)
    columns.reason[to] = code(texts[from.reason[row]!]!)
    columns.field[to] = code(texts[from.field[row]!]!)
    columns.body[to] = code(texts[from.body[row]!]!)
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
  'durationMs',
  'bytesUp',
  'bytesDown',
  'latencyMs',
  'lossRatio',
] as const
const copiedTexts = ['cell', 'eventType', 'source', 'targetCell', 'cause', 'channel', 'action', 'outcome', 'campaign'] as const
