/**
 * Every record that crosses a process boundary, column by column: the one place where a column's name, type and meaning are written down.
 * The batch codec, the trunk, history and the generated reference read this table; columns are found by name, so adding one is compatible.
 *
 * Column types and what stands for "missing" (a batch has no null bitmaps: a sentinel costs nothing on the hot path):
 *   u8, u16, u32   whole numbers; missing = the largest value of the type
 *   f32, f64       numbers; missing = NaN. Times are f64 epoch milliseconds
 *   text           a code into the batch's one table of texts; 0 = '' = missing
 *   id64, id128    2 or 4 32-bit words a row (a hash, a pseudonym); all zero = missing
 *   bytes          octets of any length (a sketch); empty = missing
 */

export type ColumnType = 'u8' | 'u16' | 'u32' | 'f32' | 'f64' | 'text' | 'id64' | 'id128' | 'bytes'

/** Lanes from the agent to the hub, highest first; `alarm`, `movement` and `ledger` are never shed. The position is the code. */
export const lanes = ['alarm', 'movement', 'ledger', 'sighting', 'window', 'backfill'] as const
export type Lane = (typeof lanes)[number]

/** Why a sighting was worth sending; the position is the code. */
export const sightingReasons = ['first', 'cell', 'device', 'number', 'fix', 'keep-alive'] as const

/** Classes of motion; the position is the code. */
export const motions = ['unknown', 'still', 'walking', 'vehicle'] as const

/** What a binding ties together; the position is the code. */
export const bindingKinds = ['number-sim', 'sim-device'] as const

const who = { subscriber: 'id128', number: 'id128', device: 'id128', model: 'u32' } as const
const radio = {
  cell: 'text',
  rat: 'u8',
  trackingArea: 'u32',
  pci: 'u16',
  timingAdvance: 'u16',
  rsrpDbm: 'f32',
  rsrqDb: 'f32',
  sinrDb: 'f32',
} as const

