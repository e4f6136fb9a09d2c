/**
 * Judges and writes one field of one event: for every line of the table of fields a writer, made once at start, that checks the value by
 * straight-line code and puts it into its column. No schema is walked per event.
 *
 * Identities and texts are not written here: they wait in the scratch until the whole event is known, because a text may hold the identity
 * that stands behind it.
 */
import { type FieldSpec, rats } from '#shared/families.ts'
import { CellCodes } from './cell-codes.ts'
import type { EventBatch, EventColumns } from './event-batch.ts'
import { parseTime } from './event-time.ts'
import { areDigits, isPrintable } from './text-shape.ts'

/** What became of a field; the position is the code. */
export const fieldFaults = ['', 'wrong-type', 'out-of-bounds'] as const
export const fine = 0
export const wrongType = 1
export const outOfBounds = 2

/** What is kept of an event until all its fields were read. */
export class Scratch {
  imsi = ''
  msisdn = ''
  imei = ''
  eventId = ''
  eventType = ''
  timeMs = Number.NaN
  timeSeen = false
  tenant = ''
  /** Columns that wait for a text, and the texts. */
  readonly textColumns: (keyof EventColumns)[] = []
  readonly texts: string[] = []
  textCount = 0
  /** Names of fields inside neighbours that are none of ours. */
  unknownFields = 0

  clear(): void {
    this.imsi = ''
    this.msisdn = ''
    this.imei = ''
    this.eventId = ''
    this.eventType = ''
    this.timeMs = Number.NaN
    this.timeSeen = false
    this.tenant = ''
    this.textCount = 0
  }
}

export interface FieldWriter {
  /** Called once per batch and whenever its arrays were replaced. */
  bind(batch: EventBatch, columns: EventColumns): void
  apply(value: unknown, row: number): number
}

/** The writer of a line of the table. */
export function fieldWriter(spec: FieldSpec, scratch: Scratch, cells: CellCodes): FieldWriter {
  switch (spec.kind) {
    case 'digits':
      return new DigitsWriter(spec, scratch)
    case 'cell':
      return new CellWriter(spec.column as CodeColumn, cells)
    case 'number':
      return new NumberWriter(spec, false)
    case 'integer':
      return new NumberWriter(spec, true)
    case 'choice':
      return new RatWriter()
    case 'text':
      return new TextWriter(spec, scratch)
    case 'time':
      return new TimeWriter()
    case 'neighbours':
      return new NeighboursWriter(spec, scratch, cells)
  }
}

type CodeColumn = 'cell' | 'targetCell'
type NumberColumn = {
  [C in keyof EventColumns]: EventColumns[C] extends Float64Array | Float32Array | Uint32Array | Uint16Array ? C : never
}[keyof EventColumns]

class NumberWriter implements FieldWriter {
  readonly #column: NumberColumn
  readonly #min: number
  readonly #max: number
  readonly #whole: boolean
  #target: Float64Array | Float32Array | Uint32Array | Uint16Array = new Float64Array(0)

  constructor(spec: FieldSpec, whole: boolean) {
    this.#column = spec.column as NumberColumn
    this.#min = spec.min
    this.#max = spec.max
    this.#whole = whole
  }

  bind(_: EventBatch, columns: EventColumns): void {
    this.#target = columns[this.#column]
  }

