/**
 * Judges one event of one family and writes it as a row: envelope and payload, nested or flat, in one pass over the keys that are there.
 * Made once per family from the table of fields. Never throws; a row that was refused is taken back by the caller.
 */
import { type Family, familyCode, fields } from '#shared/families.ts'
import { type IdentityType, normaliseImei } from '#shared/pseudonym.ts'
import type { CellCodes } from './cell-codes.ts'
import { type FieldWriter, fieldFaults, fieldWriter, fine, outOfBounds, type Scratch, wrongType } from './decode-fields.ts'
import type { EventBatch, EventColumns } from './event-batch.ts'
import { maxAheadMs, oldestMs, parseTime, trustedAheadMs } from './event-time.ts'
import type { IdHasher, SourceSeed } from './id-hash.ts'
import { hideIdentities, longestDigitRun } from './identity-text.ts'
import type { PseudonymTable } from './pseudonym-table.ts'
import type { RejectionReason } from './rejections.ts'
import { characters, isPrintable } from './text-shape.ts'

/** What is the same for all events of a message. */
export interface MessageContext {
  readonly arrivalMs: number
  readonly tenant: string
  readonly source: string
  readonly seed: SourceSeed
  /** The source's code in the batch; −1 when it has a run of digits that could be somebody's and is looked at event by event. */
  readonly sourceCode: number
}

/** Counts of the batch that is being filled. */
export interface DecodeCounts {
  unknownFields: number
  aheadOfClock: number
}

export interface FamilyDeps {
  readonly pseudonyms: Readonly<Record<IdentityType, PseudonymTable>>
  readonly hasher: IdHasher
  readonly scratch: Scratch
  readonly cells: CellCodes
  readonly counts: DecodeCounts
  readonly unknownField: (family: Family, name: string) => void
  /** Cell of events of the `dpi` family that name none; '' requires them to. */
  readonly dpiCell: string
  readonly maxEventTypes: number
}

const maxEventId = 64
const maxEventType = 64
const maxToldNames = 256

export class FamilyDecoder {
  readonly family: Family
  readonly #deps: FamilyDeps
  readonly #scratch: Scratch
  readonly #code: number
  readonly #flat = new Map<string, FieldWriter>()
  readonly #envelope = new Map<string, FieldWriter>()
  readonly #payload = new Map<string, FieldWriter>()
  readonly #writers: readonly FieldWriter[]
  readonly #knownTypes = new Set<string>()
  readonly #toldNames = new Set<string>()
  readonly #typeCodes = new Map<string, number>()
  #batch!: EventBatch
  #columns!: EventColumns
  /** Set when `decode` refused: the field's name. */
  faultField = ''

