/**
 * One exported record at a time: reads its fields by template, decides which way the octets went, and writes it as a row of the event batch.
 * A record is held in reused arrays; nothing is allocated per flow but the texts that are new to a batch.
 */

import { familyCode } from '#shared/families.ts'
import type { Pseudonymiser } from '#shared/pseudonym.ts'
import { accepted, type EventBatch } from './event-batch.ts'
import { protocolName, slot, slots } from './flow-fields.ts'
import { type FlowTemplates, type Template, variableLength } from './flow-templates.ts'
import { type FlowTimes, flowTimes } from './flow-times.ts'

export interface FlowRowOptions {
  /** Flows without a subscriber count to this cell; '' when the tap has none. */
  readonly cell: string
  readonly pseudonymiser: Pseudonymiser
}

const ingress = 0
const unknownApplication = 'unknown'

export class FlowRows {
  /** Rows written since construction. */
  written = 0
  /** Rows of the current datagram whose time had to be repaired. */
  repaired = 0
  readonly #options: FlowRowOptions
  readonly #numbers = new Float64Array(slots)
  readonly #times: FlowTimes = { startMs: 0, endMs: 0, repaired: false }
  #batch: EventBatch | undefined
  #source = ''
  #application = ''
  #applicationId = ''
  #sourceScope = 0
  #destinationScope = 0

  constructor(options: FlowRowOptions) {
    this.#options = options
  }

  begin(batch: EventBatch, origin: { readonly address: string }): void {
    this.#batch = batch
    this.#source = `netflow-${origin.address.replace(/[^A-Za-z0-9._-]/g, '-')}`.slice(0, 64)
    this.repaired = 0
  }