export const recordSchemas = {
  /**
   * One subscriber at one cell or place. `subscriber` is the pseudonym of the IMSI (missing: only the number is known), `number` of the MSISDN,
   * `device` of the IMEI's first 14 digits, `model` its TAC. `key` is made once, at the edge, and identifies the row for ever.
   */
  sighting: {
    key: 'id64',
    timeMs: 'f64',
    arrivalMs: 'f64',
    ...who,
    ...radio,
    latitude: 'f64',
    longitude: 'f64',
    accuracyM: 'f32',
    speedMps: 'f32',
    bearingDeg: 'f32',
    neighbourCell0: 'text',
    neighbourCell1: 'text',
    neighbourCell2: 'text',
    neighbourRsrpDbm0: 'f32',
    neighbourRsrpDbm1: 'f32',
    neighbourRsrpDbm2: 'f32',
    family: 'u8',
    eventType: 'text',
    reason: 'u8',
  },
  /** An event that travels whole. */
  event: {
    key: 'id64',
    timeMs: 'f64',
    arrivalMs: 'f64',
    ...who,
    ...radio,
    family: 'u8',
    eventType: 'text',
    source: 'text',
    targetCell: 'text',
    cause: 'text',
    durationMs: 'f64',
    bytesUp: 'f64',
    bytesDown: 'f64',
    latencyMs: 'f32',
    lossRatio: 'f32',
    channel: 'text',
    action: 'text',
    outcome: 'text',
    campaign: 'text',
  },
  /**
   * A part of a window per cell and family; parts merge by sums, extremes and sketches. Its key is (tenant, agent, epoch, family, cell, startMs, part).
   * `...Sketch` are quantile sketches (shared/quantile-sketch.ts) of RSRP in −dBm and of latency in ms.
   */
  window: {
    startMs: 'f64',
    widthMs: 'u32',
    part: 'u32',
    cell: 'text',
    family: 'u8',
    events: 'f64',
    attach: 'f64',
    detach: 'f64',
    handover: 'f64',
    cellChange: 'f64',
    measurement: 'f64',
    callStart: 'f64',
    callEnd: 'f64',
    sessionStart: 'f64',
    sessionEnd: 'f64',
    paging: 'f64',
    drop: 'f64',
    other: 'f64',
    bytesUp: 'f64',
    bytesDown: 'f64',
    rsrpCount: 'f64',
    rsrpSumDbm: 'f64',
    rsrpMinDbm: 'f32',
    rsrpMaxDbm: 'f32',
    rsrpSketch: 'bytes',
    rsrqCount: 'f64',
    rsrqSumDb: 'f64',
    sinrCount: 'f64',
    sinrSumDb: 'f64',
    latencyCount: 'f64',
    latencySumMs: 'f64',
    latencyMaxMs: 'f32',
    latencySketch: 'bytes',
    lossCount: 'f64',
    lossSum: 'f64',
    durationCount: 'f64',
    durationSumMs: 'f64',
  },
  /** A part of a window per cell, application and protocol (DPI). Its key is (tenant, agent, epoch, cell, application, protocol, startMs, part). */
  usage: {
    startMs: 'f64',
    widthMs: 'u32',
    part: 'u32',
    cell: 'text',
    application: 'text',
    protocol: 'text',
    flows: 'f64',
    packetsUp: 'f64',
    packetsDown: 'f64',
    bytesUp: 'f64',
    bytesDown: 'f64',
    rttCount: 'f64',
    rttSumMs: 'f64',
    rttSketch: 'bytes',
    lossCount: 'f64',
    lossSum: 'f64',
  },
  /** Absolute totals by arrival minute; the highest `revision` of a key (tenant, agent, epoch, minuteMs, family, source, eventType) holds. */
  tally: {
    minuteMs: 'f64',
    family: 'text',
    source: 'text',
    eventType: 'text',
    revision: 'f64',
    accepted: 'f64',
    rejected: 'f64',
    duplicate: 'f64',
    late: 'f64',
    lost: 'f64',
  },
  /** What was deliberately given up: which rows, of which lane and record, why, and the range of event time it leaves open. */
  loss: {
    key: 'id64',
    timeMs: 'f64',
    lane: 'text',
    record: 'text',
    reason: 'text',
    rows: 'f64',
    batches: 'f64',
    fromMs: 'f64',
    toMs: 'f64',
  },
  /** A rejected event, masked: no identity of a person is in `body`. */
  'dead-letter': { key: 'id64', timeMs: 'f64', family: 'text', source: 'text', reason: 'text', field: 'text', body: 'text' },

  /** From the hub: where a subscriber is, with the radius that holds it with 68 %. */
  position: {
    key: 'id64',
    timeMs: 'f64',
    subscriber: 'id128',
    number: 'id128',
    device: 'id128',
    cell: 'text',
    latitude: 'f64',
    longitude: 'f64',
    radiusM: 'f32',
    speedMps: 'f32',
    motion: 'u8',
  },
  /** From the hub: `from` (number or SIM) was tied to `to` (SIM or device) from `firstMs` to `lastMs`. Key (kind, from, to, firstMs); `retracted` 1 takes it back; the highest `revision` holds. */
  binding: { kind: 'u8', from: 'id128', to: 'id128', firstMs: 'f64', lastMs: 'f64', revision: 'f64', retracted: 'u8' },
  /** From the hub: a SIM, number or subscriber that moved. `type`: device-swap, sim-swap, device-toggle, sim-toggle, region-change. Key `id`; the highest `revision` holds. */
  'sim-movement': {
    id: 'id128',
    type: 'text',
    timeMs: 'f64',
    detectedMs: 'f64',
    revision: 'f64',
    retracted: 'u8',
    confirmed: 'u8',
    subscriber: 'id128',
    number: 'id128',
    before: 'id128',
    after: 'id128',
    beforeModel: 'u32',
    afterModel: 'u32',
    regionBefore: 'text',
    regionAfter: 'text',
    cell: 'text',
  },
  /** From the hub: an alert. Key `id`, a deterministic hash of rule, key, pair and bucket; the highest `revision` holds. `evidence` is JSON. */
  alert: {
    id: 'id128',
    type: 'text',
    severity: 'text',
    timeMs: 'f64',
    detectedMs: 'f64',
    revision: 'f64',
    retracted: 'u8',
    subscriber: 'id128',
    number: 'id128',
    device: 'id128',
    cell: 'text',
    evidence: 'text',
  },
  /** From the hub, every second: what it has of each agent. `completeThroughMs` is the event time up to which everything has arrived; `gaps` is JSON. */
  progress: {
    agent: 'text',
    epoch: 'text',
    timeMs: 'f64',
    enrolled: 'u8',
    lastSeenMs: 'f64',
    completeThroughMs: 'f64',
    received: 'f64',
    missing: 'f64',
    gaps: 'text',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, ColumnType>>>>

export type RecordKind = keyof typeof recordSchemas
export const recordKinds = Object.keys(recordSchemas) as readonly RecordKind[]

export interface ColumnArrays {
  u8: Uint8Array
  u16: Uint16Array
  u32: Uint32Array
  f32: Float32Array
  f64: Float64Array
  text: Uint32Array
  id64: Uint32Array
  id128: Uint32Array
  bytes: BytesColumn
}

/** Row r's octets are `data.subarray(offsets[r], offsets[r + 1])`. */
export interface BytesColumn {
  offsets: Int32Array
  data: Uint8Array
}

type ColumnsOf<K extends RecordKind> = (typeof recordSchemas)[K]
export type Columns<K extends RecordKind> = { -readonly [C in keyof ColumnsOf<K>]: ColumnArrays[ColumnsOf<K>[C] & ColumnType] }

/** Who numbered a batch and what it covers. A hub's own batches have `agent` '' and the hub's epoch number as `epoch`. */
export interface BatchMeta {
  readonly tenant: string
  readonly region: string
  readonly agent: string
  readonly epoch: string
  readonly lane: Lane | ''
  readonly seq: number
}

/**
 * Rows as columns: the unit of flow. `rows` values are valid in each array, which may be longer.
 * `texts[0]` is always ''. Whoever receives a batch may read it until the call returns; to keep it, copy it.
 */
export interface Batch<K extends RecordKind = RecordKind> {
  readonly kind: K
  readonly rows: number
  readonly columns: Columns<K>
  readonly texts: readonly string[]
  readonly meta: BatchMeta
}

export const missing = { u8: 0xff, u16: 0xffff, u32: 0xffffffff } as const

/** Words a row in the array of an id column. */
export const wordsPerRow = { id64: 2, id128: 4 } as const