  constructor(family: Family, deps: FamilyDeps) {
    this.family = family
    this.#code = familyCode[family]
    this.#deps = deps
    this.#scratch = deps.scratch
    for (const [name, apply] of envelopeWriters(deps.scratch)) this.#envelope.set(name, { bind: () => {}, apply })
    for (const spec of fields) {
      if (spec.families.includes(family)) this.#payload.set(spec.name, fieldWriter(spec, deps.scratch, deps.cells))
    }
    for (const [name, writer] of [...this.#payload, ...this.#envelope]) this.#flat.set(name, writer)
    this.#writers = [...this.#payload.values()]
  }

  /** Before the first event of a batch, and whenever its arrays were replaced. */
  bind(batch: EventBatch): void {
    this.#batch = batch
    this.#columns = batch.columns
    this.#typeCodes.clear()
    for (const writer of this.#writers) writer.bind(batch, batch.columns)
  }

  /** Writes the event into `row`, or says why not. */
  decode(event: Record<string, unknown>, row: number, message: MessageContext): RejectionReason | '' {
    const batch = this.#batch
    if (batch.columns !== this.#columns) this.bind(batch)
    const scratch = this.#scratch
    scratch.clear()
    const payload = event.payload
    if (payload === undefined) {
      const fault = this.#apply(event, this.#flat, row)
      if (fault !== fine) return fieldFaults[fault] as RejectionReason
    } else {
      if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return this.#fault('wrong-type', 'payload')
      const fault = this.#apply(event, this.#envelope, row) || this.#apply(payload as Record<string, unknown>, this.#payload, row)
      if (fault !== fine) return fieldFaults[fault] as RejectionReason
    }
    return this.#finish(row, message)
  }

  #apply(part: Record<string, unknown>, writers: ReadonlyMap<string, FieldWriter>, row: number): number {
    for (const name in part) {
      const writer = writers.get(name)
      if (writer === undefined) {
        if (name === 'payload' && writers === this.#envelope) continue
        this.#deps.counts.unknownFields++
        if (!this.#toldNames.has(name)) this.#tell(name)
        continue
      }
      const fault = writer.apply(part[name], row)
      if (fault !== fine) {
        this.faultField = name
        return fault
      }
    }
    return fine
  }

  #tell(name: string): void {
    if (this.#toldNames.size >= maxToldNames) return
    this.#toldNames.add(name.slice(0, 256))
    this.#deps.unknownField(this.family, name)
  }

  #finish(row: number, message: MessageContext): RejectionReason | '' {
    const scratch = this.#scratch
    const columns = this.#columns
    const { arrivalMs } = message
    if (scratch.tenant !== '' && scratch.tenant !== message.tenant) return this.#fault('tenant-mismatch', 'tenant_id')
    let timeMs = scratch.timeMs
    if (!scratch.timeSeen) return this.#fault('time-missing', 'timestamp')
    if (timeMs < oldestMs) return this.#fault('time-too-old', 'timestamp')
    if (timeMs > arrivalMs + trustedAheadMs) {
      if (timeMs > arrivalMs + maxAheadMs) return this.#fault('time-ahead', 'timestamp')
      this.#deps.counts.aheadOfClock++
      timeMs = arrivalMs
    }
    if (scratch.eventType === '') return this.#fault('type-missing', 'event_type')
    const missing = this.#missing(row)
    if (missing !== '') return missing
    this.#writeIdentities(row)
    columns.timeMs[row] = timeMs
    columns.arrivalMs[row] = arrivalMs
    columns.family[row] = this.#code
    columns.verdict[row] = 0
    if (this.#code === familyCode.dpi) columns.flows[row] = 1
    columns.source[row] = message.sourceCode >= 0 ? message.sourceCode : this.#batch.code(hideIdentities(message.source, scratch))
    columns.eventType[row] = this.#typeCodes.get(scratch.eventType) ?? this.#typeCode(scratch.eventType)
    for (let at = 0; at < scratch.textCount; at++) {
      columns[scratch.textColumns[at]!][row] = this.#batch.code(hideIdentities(scratch.texts[at]!, scratch))
    }
    if (scratch.eventId !== '') {
      const { hasher } = this.#deps
      hasher.hash(message.seed, scratch.eventId)
      columns.idHash[2 * row] = hasher.low
      columns.idHash[2 * row + 1] = hasher.high
    }
    return ''
  }

  #missing(row: number): RejectionReason | '' {
    const columns = this.#columns
    const scratch = this.#scratch
    switch (this.family) {
      case 'network':
        return columns.cell[row] === 0 ? this.#fault('cell-missing', 'cell') : ''
      case 'dpi':
        if (columns.cell[row] !== 0) return ''
        if (this.#deps.dpiCell === '') return this.#fault('cell-missing', 'cell')
        columns.cell[row] = this.#deps.cells.code(this.#deps.dpiCell)
        return ''
      default:
        if (scratch.imsi === '' && scratch.msisdn === '') return this.#fault('identity-missing', 'imsi')
        if (this.family !== 'location') return ''
        if (!Number.isNaN(columns.latitude[row]) && !Number.isNaN(columns.longitude[row])) return ''
        columns.latitude[row] = Number.NaN // half a position is none
        columns.longitude[row] = Number.NaN
        return columns.cell[row] === 0 ? this.#fault('cell-missing', 'cell') : ''
    }
  }

  #writeIdentities(row: number): void {
    const { imsi, msisdn, imei } = this.#scratch
    const { pseudonyms } = this.#deps
    if (imsi !== '') pseudonyms.imsi.write(imsi, this.#columns.subscriber, 4 * row)
    if (msisdn !== '') pseudonyms.msisdn.write(msisdn, this.#columns.number, 4 * row)
    if (imei !== '') {
      pseudonyms.imei.write(normaliseImei(imei), this.#columns.device, 4 * row)
      this.#columns.model[row] = Number(imei.slice(0, 8))
    }
  }

  /** Remembered for the batch, unless the name could hold somebody's digits. */
  #typeCode(name: string): number {
    const code = this.#batch.code(this.#boundedType(hideIdentities(name, this.#scratch)))
    if (longestDigitRun(name) < 5) this.#typeCodes.set(name, code)
    return code
  }

  /** The event type to count by: as many names as are allowed, then `other`. */
  #boundedType(name: string): string {
    if (this.#knownTypes.has(name)) return name
    if (this.#knownTypes.size >= this.#deps.maxEventTypes) return 'other'
    this.#knownTypes.add(name)
    return name
  }

  /** Names that never count against the bound. */
  expectTypes(names: readonly string[]): void {
    for (const name of names) this.#knownTypes.add(name)
  }

  #fault(reason: RejectionReason, field: string): RejectionReason {
    this.faultField = field
    return reason
  }
}

function envelopeWriters(scratch: Scratch): [string, (value: unknown) => number][] {
  return [
    [
      'event_id',
      (value) => {
        if (typeof value !== 'string') return wrongType
        if (value.length > maxEventId && (value.length > 2 * maxEventId || characters(value) > maxEventId)) return outOfBounds
        scratch.eventId = value
        return fine
      },
    ],
    [
      'timestamp',
      (value) => {
        if (typeof value !== 'number' && typeof value !== 'string') return wrongType
        scratch.timeMs = parseTime(value)
        if (Number.isNaN(scratch.timeMs)) return outOfBounds
        scratch.timeSeen = true
        return fine
      },
    ],
    [
      'event_type',
      (value) => {
        if (typeof value !== 'string') return wrongType
        if (value === '' || !isPrintable(value, maxEventType)) return outOfBounds
        scratch.eventType = value
        return fine
      },
    ],
    [
      'tenant_id',
      (value) => {
        if (typeof value !== 'string') return wrongType
        if (value === '') return outOfBounds
        scratch.tenant = value
        return fine
      },
    ],
    ['schema_version', (value) => (typeof value !== 'number' ? wrongType : Number.isInteger(value) && value >= 1 ? fine : outOfBounds)],
  ]
}
