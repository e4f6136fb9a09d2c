/**
 * Decodes flow export datagrams, NetFlow v5 (Cisco), v9 (RFC 3954) and IPFIX (RFC 7011), into rows of the event batch.
 *
 * Owns the templates and the sequence numbers of each exporter. Promises that octets, packets and flows are taken over exactly as exported
 * (never scaled by sampling), that data which comes before its template is decoded when the template comes, and that a malformed set costs that
 * set only. Never throws for what is in a datagram: what cannot be read is told to the report.
 */

import type { EventBatch } from './event-batch.ts'
import type { FlowRows } from './flow-rows.ts'
import { FlowTemplates, type HeldSet, readTemplate, type Template } from './flow-templates.ts'

export interface FlowReport {
  /** `what` is the part that could not be read, in words; the rest of the datagram was used. */
  malformed(exporter: string, what: string): void
  /** Records (v5, IPFIX) or packets (v9) that the exporter sent and that never came, by its sequence numbers. */
  sequenceGap(exporter: string, missing: number): void
  timeRepaired(exporter: string, flows: number): void
}

export interface FlowOrigin {
  readonly address: string
  readonly port: number
  readonly arrivalMs: number
}

export class FlowDecoder {
  readonly templates: FlowTemplates
  readonly #rows: FlowRows
  readonly #report: FlowReport
  readonly #expected = new Map<string, number>()

  constructor(rows: FlowRows, report: FlowReport, templates = new FlowTemplates()) {
    this.#rows = rows
    this.#report = report
    this.templates = templates
  }

  /** Appends the datagram's flows to the batch and returns how many there were; −1 when it is no flow export at all. */
  decode(datagram: Buffer, origin: FlowOrigin, batch: EventBatch): number {
    const before = this.#rows.written
    this.#rows.begin(batch, origin)
    const version = datagram.length >= 2 ? datagram.readUInt16BE(0) : 0
    let read: boolean
    if (version === 5) read = this.#decodeV5(datagram, origin)
    else if (version === 9) read = this.#decodeSets(datagram, origin, true)
    else if (version === 10) read = this.#decodeSets(datagram, origin, false)
    else {
      this.#report.malformed(origin.address, `version ${version} is neither NetFlow 5, 9 nor IPFIX 10`)
      read = false
    }
    if (this.#rows.repaired > 0) this.#report.timeRepaired(origin.address, this.#rows.repaired)
    return read ? this.#rows.written - before : -1
  }

  /** Relays put several v5 exports into one datagram: as long as another header follows, it is read. */
  #decodeV5(datagram: Buffer, origin: FlowOrigin): boolean {
    const headerOctets = 24
    const recordOctets = 48
    if (datagram.length < headerOctets) return this.#malformed(origin, `a NetFlow v5 header of ${datagram.length} octets`)
    let at = 0
    while (at + headerOctets <= datagram.length && datagram.readUInt16BE(at) === 5) {
      const count = datagram.readUInt16BE(at + 2)
      const uptimeMs = datagram.readUInt32BE(at + 4)
      const exportMs = datagram.readUInt32BE(at + 8) * 1000 + Math.floor(datagram.readUInt32BE(at + 12) / 1e6)
      const engine = datagram.readUInt16BE(at + 20)
      const present = Math.floor((datagram.length - at - headerOctets) / recordOctets)
      if (present < count) this.#report.malformed(origin.address, `a NetFlow v5 export announces ${count} records and holds ${present}`)
      this.#checkSequence(`${origin.address}|5|${engine}`, origin, datagram.readUInt32BE(at + 16), count)
      at += headerOctets
      for (let record = 0; record < Math.min(count, present); record++, at += recordOctets) {
        this.#rows.addV5(datagram, at, exportMs, uptimeMs, origin.arrivalMs)
      }
    }
    return true
  }

  /** v9: packets of flow sets after a 20-octet header; IPFIX: messages of sets after a 16-octet one. */
  #decodeSets(datagram: Buffer, origin: FlowOrigin, v9: boolean): boolean {
    const headerOctets = v9 ? 20 : 16
    if (datagram.length < headerOctets) return this.#malformed(origin, `a header of ${datagram.length} octets`)
    let end = datagram.length
    if (!v9) {
      const announced = datagram.readUInt16BE(2)
      if (announced < headerOctets || announced > datagram.length) {
        this.#report.malformed(origin.address, `an IPFIX message announces ${announced} octets and holds ${datagram.length}`)
      }
      if (announced >= headerOctets) end = Math.min(end, announced)
    }
    const uptimeMs = v9 ? datagram.readUInt32BE(4) : Number.NaN
    const exportMs = datagram.readUInt32BE(v9 ? 8 : 4) * 1000
    const sequence = datagram.readUInt32BE(v9 ? 12 : 8)
    const domain = datagram.readUInt32BE(v9 ? 16 : 12)
    const version = v9 ? 9 : 10
    const exporter = `${origin.address}|${domain}|${version}`
    const session = `${origin.address}|${origin.port}|${domain}|${version}`

