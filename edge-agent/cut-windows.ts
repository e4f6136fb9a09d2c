/**
 * Cuts accepted network, subscriber, location and interaction events into tumbling windows per (cell, family), by event time.
 *
 * Owns the open windows. `cut` hands over a part of every open window and starts afresh, so that what it has handed over is exactly what
 * was added before: the sum of all parts ever cut for a window equals the events put in, in any order. Late data is simply another part.
 * Events without a cell count under cell ''. Never looks at a clock, never keeps a reference to its input.
 */
import { familyCode } from '#shared/families.ts'
import { QuantileSketch } from '#shared/quantile-sketch.ts'
import { accepted, type EventBatch } from './event-batch.ts'
import { KeyTable } from './key-table.ts'
import { type CutBatch, RecordWriter } from './record-writer.ts'
import { TextTable } from './text-table.ts'

/** Columns of a part that add up; the position is the offset in a slot's run of numbers. The first ones are counts of event types. */
const sums = [
  'other',
  'attach',
  'detach',
  'handover',
  'cellChange',
  'measurement',
  'callStart',
  'callEnd',
  'sessionStart',
  'sessionEnd',
  'paging',
  'drop',
  'events',
  'bytesUp',
  'bytesDown',
  'rsrpCount',
  'rsrpSumDbm',
  'rsrqCount',
  'rsrqSumDb',
  'sinrCount',
  'sinrSumDb',
  'latencyCount',
  'latencySumMs',
  'lossCount',
  'lossSum',
  'durationCount',
  'durationSumMs',
] as const
const at = Object.fromEntries(sums.map((name, offset) => [name, offset])) as Record<(typeof sums)[number], number>
const rsrpMin = sums.length
const rsrpMax = sums.length + 1
const latencyMax = sums.length + 2
const stride = sums.length + 3

const typeOffset = new Map<string, number>([
  ['attach', at.attach],
  ['detach', at.detach],
  ['handover', at.handover],
  ['cell_change', at.cellChange],
  ['measurement', at.measurement],
  ['call_start', at.callStart],
  ['call_end', at.callEnd],
  ['session_start', at.sessionStart],
  ['session_end', at.sessionEnd],
  ['paging', at.paging],
  ['drop', at.drop],
])

export class WindowCutter {
  readonly #widthMs: number
  readonly #writer: RecordWriter<'window'>
  readonly #keys = new KeyTable()
  readonly #cells = new TextTable()
  #sums = new Float64Array(256 * stride)
  /** By slot; emptied by a cut and used again, because making one costs more than filling it. */
  readonly #rsrp: (QuantileSketch | undefined)[] = []
  readonly #latency: (QuantileSketch | undefined)[] = []
  #offsets = new Int8Array(64)

  constructor(options: { widthMs: number; batchRows: number }) {
    this.#widthMs = options.widthMs
    this.#writer = new RecordWriter('window', options.batchRows)
  }

  get open(): number {
    return this.#keys.size
  }