  /** Reads the record at `at`; returns where the next one begins, or −1 when it runs beyond the octets. Options records teach application names. */
  read(octets: Buffer, at: number, template: Template, exporter: string, templates: FlowTemplates): number {
    this.#numbers.fill(Number.NaN)
    this.#application = ''
    this.#applicationId = ''
    this.#sourceScope = 0
    this.#destinationScope = 0
    for (const field of template.fields) {
      let { length } = field
      if (length === variableLength && template.recordOctets < 0) {
        if (at >= octets.length) return -1
        length = octets[at++]!
        if (length === 255) {
          if (at + 2 > octets.length) return -1
          length = octets.readUInt16BE(at)
          at += 2
        }
      }
      if (at + length > octets.length) return -1
      if (field.known !== undefined && length > 0) this.#take(field.known.kind, field.known.slot, octets, at, length)
      at += length
    }
    if (template.scopeFields >= 0 && this.#applicationId !== '' && this.#application !== '') {
      templates.nameApplication(exporter, this.#applicationId, this.#application)
    }
    return at
  }

  /** Writes the record that was read last. */
  add(exporter: string, templates: FlowTemplates, exportMs: number, uptimeMs: number, origin: { readonly arrivalMs: number }): void {
    const application =
      this.#application !== ''
        ? this.#application
        : this.#applicationId === ''
          ? ''
          : (templates.applicationName(exporter, this.#applicationId) ?? this.#applicationId)
    this.#write(application, exportMs, uptimeMs, origin.arrivalMs)
  }

  /** A record of NetFlow v5, whose fields stand at fixed places. */
  addV5(octets: Buffer, at: number, exportMs: number, uptimeMs: number, arrivalMs: number): void {
    const numbers = this.#numbers
    numbers.fill(Number.NaN)
    this.#sourceScope = scopeOfAddress(octets, at, 4)
    this.#destinationScope = scopeOfAddress(octets, at + 4, 4)
    numbers[slot.packets] = octets.readUInt32BE(at + 16)
    numbers[slot.octets] = octets.readUInt32BE(at + 20)
    numbers[slot.startUptimeMs] = octets.readUInt32BE(at + 24)
    numbers[slot.endUptimeMs] = octets.readUInt32BE(at + 28)
    numbers[slot.sourcePort] = octets.readUInt16BE(at + 32)
    numbers[slot.destinationPort] = octets.readUInt16BE(at + 34)
    numbers[slot.protocol] = octets[at + 38]!
    this.#write('', exportMs, uptimeMs, arrivalMs)
  }

  #take(kind: string, at: number, octets: Buffer, from: number, length: number): void {
    switch (kind) {
      case 'unsigned':
        if (length <= 8) this.#numbers[at] = unsigned(octets, from, length)
        return
      case 'signed':
        if (length <= 6) this.#numbers[at] = octets.readIntBE(from, length)
        return
      case 'ntp':
        if (length === 8)
          this.#numbers[at] = (octets.readUInt32BE(from) - 2_208_988_800) * 1000 + octets.readUInt32BE(from + 4) / 4_294_967.296
        return
      case 'source-address':
        this.#sourceScope = scopeOfAddress(octets, from, length)
        return
      case 'destination-address':
        this.#destinationScope = scopeOfAddress(octets, from, length)
        return
      case 'application-id':
        this.#applicationId = applicationId(octets, from, length)
        return
      case 'application-name':
        this.#application = printable(octets, from, length)
    }
  }

  #write(application: string, exportMs: number, uptimeMs: number, arrivalMs: number): void {
    const batch = this.#batch!
    const numbers = this.#numbers
    flowTimes(numbers, exportMs, uptimeMs, arrivalMs, this.#times)
    if (this.#times.repaired) this.repaired++
    const row = batch.add()
    const columns = batch.columns
    columns.verdict[row] = accepted
    columns.family[row] = familyCode.dpi
    columns.eventType[row] = batch.code('flow')
    columns.source[row] = batch.code(this.#source)
    columns.timeMs[row] = this.#times.endMs
    columns.arrivalMs[row] = arrivalMs
    columns.durationMs[row] = this.#times.endMs - this.#times.startMs
    columns.cell[row] = batch.code(this.#options.cell)
    columns.application[row] = batch.code(application === '' ? unknownApplication : application)
    columns.protocol[row] = batch.code(Number.isNaN(numbers[slot.protocol]!) ? '' : protocolName(numbers[slot.protocol]!))
    columns.flows[row] = numbers[slot.flows]! > 0 ? numbers[slot.flows]! : 1
    const up = this.#isUp()
    columns.bytesUp[row] = zero(numbers[up ? slot.octets : slot.reverseOctets]!)
    columns.packetsUp[row] = zero(numbers[up ? slot.packets : slot.reversePackets]!)
    columns.bytesDown[row] = zero(numbers[up ? slot.reverseOctets : slot.octets]!)
    columns.packetsDown[row] = zero(numbers[up ? slot.reversePackets : slot.packets]!)
    if (numbers[slot.rttMs]! >= 0) columns.rttMs[row] = numbers[slot.rttMs]!
    if (numbers[slot.imsi]! > 0) columns.subscriber.set(this.#options.pseudonymiser.words('imsi', String(numbers[slot.imsi])), row * 4)
    if (numbers[slot.msisdn]! > 0) columns.number.set(this.#options.pseudonymiser.words('msisdn', String(numbers[slot.msisdn])), row * 4)
    const imei = numbers[slot.device]! > 0 ? String(numbers[slot.device]).padStart(14, '0') : ''
    if (imei.length >= 14 && imei.length <= 16) {
      columns.device.set(this.#options.pseudonymiser.words('imei', imei.slice(0, 14)), row * 4)
      columns.model[row] = Number(imei.slice(0, 8))
    }
    this.written++
  }

  /**
   * Whether the forward direction is the subscriber's up-link: from a private or shared address (RFC 1918, RFC 6598, RFC 4193) to a public one; else the exporter's
   * flow direction (egress is down); else from the higher port, as clients use the ephemeral ones.
   */
  #isUp(): boolean {
    if (this.#sourceScope !== this.#destinationScope && this.#sourceScope !== 0 && this.#destinationScope !== 0)
      return this.#sourceScope === 1
    const numbers = this.#numbers
    if (!Number.isNaN(numbers[slot.direction]!)) return numbers[slot.direction] === ingress
    return !(numbers[slot.sourcePort]! < numbers[slot.destinationPort]!)
  }
}

function zero(value: number): number {
  return Number.isNaN(value) ? 0 : value
}

function unsigned(octets: Buffer, at: number, length: number): number {
  if (length <= 6) return octets.readUIntBE(at, length)
  return octets.readUIntBE(at, length - 6) * 2 ** 48 + octets.readUIntBE(at + length - 6, 6)
}

/** 0 unknown, 1 a subscriber's (private or shared) address, 2 a public one. */
function scopeOfAddress(octets: Buffer, at: number, length: number): number {
  if (length === 4) {
    const first = octets[at]!
    const second = octets[at + 1]!
    const shared =
      first === 10 ||
      (first === 172 && second >= 16 && second < 32) ||
      (first === 192 && second === 168) ||
      (first === 100 && second >= 64 && second < 128)
    return shared ? 1 : 2
  }
  if (length === 16) return (octets[at]! & 0xfe) === 0xfc || (octets[at] === 0xfe && (octets[at + 1]! & 0xc0) === 0x80) ? 1 : 2
  return 0
}

/** RFC 6759 §4.1: engine, then a selector; engine 20 carries an enterprise number first. Written engine..selector. */
function applicationId(octets: Buffer, at: number, length: number): string {
  if (length < 2 || length > 13) return ''
  const engine = octets[at]!
  if (engine === 0) return ''
  if (engine === 20 && length > 5) return `20..${octets.readUInt32BE(at + 1)}..${unsigned(octets, at + 5, Math.min(8, length - 5))}`
  return `${engine}..${unsigned(octets, at + 1, Math.min(8, length - 1))}`
}

/** Text as the exporter wrote it, to the first NUL, without control characters, at most 64 characters. */
function printable(octets: Buffer, at: number, length: number): string {
  const text = octets.toString('utf8', at, at + length)
  const end = text.indexOf('\0')
  return (end < 0 ? text : text.slice(0, end)).replace(/\p{C}/gu, '').trim().slice(0, 64)
}