    let records = 0
    let countable = true
    let at = headerOctets
    while (at + 4 <= end) {
      const id = datagram.readUInt16BE(at)
      const length = datagram.readUInt16BE(at + 2)
      if (length < 4 || at + length > end) {
        this.#report.malformed(origin.address, `set ${id} of ${length} octets does not fit in the ${end - at} that are left`)
        countable = false
        break
      }
      const setEnd = at + length
      if (id === (v9 ? 0 : 2)) this.#readTemplates(datagram, at + 4, setEnd, session, exporter, origin, v9, false)
      else if (id === (v9 ? 1 : 3)) this.#readTemplates(datagram, at + 4, setEnd, session, exporter, origin, v9, true)
      else if (id > 255) {
        const template = this.templates.find(session, exporter, id)
        if (template === undefined) {
          const octets = Buffer.from(datagram.subarray(at + 4, setEnd))
          this.templates.hold(exporter, id, { octets, exportMs, uptimeMs, arrivalMs: origin.arrivalMs })
          countable = false
        } else {
          records += this.#readData(datagram.subarray(at + 4, setEnd), template, exporter, exportMs, uptimeMs, origin)
        }
      }
      at = setEnd
    }
    // v9 counts packets; IPFIX counts data records, which are not known while a template is missing.
    if (v9) this.#checkSequence(session, origin, sequence, 1)
    else if (countable) this.#checkSequence(session, origin, sequence, records)
    else this.#expected.delete(session)
    return true
  }

  #readTemplates(
    octets: Buffer,
    at: number,
    end: number,
    session: string,
    exporter: string,
    origin: FlowOrigin,
    v9: boolean,
    options: boolean,
  ): void {
    while (at + 4 <= end) {
      const id = octets.readUInt16BE(at)
      if (id < 256 && !(id === 2 || id === 3)) return // padding
      let fieldCount = octets.readUInt16BE(at + 2)
      let scopeFields = -1
      at += 4
      if (fieldCount === 0 && !v9) {
        this.templates.withdraw(session, exporter, id)
        continue
      }
      if (options) {
        if (at + 2 > end) return
        if (v9) {
          scopeFields = fieldCount / 4
          fieldCount = scopeFields + octets.readUInt16BE(at) / 4
        } else scopeFields = octets.readUInt16BE(at)
        at += 2
      }
      const read = Number.isInteger(fieldCount) ? readTemplate(octets, at, end, fieldCount, Math.max(0, scopeFields), v9) : undefined
      if (read === undefined) {
        this.#report.malformed(origin.address, `template ${id} with ${fieldCount} fields does not fit in its set`)
        return
      }
      at = read.next
      const template: Template = { ...read.template, scopeFields }
      for (const held of this.templates.define(session, exporter, id, template)) this.#readHeld(held, template, exporter, origin)
    }
  }

  #readHeld(held: HeldSet, template: Template, exporter: string, origin: FlowOrigin): void {
    this.#readData(held.octets, template, exporter, held.exportMs, held.uptimeMs, { ...origin, arrivalMs: held.arrivalMs })
  }

  /** Returns the number of records, options records included. */
  #readData(octets: Buffer, template: Template, exporter: string, exportMs: number, uptimeMs: number, origin: FlowOrigin): number {
    let at = 0
    let records = 0
    while (at + template.minOctets <= octets.length) {
      const next = this.#rows.read(octets, at, template, exporter, this.templates)
      if (next < 0) {
        this.#report.malformed(origin.address, 'a field of variable length runs beyond its set')
        break
      }
      if (template.scopeFields < 0) this.#rows.add(exporter, this.templates, exportMs, uptimeMs, origin)
      records++
      at = next
    }
    return records
  }

  #checkSequence(key: string, origin: FlowOrigin, sequence: number, count: number): void {
    const expected = this.#expected.get(key)
    this.#expected.set(key, (sequence + count) % 2 ** 32)
    if (this.#expected.size > 10_000) this.#expected.delete(this.#expected.keys().next().value!)
    if (expected === undefined) return
    const missing = (((sequence - expected) % 2 ** 32) + 2 ** 32) % 2 ** 32
    // A step back is an exporter that restarted or a datagram out of order, not two thousand million lost flows.
    if (missing > 0 && missing < 2 ** 31) this.#report.sequenceGap(origin.address, missing)
  }

  #malformed(origin: FlowOrigin, what: string): false {
    this.#report.malformed(origin.address, what)
    return false
  }
}