  apply(value: unknown, row: number): number {
    if (typeof value !== 'number') return wrongType
    if (!(value >= this.#min && value <= this.#max) || (this.#whole && Math.floor(value) !== value)) return outOfBounds
    this.#target[row] = value
    return fine
  }
}

class DigitsWriter implements FieldWriter {
  readonly #name: 'imsi' | 'msisdn' | 'imei'
  readonly #min: number
  readonly #max: number
  readonly #scratch: Scratch

  constructor(spec: FieldSpec, scratch: Scratch) {
    this.#name = spec.name as 'imsi' | 'msisdn' | 'imei'
    this.#min = spec.min
    this.#max = spec.max
    this.#scratch = scratch
  }

  bind(): void {}

  apply(value: unknown): number {
    if (typeof value !== 'string') return wrongType
    const digits = this.#name === 'msisdn' && value.charCodeAt(0) === 43 ? value.slice(1) : value
    if (!areDigits(digits, this.#min, this.#max)) return outOfBounds
    this.#scratch[this.#name] = digits
    return fine
  }
}

class CellWriter implements FieldWriter {
  readonly #column: CodeColumn
  readonly #cells: CellCodes
  #target: Uint32Array = new Uint32Array(0)

  constructor(column: CodeColumn, cells: CellCodes) {
    this.#column = column
    this.#cells = cells
  }

  bind(_: EventBatch, columns: EventColumns): void {
    this.#target = columns[this.#column]
  }

  apply(value: unknown, row: number): number {
    if (typeof value !== 'string') return wrongType
    const code = this.#cells.code(value)
    if (code === CellCodes.none) return outOfBounds
    this.#target[row] = code
    return fine
  }
}

class RatWriter implements FieldWriter {
  #target: Uint8Array = new Uint8Array(0)

  bind(_: EventBatch, columns: EventColumns): void {
    this.#target = columns.rat
  }

  apply(value: unknown, row: number): number {
    if (typeof value !== 'string') return wrongType
    const code = (rats as readonly string[]).indexOf(value)
    if (code <= 0) return outOfBounds
    this.#target[row] = code
    return fine
  }
}

class TextWriter implements FieldWriter {
  readonly #column: keyof EventColumns
  readonly #max: number
  readonly #scratch: Scratch

  constructor(spec: FieldSpec, scratch: Scratch) {
    this.#column = spec.column as keyof EventColumns
    this.#max = spec.max
    this.#scratch = scratch
  }

  bind(): void {}

  apply(value: unknown): number {
    if (typeof value !== 'string') return wrongType
    if (!isPrintable(value, this.#max)) return outOfBounds
    const scratch = this.#scratch
    scratch.textColumns[scratch.textCount] = this.#column
    scratch.texts[scratch.textCount++] = value
    return fine
  }
}

/** Judged, and then left: a flow's own start and end are not used from MQTT events, whose `timestamp` places them. */
class TimeWriter implements FieldWriter {
  bind(): void {}

  apply(value: unknown): number {
    if (typeof value !== 'number' && typeof value !== 'string') return wrongType
    return Number.isFinite(parseTime(value)) ? fine : outOfBounds
  }
}

const kept = 3

/** All neighbours are judged; the three strongest that name their cell are kept. */
class NeighboursWriter implements FieldWriter {
  readonly #max: number
  readonly #cells: CellCodes
  readonly #scratch: Scratch
  #cellColumns: Uint32Array[] = []
  #rsrpColumns: Float32Array[] = []

  constructor(spec: FieldSpec, scratch: Scratch, cells: CellCodes) {
    this.#max = spec.max
    this.#scratch = scratch
    this.#cells = cells
  }

  bind(_: EventBatch, columns: EventColumns): void {
    this.#cellColumns = [columns.neighbourCell0, columns.neighbourCell1, columns.neighbourCell2]
    this.#rsrpColumns = [columns.neighbourRsrpDbm0, columns.neighbourRsrpDbm1, columns.neighbourRsrpDbm2]
  }

  apply(value: unknown, row: number): number {
    if (!Array.isArray(value)) return wrongType
    if (value.length > this.#max) return outOfBounds
    const strongest: { code: number; rsrpDbm: number }[] = []
    for (const one of value as unknown[]) {
      if (typeof one !== 'object' || one === null || Array.isArray(one)) return wrongType
      const { cell, pci, rsrp_dbm: rsrpDbm } = one as Record<string, unknown>
      if (typeof rsrpDbm !== 'number') return wrongType
      if (!(rsrpDbm >= -160 && rsrpDbm <= -20)) return outOfBounds
      if (pci !== undefined && typeof pci !== 'number') return wrongType
      if (pci !== undefined && !(Number.isInteger(pci) && (pci as number) >= 0 && (pci as number) <= 1007)) return outOfBounds
      if (cell !== undefined && typeof cell !== 'string') return wrongType
      this.#scratch.unknownFields += Object.keys(one).length - 1 - (cell === undefined ? 0 : 1) - (pci === undefined ? 0 : 1)
      if (cell === undefined) continue
      const code = this.#cells.code(cell as string)
      if (code === CellCodes.none) return outOfBounds
      strongest.push({ code, rsrpDbm })
    }
    strongest.sort((a, b) => b.rsrpDbm - a.rsrpDbm)
    for (let at = 0; at < Math.min(kept, strongest.length); at++) {
      this.#cellColumns[at]![row] = strongest[at]!.code
      this.#rsrpColumns[at]![row] = strongest[at]!.rsrpDbm
    }
    return fine
  }
}
