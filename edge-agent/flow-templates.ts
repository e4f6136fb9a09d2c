/**
 * Templates of flow exporters, and the data that came before its template.
 *
 * A template belongs to an exporter's transport session and observation domain (RFC 7011 §8); an exporter that restarted, or sends from several
 * ports, is recognised by its address and domain when its session is not known. Data before its template waits, bounded by count, octets and age:
 * what is given up is counted. Options templates, withdrawals and redefinitions follow RFC 7011 §8.1 and RFC 3954 §6.
 */
import { type FlowField, flowField } from './flow-fields.ts'

export interface TemplateField {
  readonly length: number
  readonly known: FlowField | undefined
}

export interface Template {
  readonly fields: readonly TemplateField[]
  /** Scope fields of an options template; −1: a data template. */
  readonly scopeFields: number
  /** Octets of a record, or −1 when a field has variable length. */
  readonly recordOctets: number
  /** The shortest a record can be. */
  readonly minOctets: number
}

export const variableLength = 0xffff
const maxFields = 512

/** Where a data set was found that waits for its template. */
export interface HeldSet {
  readonly octets: Buffer
  readonly exportMs: number
  readonly uptimeMs: number
  readonly arrivalMs: number
}

interface Limits {
  readonly maxTemplates: number
  readonly maxHeldSets: number
  readonly maxHeldOctets: number
  readonly maxHeldMs: number
}

export class FlowTemplates {
  readonly #templates = new Map<string, Template>()
  readonly #applications = new Map<string, string>()
  readonly #held = new Map<string, HeldSet[]>()
  readonly #limits: Limits
  #heldSets = 0
  #heldOctets = 0
  /** Data sets given up because their template did not come in time or too many waited. */
  givenUp = 0

  constructor(limits: Partial<Limits> = {}) {
    this.#limits = { maxTemplates: 10_000, maxHeldSets: 4_096, maxHeldOctets: 4 << 20, maxHeldMs: 30 * 60_000, ...limits }
  }

  /** `session` is `address|port|domain`, `exporter` is `address|domain`. */
  find(session: string, exporter: string, id: number): Template | undefined {
    return this.#templates.get(`${session}#${id}`) ?? this.#templates.get(`${exporter}#${id}`)
  }

  /** Defines or replaces a template and returns the data that waited for it. */
  define(session: string, exporter: string, id: number, template: Template): HeldSet[] {
    for (const owner of [session, exporter]) {
      const key = `${owner}#${id}`
      this.#templates.delete(key)
      this.#templates.set(key, template)
    }
    while (this.#templates.size > this.#limits.maxTemplates) this.#templates.delete(this.#templates.keys().next().value!)
    const key = `${exporter}#${id}`
    const held = this.#held.get(key) ?? []
    this.#held.delete(key)
    for (const set of held) this.#forget(set)
    return held
  }

  /** RFC 7011 §8.1: a template without fields withdraws; id 2 or 3 withdraws all of the domain. */
  withdraw(session: string, exporter: string, id: number): void {
    for (const owner of [session, exporter]) {
      if (id > 255) this.#templates.delete(`${owner}#${id}`)
      else for (const key of this.#templates.keys()) if (key.startsWith(`${owner}#`)) this.#templates.delete(key)
    }
  }

  hold(exporter: string, id: number, set: HeldSet): void {
    this.#expire(set.arrivalMs)
    if (this.#heldSets >= this.#limits.maxHeldSets || this.#heldOctets + set.octets.length > this.#limits.maxHeldOctets) {
      this.givenUp++
      return
    }
    const key = `${exporter}#${id}`
    const held = this.#held.get(key)
    if (held === undefined) this.#held.set(key, [set])
    else held.push(set)
    this.#heldSets++
    this.#heldOctets += set.octets.length
  }

  /** RFC 6759: the exporter's names for its application ids, from its options records. */
  nameApplication(exporter: string, applicationId: string, name: string): void {
    if (this.#applications.size < 100_000) this.#applications.set(`${exporter}#${applicationId}`, name)
  }

  applicationName(exporter: string, applicationId: string): string | undefined {
    return this.#applications.get(`${exporter}#${applicationId}`)
  }

  get heldSets(): number {
    return this.#heldSets
  }

  #expire(nowMs: number): void {
    for (const [key, sets] of this.#held) {
      if (sets[0]!.arrivalMs >= nowMs - this.#limits.maxHeldMs) break
      this.#held.delete(key)
      for (const set of sets) this.#forget(set)
      this.givenUp += sets.length
    }
  }

  #forget(set: HeldSet): void {
    this.#heldSets--
    this.#heldOctets -= set.octets.length
  }
}

/** Reads one template's field specifiers. Returns undefined when the octets end too early or the template is absurd. `v9` has no enterprise bit. */
export function readTemplate(
  octets: Buffer,
  at: number,
  end: number,
  fieldCount: number,
  scopeFields: number,
  v9: boolean,
): { template: Template; next: number } | undefined {
  if (fieldCount > maxFields) return undefined
  const fields: TemplateField[] = []
  let recordOctets = 0
  let minOctets = 0
  for (let field = 0; field < fieldCount; field++) {
    if (at + 4 > end) return undefined
    let id = octets.readUInt16BE(at)
    const length = octets.readUInt16BE(at + 2)
    at += 4
    let enterprise = 0
    if (!v9 && (id & 0x8000) !== 0) {
      if (at + 4 > end) return undefined
      enterprise = octets.readUInt32BE(at)
      id &= 0x7fff
      at += 4
    }
    // The scope fields of a v9 options template are numbered on their own (RFC 3954 §6.1), all but Cisco's application id.
    const known = v9 && field < scopeFields && id < 6 ? undefined : flowField(enterprise, id)
    fields.push({ length, known })
    if (length === variableLength && !v9) {
      recordOctets = -1
      minOctets += 1
    } else {
      if (recordOctets >= 0) recordOctets += length
      minOctets += length
    }
  }
  if (minOctets === 0) return undefined
  return { template: { fields, scopeFields, recordOctets, minOctets }, next: at }
}
