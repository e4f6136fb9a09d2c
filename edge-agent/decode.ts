/**
 * Decodes messages into rows: a JSON object, an array of them, or NDJSON; every element is judged by itself, and a bad one never takes its
 * neighbours along. Identities are pseudonyms from here on.
 *
 * Owns what makes that fast: one writer per field made from the table of fields, and caches that are bounded. Pure: no clock, no I/O.
 * Never throws on content.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import { canonicalCell } from '#shared/cell-id.ts'
import { eventTypes, type Family, families, familyCode } from '#shared/families.ts'
import type { Pseudonymiser } from '#shared/pseudonym.ts'
import { missing } from '#shared/records.ts'
import { CellCodes } from './cell-codes.ts'
import { FamilyDecoder, type MessageContext } from './decode-event.ts'
import { Scratch } from './decode-fields.ts'
import { type EventBatch, rejected } from './event-batch.ts'
import type { IdHasher, SourceSeed } from './id-hash.ts'
import { hideIdentities, hideNumerals, longestDigitRun } from './identity-text.ts'
import { Masker } from './mask.ts'
import type { RawMessage } from './ports.ts'
import { PseudonymTable } from './pseudonym-table.ts'
import type { RejectionReason } from './rejections.ts'

export interface DecoderDeps {
  readonly pseudonymiser: Pseudonymiser
  readonly hasher: IdHasher
  /** Called with every field that is not known, name as it came; whoever logs it names it once and hides its digits. */
  readonly unknownField?: (family: Family, name: string) => void
  /** A fault in the decoder itself. */
  readonly failed?: (error: unknown) => void
}

export interface DecoderConfig {
  /** Cell of `dpi` events that name none. Without it they are rejected. */
  readonly dpiCell?: string
  /** Event types counted under their own name, per family; those beyond are counted as `other`. */
  readonly maxEventTypes?: number
  /** So many pseudonyms of SIMs are remembered, as a power of two; a quarter as many of numbers and devices. 32 octets each. */
  readonly log2Remembered?: number
}

interface Source {
  readonly name: string
  readonly shown: string
  readonly seed: SourceSeed
  readonly mayIdentify: boolean
}

const maxSources = 10_000
const noIdentities = { imsi: '', msisdn: '', imei: '' }

export class Decoder {
  /** What was met since the last `takeCounts`. */
  readonly counts = { unknownFields: 0, aheadOfClock: 0 }
  readonly #hasher: IdHasher
  readonly #failed: (error: unknown) => void
  readonly #masker: Masker
  readonly #scratch = new Scratch()
  readonly #cells = new CellCodes()
  readonly #families = new Map<string, FamilyDecoder>()
  #sources = new Map<string, Source>()
  #batch: EventBatch | undefined
  #texts: readonly string[] | undefined

  constructor(
    { pseudonymiser, hasher, unknownField = () => {}, failed = () => {} }: DecoderDeps,
    { dpiCell, maxEventTypes = 64, log2Remembered = 19 }: DecoderConfig = {},
  ) {
    this.#hasher = hasher
    this.#failed = failed
    this.#masker = new Masker(pseudonymiser)
    const pseudonyms = {
      imsi: new PseudonymTable(pseudonymiser, 'imsi', log2Remembered),
      msisdn: new PseudonymTable(pseudonymiser, 'msisdn', log2Remembered - 2),
      imei: new PseudonymTable(pseudonymiser, 'imei', log2Remembered - 2),
    }
    for (const family of families) {
      const decoder = new FamilyDecoder(family, {
        pseudonyms,
        hasher,
        unknownField,
        maxEventTypes,
        scratch: this.#scratch,
        cells: this.#cells,
        counts: this.counts,
        dpiCell: dpiCell === undefined ? '' : (canonicalCell(dpiCell) ?? ''),
      })
      decoder.expectTypes(eventTypes[family])
      this.#families.set(family, decoder)
    }
  }

  /**
   * Appends the rows of a message, accepted and rejected. At least one: an empty message is a rejection. Should content ever make this code
   * itself fail, the message is dead-lettered like any other: devices would send it again for ever, and every restart would end on it.
   */
  decode(message: RawMessage, batch: EventBatch): void {
    const { rows } = batch
    try {
      this.#message(message, batch)
    } catch (error) {
      batch.truncate(rows)
      this.#failed(error)
      this.#reject(batch, message, this.#source(''), 'undecodable', '', '')
    }
  }

