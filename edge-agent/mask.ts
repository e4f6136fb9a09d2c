/**
 * What may be kept of a rejected event: enough to see what was wrong with it, nothing that says who it was about.
 *
 * Well-formed identities become pseudonyms; fields of ours that are harmless and in bounds stay; of everything else, keys included, every
 * numeral becomes `#`. Long runs of letters and digits that could be an identity in another coding (base64, hex) are replaced by their
 * length, as are payloads that are no text. Pure and bounded: at most `maxBytes` octets, whatever comes in.
 */
import { canonicalCell } from '#shared/cell-id.ts'
import { eventTypes, fields, rats } from '#shared/families.ts'
import { normaliseImei, type Pseudonymiser } from '#shared/pseudonym.ts'
import { hideNumerals } from './identity-text.ts'
import { areDigits } from './text-shape.ts'

export const maxBytes = 1024
const maxDepth = 6
const maxParts = 64
/** A number with more digits than this could be somebody's. */
const harmlessDigits = 8
const yearMs = 366 * 24 * 3600_000

const bounds = new Map(
  fields.filter(({ kind }) => kind === 'number' || kind === 'integer').map(({ name, min, max }) => [name, { min, max }] as const),
)
const names = new Set([...fields.map(({ name }) => name), 'event_id', 'timestamp', 'event_type', 'tenant_id', 'schema_version', 'payload'])
const types = new Set(Object.values(eventTypes).flat())
const coded = /[A-Za-z0-9+/=_-]{16,}/g
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu

export class Masker {
  readonly #pseudonymiser: Pseudonymiser
  #parts = 0

  constructor(pseudonymiser: Pseudonymiser) {
    this.#pseudonymiser = pseudonymiser
  }

  /** A rejected event that is JSON. */
  json(value: unknown, arrivalMs: number): string {
    this.#parts = 0
    return cut(JSON.stringify(this.#value(value, '', arrivalMs, 0)) ?? 'null')
  }

  /** A payload that is text, but no JSON. */
  text(payload: string): string {
    return cut(maskText(payload.slice(0, 4 * maxBytes)))
  }

  #value(value: unknown, name: string, arrivalMs: number, depth: number): unknown {
    if (typeof value === 'string') return this.#string(value, name)
    if (typeof value === 'number') return isHarmless(value, name, arrivalMs) ? value : maskText(String(value))
    if (typeof value !== 'object' || value === null) return value
    if (depth >= maxDepth) return '…'
    if (Array.isArray(value)) {
      const shown: unknown[] = []
      for (const one of value) {
        if (++this.#parts > maxParts) return [...shown, '…']
        shown.push(this.#value(one, '', arrivalMs, depth + 1))
      }
      return shown
    }
    const shown: [string, unknown][] = []
    for (const [key, one] of Object.entries(value)) {
      if (++this.#parts > maxParts) {
        shown.push(['…', '…'])
        break
      }
      shown.push([names.has(key) ? key : maskText(key), this.#value(one, key, arrivalMs, depth + 1)])
    }
    return Object.fromEntries(shown)
  }

  #string(value: string, name: string): string {
    switch (name) {
      case 'imsi':
        return areDigits(value, 5, 15) ? this.#pseudonym('imsi', value) : '***'
      case 'msisdn': {
        const digits = value.startsWith('+') ? value.slice(1) : value
        return areDigits(digits, 5, 15) ? this.#pseudonym('msisdn', digits) : '***'
      }
      case 'imei':
        return areDigits(value, 14, 16) ? this.#pseudonym('imei', normaliseImei(value)) : '***'
      case 'cell':
      case 'target_cell':
        return canonicalCell(value) ?? maskText(value)
      case 'rat':
        return (rats as readonly string[]).includes(value) ? value : maskText(value)
      case 'event_type':
        return types.has(value) ? value : maskText(value)
      default:
        return maskText(value)
    }
  }

  #pseudonym(type: 'imsi' | 'msisdn' | 'imei', digits: string): string {
    return this.#pseudonymiser.text(this.#pseudonymiser.words(type, digits))
  }
}

function isHarmless(value: number, name: string, arrivalMs: number): boolean {
  if (name === 'timestamp') return Number.isInteger(value) && Math.abs(value - arrivalMs) <= yearMs
  if (name === 'schema_version') return Number.isInteger(value) && value >= 0 && value < 1000
  const bound = bounds.get(name)
  if (bound === undefined || !(value >= bound.min && value <= bound.max)) return false
  return String(value).replace(/\D/g, '').length <= harmlessDigits
}

function maskText(text: string): string {
  const short = text.length > maxBytes ? text.slice(0, maxBytes) : text
  return hideNumerals(short.toWellFormed().replace(coded, hideCoded)).replace(unprintable, '.')
}

/** Field names and words in one case stay; a run that mixes cases could be a coding of digits. */
function hideCoded(run: string): string {
  return /[a-z]/.test(run) && /[A-Z]/.test(run) ? `~${'#'.repeat(String(run.length).length)}` : run
}

function cut(text: string): string {
  if (text.length <= maxBytes / 4) return text
  const octets = Buffer.from(text)
  if (octets.length <= maxBytes) return text
  return `${octets
    .subarray(0, maxBytes - 3)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')}…`
}