  add(batch: EventBatch): void {
    const { rows, texts } = batch
    const { verdict, family, timeMs, cell, eventType, bytesUp, bytesDown, rsrpDbm, rsrqDb, sinrDb, latencyMs, lossRatio, durationMs } =
      batch.columns
    this.#cells.begin(texts)
    this.#beginTypes(texts.length)
    const { network, dpi } = familyCode
    const width = this.#widthMs
    for (let row = 0; row < rows; row++) {
      const ofFamily = family[row]!
      if (verdict[row] !== accepted || ofFamily === dpi) continue
      const slot = this.#slot(Math.floor(timeMs[row]! / width), this.#cells.id(cell[row]!), ofFamily)
      const from = slot * stride
      const numbers = this.#sums
      numbers[from + at.events]! += 1
      numbers[from + (ofFamily === network ? this.#offset(texts, eventType[row]!) : at.other)]! += 1
      const rsrp = rsrpDbm[row]!
      if (!Number.isNaN(rsrp)) {
        numbers[from + at.rsrpCount]! += 1
        numbers[from + at.rsrpSumDbm]! += rsrp
        if (rsrp < numbers[from + rsrpMin]!) numbers[from + rsrpMin] = rsrp
        if (rsrp > numbers[from + rsrpMax]!) numbers[from + rsrpMax] = rsrp
        this.#rsrp[slot] ??= new QuantileSketch()
        this.#rsrp[slot].add(-rsrp)
      }
      const rsrq = rsrqDb[row]!
      if (!Number.isNaN(rsrq)) {
        numbers[from + at.rsrqCount]! += 1
        numbers[from + at.rsrqSumDb]! += rsrq
      }
      const sinr = sinrDb[row]!
      if (!Number.isNaN(sinr)) {
        numbers[from + at.sinrCount]! += 1
        numbers[from + at.sinrSumDb]! += sinr
      }
      if (ofFamily !== network) continue
      const up = bytesUp[row]!
      if (!Number.isNaN(up)) numbers[from + at.bytesUp]! += up
      const down = bytesDown[row]!
      if (!Number.isNaN(down)) numbers[from + at.bytesDown]! += down
      const latency = latencyMs[row]!
      if (!Number.isNaN(latency)) {
        numbers[from + at.latencyCount]! += 1
        numbers[from + at.latencySumMs]! += latency
        if (latency > numbers[from + latencyMax]!) numbers[from + latencyMax] = latency
        this.#latency[slot] ??= new QuantileSketch()
        this.#latency[slot].add(latency)
      }
      const loss = lossRatio[row]!
      if (!Number.isNaN(loss)) {
        numbers[from + at.lossCount]! += 1
        numbers[from + at.lossSum]! += loss
      }
      const duration = durationMs[row]!
      if (!Number.isNaN(duration)) {
        numbers[from + at.durationCount]! += 1
        numbers[from + at.durationSumMs]! += duration
      }
    }
  }

  /** A part of every open window, numbered `part`; afterwards none is open. */
  cut(part: number): CutBatch[] {
    for (let slot = 0; slot < this.#keys.size; slot++) this.#write(slot, part)
    this.#keys.clear()
    this.#cells.clear()
    return this.#writer.drain()
  }

  #write(slot: number, part: number): void {
    const { words } = this.#keys
    const row = this.#writer.add()
    const { columns, code } = this.#writer
    columns.startMs[row] = words[slot * 4]! * this.#widthMs
    columns.widthMs[row] = this.#widthMs
    columns.part[row] = part
    columns.cell[row] = code(this.#cells.texts[words[slot * 4 + 1]!]!)
    columns.family[row] = words[slot * 4 + 2]!
    const from = slot * stride
    for (let offset = 0; offset < sums.length; offset++) columns[sums[offset]!][row] = this.#sums[from + offset]!
    columns.rsrpMinDbm[row] = finite(this.#sums[from + rsrpMin]!)
    columns.rsrpMaxDbm[row] = finite(this.#sums[from + rsrpMax]!)
    columns.latencyMaxMs[row] = finite(this.#sums[from + latencyMax]!)
    this.#writeSketch('rsrpSketch', this.#rsrp[slot])
    this.#writeSketch('latencySketch', this.#latency[slot])
  }

  #writeSketch(name: 'rsrpSketch' | 'latencySketch', sketch: QuantileSketch | undefined): void {
    if (sketch === undefined || sketch.count === 0) return
    this.#writer.setBytes(name, sketch.encode())
    sketch.clear()
  }

  #slot(index: number, cell: number, family: number): number {
    const before = this.#keys.size
    const slot = this.#keys.slot(index, cell, family, 0)
    if (slot < before) return slot
    const from = slot * stride
    if (from === this.#sums.length) {
      const grown = new Float64Array(this.#sums.length * 2)
      grown.set(this.#sums)
      this.#sums = grown
    }
    this.#sums.fill(0, from, from + sums.length)
    this.#sums[from + rsrpMin] = Number.POSITIVE_INFINITY
    this.#sums[from + rsrpMax] = Number.NEGATIVE_INFINITY
    this.#sums[from + latencyMax] = Number.NEGATIVE_INFINITY
    return slot
  }

  #beginTypes(texts: number): void {
    if (this.#offsets.length < texts) this.#offsets = new Int8Array(texts * 2)
    this.#offsets.fill(-1, 0, texts)
  }

  #offset(texts: readonly string[], code: number): number {
    const known = this.#offsets[code]!
    if (known >= 0) return known
    const offset = typeOffset.get(texts[code]!) ?? at.other
    this.#offsets[code] = offset
    return offset
  }
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : Number.NaN
}