  #message(message: RawMessage, batch: EventBatch): void {
    if (this.#batch !== batch || this.#texts !== batch.texts) this.#bind(batch)
    const family = message.family === undefined ? undefined : this.#families.get(message.family)
    if (family === undefined) {
      this.#reject(
        batch,
        message,
        this.#source(''),
        'bad-topic',
        this.#masker.text(message.source.slice(0, 64)),
        this.#raw(message.payload),
      )
      return
    }
    const source = this.#source(message.source)
    const text = textOf(message.payload)
    const parsed = text === undefined ? undefined : parse(text)
    const context: MessageContext = {
      arrivalMs: message.arrivalMs,
      tenant: message.tenant,
      source: message.source,
      seed: source.seed,
      sourceCode: source.mayIdentify ? -1 : batch.code(source.name),
    }
    if (parsed === undefined) this.#lines(text, message, batch, source, family, context)
    else if (!Array.isArray(parsed)) this.#event(parsed, message, batch, source, family, context)
    else if (parsed.length === 0) this.#reject(batch, message, source, 'empty', '', '[]')
    else for (const event of parsed) this.#event(event, message, batch, source, family, context)
  }

  #bind(batch: EventBatch): void {
    this.#batch = batch
    this.#texts = batch.texts
    this.#cells.bind(batch)
    for (const family of this.#families.values()) family.bind(batch)
  }

  /** NDJSON when at least one line is an event; else the whole message is one that is not JSON. */
  #lines(
    text: string | undefined,
    message: RawMessage,
    batch: EventBatch,
    source: Source,
    family: FamilyDecoder,
    context: MessageContext,
  ): void {
    if (text !== undefined && text.trim() === '') {
      this.#reject(batch, message, source, 'empty', '', '')
      return
    }
    const lines = text === undefined || !text.includes('\n') ? [] : text.split('\n').filter((line) => line.trim() !== '')
    const parsed = lines.map(parse)
    if (!parsed.some((one) => typeof one === 'object' && one !== null && !Array.isArray(one))) {
      this.#reject(batch, message, source, 'not-json', '', this.#raw(message.payload))
      return
    }
    parsed.forEach((one, at) => {
      if (one === undefined) this.#reject(batch, message, source, 'not-json', '', this.#masker.text(lines[at]!))
      else this.#event(one, message, batch, source, family, context)
    })
  }

  #event(event: unknown, message: RawMessage, batch: EventBatch, source: Source, family: FamilyDecoder, context: MessageContext): void {
    if (typeof event !== 'object' || event === null || Array.isArray(event)) {
      this.#reject(batch, message, source, 'wrong-type', '', this.#masker.json(event, message.arrivalMs))
      return
    }
    const row = batch.add()
    const reason = family.decode(event as Record<string, unknown>, row, context)
    if (reason === '') return
    batch.truncate(row)
    this.#reject(batch, message, source, reason, family.faultField, this.#masker.json(event, message.arrivalMs))
  }

  #reject(batch: EventBatch, message: RawMessage, source: Source, reason: RejectionReason, field: string, body: string): void {
    const row = batch.add()
    const { columns } = batch
    columns.verdict[row] = rejected
    columns.arrivalMs[row] = message.arrivalMs
    columns.timeMs[row] = message.arrivalMs
    columns.family[row] = familyCode[message.family as Family] ?? missing.u8
    columns.source[row] = batch.code(source.shown)
    columns.reason[row] = batch.code(reason)
    columns.field[row] = batch.code(field)
    columns.body[row] = batch.code(body)
  }

  #source(name: string): Source {
    let source = this.#sources.get(name)
    if (source === undefined) {
      if (this.#sources.size >= maxSources) this.#sources = new Map()
      const mayIdentify = longestDigitRun(name) >= 5
      source = { name, shown: hideIdentities(name, noIdentities), seed: this.#hasher.seed(name), mayIdentify }
      this.#sources.set(name, source)
    }
    return source
  }

  /** A payload that could not be read, as it may be kept. What is no text could hold packed digits: only its length and keyed hash stay. */
  #raw(payload: Uint8Array): string {
    if (payload.length === 0) return ''
    const text = textOf(payload)
    if (text !== undefined && !hasBinary(text)) {
      const parsed = parse(text)
      return parsed === undefined ? this.#masker.text(text) : this.#masker.json(parsed, Number.NaN)
    }
    const digest = this.#hasher.hex(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('latin1'))
    return `binary, ${hideNumerals(String(payload.length))} octets, hash ${digest.replace(/\d/g, (digit) => 'ghijklmnop'[Number(digit)]!)}`
  }
}

function textOf(payload: Uint8Array): string | undefined {
  const octets = Buffer.isBuffer(payload) ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  if (isAscii(octets)) return octets.toString('latin1')
  return isUtf8(octets) ? octets.toString('utf8') : undefined
}

/** `undefined` is no JSON value, so it can say that there was none. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function hasBinary(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 127 || (code < 32 && code !== 9 && code !== 10 && code !== 13)) return true
  }
  return false
}
