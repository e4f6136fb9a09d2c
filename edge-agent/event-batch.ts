/**
 * Decoded events as columns: what intake journals and the cutting stages read. One batch is one journal row and one fsync.
 *
 * Holds accepted, rejected and duplicate events alike (`verdict`), so that the tallies can be counted again from the journal after a crash.
 * Missing values are those of shared/records.ts. No identity of a person is ever in here: only pseudonyms and masked texts.
 * Owned by one writer, reused through `reset`; whoever keeps rows copies them.
 */
import { missing } from '#shared/records.ts'

/** What became of an event; the position is the code. */
export const verdicts = ['accepted', 'rejected', 'duplicate'] as const
export const accepted = 0
export const rejected = 1
export const duplicate = 2

const numbers = {
  f64: ['timeMs', 'arrivalMs', 'latitude', 'longitude', 'durationMs', 'bytesUp', 'bytesDown', 'packetsUp', 'packetsDown', 'flows'],
  f32: [
    'rsrpDbm',
    'rsrqDb',
    'sinrDb',
    'accuracyM',
    'speedMps',
    'bearingDeg',
    'latencyMs',
    'lossRatio',
    'rttMs',
    'neighbourRsrpDbm0',
    'neighbourRsrpDbm1',
    'neighbourRsrpDbm2',
  ],
  u32: ['model', 'trackingArea'],
  u16: ['pci', 'timingAdvance'],
  u8: ['family', 'verdict', 'rat'],
} as const
const texts = [
  'eventType',
  'source',
  'cell',
  'targetCell',
  'neighbourCell0',
  'neighbourCell1',
  'neighbourCell2',
  'cause',
  'channel',
  'action',
  'outcome',
  'campaign',
  'application',
  'protocol',
  'reason',
  'field',
  'body',
] as const
const ids = { id64: ['idHash'], id128: ['subscriber', 'number', 'device'] } as const

type Of<N extends readonly string[], A> = { -readonly [C in N[number]]: A }
/**
 * `timeMs` is the event's time as windows and rules use it (an event too far ahead keeps its arrival time here). `flows` is 1 for a DPI flow, or what an
 * exporter aggregated. `idHash` is the hash of (source, event_id); zero: the event had none. `reason`, `field`, `body` are set on rejected rows only.
 */
export type EventColumns = Of<typeof numbers.f64, Float64Array> &
  Of<typeof numbers.f32, Float32Array> &
  Of<typeof numbers.u32, Uint32Array> &
  Of<typeof numbers.u16, Uint16Array> &
  Of<typeof numbers.u8, Uint8Array> &
  Of<typeof texts, Uint32Array> &
  Of<typeof ids.id64, Uint32Array> &
  Of<typeof ids.id128, Uint32Array>

type AnyArray = Float64Array | Float32Array | Uint32Array | Uint16Array | Uint8Array

/** Name, words a row, fill value and array type of every column, in the order in which the journal stores them. */
export const eventColumnSpecs: readonly {
  name: keyof EventColumns
  words: number
  empty: number
  type: 'f64' | 'f32' | 'u32' | 'u16' | 'u8'
}[] = [
  ...numbers.f64.map((name) => ({ name, words: 1, empty: Number.NaN, type: 'f64' as const })),
  ...numbers.f32.map((name) => ({ name, words: 1, empty: Number.NaN, type: 'f32' as const })),
  ...numbers.u32.map((name) => ({ name, words: 1, empty: missing.u32, type: 'u32' as const })),
  ...numbers.u16.map((name) => ({ name, words: 1, empty: missing.u16, type: 'u16' as const })),
  ...numbers.u8.map((name) => ({ name, words: 1, empty: name === 'rat' ? 0 : missing.u8, type: 'u8' as const })),
  ...texts.map((name) => ({ name, words: 1, empty: 0, type: 'u32' as const })),
  ...ids.id64.map((name) => ({ name, words: 2, empty: 0, type: 'u32' as const })),
  ...ids.id128.map((name) => ({ name, words: 4, empty: 0, type: 'u32' as const })),
]

const arrayTypes = { f64: Float64Array, f32: Float32Array, u32: Uint32Array, u16: Uint16Array, u8: Uint8Array } as const

export class EventBatch {
  rows = 0
  /** Read anew after `add`: growing replaces the arrays. */
  columns: EventColumns
  /** `texts[0]` is ''. */
  texts: string[] = ['']
  #codes = new Map<string, number>([['', 0]])
  #capacity: number

  constructor(capacity = 1024) {
    this.#capacity = capacity
    this.columns = allocate(capacity)
  }

  /** Appends a row of missing values and returns its index. */
  add(): number {
    if (this.rows === this.#capacity) this.#grow()
    return this.rows++
  }

  code(text: string): number {
    let code = this.#codes.get(text)
    if (code === undefined) {
      code = this.texts.length
      this.texts.push(text)
      this.#codes.set(text, code)
    }
    return code
  }

  /** Takes back rows from `rows` on (a message that failed half-way). */
  truncate(rows: number): void {
    for (const { name, words, empty } of eventColumnSpecs) this.columns[name].fill(empty, rows * words, this.rows * words)
    this.rows = rows
  }

  /** Empties the batch for its next use. The texts of a long-lived source stay out of it: the table is per batch. */
  reset(): void {
    this.truncate(0)
    this.texts = ['']
    this.#codes = new Map([['', 0]])
  }

  #grow(): void {
    const from = this.columns as unknown as Record<string, AnyArray>
    this.#capacity *= 2
    const to = allocate(this.#capacity) as unknown as Record<string, AnyArray>
    for (const { name } of eventColumnSpecs) to[name]!.set(from[name]!)
    this.columns = to as unknown as EventColumns
  }
}

function allocate(rows: number): EventColumns {
  const columns: Record<string, AnyArray> = {}
  for (const { name, words, empty, type } of eventColumnSpecs) {
    const column = new arrayTypes[type](rows * words)
    if (empty !== 0) column.fill(empty)
    columns[name] = column
  }
  return columns as unknown as EventColumns
}
