/**
 * Cuts accepted DPI flows into tumbling windows per (cell, application, protocol), by event time: exact sums of what exporters reported.
 * The same promises as cut-windows: every cut hands over a part of every open window, and the parts of a window add up.
 */
import { familyCode } from '#shared/families.ts'
import { QuantileSketch } from '#shared/quantile-sketch.ts'
import { accepted, type EventBatch } from './event-batch.ts'
import { KeyTable } from './key-table.ts'
import { type CutBatch, RecordWriter } from './record-writer.ts'
import { TextTable } from './text-table.ts'

const sums = ['flows', 'packetsUp', 'packetsDown', 'bytesUp', 'bytesDown', 'rttCount', 'rttSumMs', 'lossCount', 'lossSum'] as const
const stride = sums.length

export class UsageCutter {
  readonly #widthMs: number
  readonly #writer: RecordWriter<'usage'>
  readonly #keys = new KeyTable()
  readonly #texts = new TextTable()
  #sums = new Float64Array(256 * stride)
  /** By slot; emptied by a cut and used again, because making one costs more than filling it. */
  readonly #rtt: (QuantileSketch | undefined)[] = []

  constructor(options: { widthMs: number; batchRows: number }) {
    this.#widthMs = options.widthMs
    this.#writer = new RecordWriter('usage', options.batchRows)
  }

  get open(): number {
    return this.#keys.size
  }

  add(batch: EventBatch): void {
    const { verdict, family, timeMs, cell, application, protocol, flows, packetsUp, packetsDown, bytesUp, bytesDown, rttMs, lossRatio } =
      batch.columns
    const texts = this.#texts
    texts.begin(batch.texts)
    for (let row = 0; row < batch.rows; row++) {
      if (verdict[row] !== accepted || family[row] !== familyCode.dpi) continue
      const index = Math.floor(timeMs[row]! / this.#widthMs)
      const slot = this.#slot(index, texts.id(cell[row]!), texts.id(application[row]!), texts.id(protocol[row]!))
      const from = slot * stride
      const numbers = this.#sums
      const aggregated = flows[row]!
      numbers[from]! += Number.isNaN(aggregated) ? 1 : aggregated
      numbers[from + 1]! += packetsUp[row]! || 0
      numbers[from + 2]! += packetsDown[row]! || 0
      numbers[from + 3]! += bytesUp[row]! || 0
      numbers[from + 4]! += bytesDown[row]! || 0
      const rtt = rttMs[row]!
      if (!Number.isNaN(rtt)) {
        numbers[from + 5]! += 1
        numbers[from + 6]! += rtt
        this.#rtt[slot] ??= new QuantileSketch()
        this.#rtt[slot].add(rtt)
      }
      const loss = lossRatio[row]!
      if (!Number.isNaN(loss)) {
        numbers[from + 7]! += 1
        numbers[from + 8]! += loss
      }
    }
  }

  /** A part of every open window, numbered `part`; afterwards none is open. */
  cut(part: number): CutBatch[] {
    const { texts } = this.#texts
    for (let slot = 0; slot < this.#keys.size; slot++) {
      const { words } = this.#keys
      const row = this.#writer.add()
      const { columns, code } = this.#writer
      columns.startMs[row] = words[slot * 4]! * this.#widthMs
      columns.widthMs[row] = this.#widthMs
      columns.part[row] = part
      columns.cell[row] = code(texts[words[slot * 4 + 1]!]!)
      columns.application[row] = code(texts[words[slot * 4 + 2]!]!)
      columns.protocol[row] = code(texts[words[slot * 4 + 3]!]!)
      for (let offset = 0; offset < stride; offset++) columns[sums[offset]!][row] = this.#sums[slot * stride + offset]!
      const rtt = this.#rtt[slot]
      if (rtt === undefined || rtt.count === 0) continue
      this.#writer.setBytes('rttSketch', rtt.encode())
      rtt.clear()
    }
    this.#keys.clear()
    this.#texts.clear()
    return this.#writer.drain()
  }

  #slot(index: number, cell: number, application: number, protocol: number): number {
    const before = this.#keys.size
    const slot = this.#keys.slot(index, cell, application, protocol)
    if (slot < before) return slot
    if (slot * stride === this.#sums.length) {
      const grown = new Float64Array(this.#sums.length * 2)
      grown.set(this.#sums)
      this.#sums = grown
    }
    this.#sums.fill(0, slot * stride, (slot + 1) * stride)
    return slot
  }
}
