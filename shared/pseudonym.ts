/**
 * Pseudonyms of people's identities: the first 128 bits of HMAC-SHA-256(key, type | 0x00 | normalised id).
 *
 * Owns the key of one tenant and, in memory only, a bounded cache of what was asked lately. Promises that the same identity has the same
 * pseudonym in every process with the same key, and that no identity leaves this file other than as a pseudonym: nothing here logs or throws one.
 * In batches a pseudonym is four 32-bit words, big-endian as in the digest; in text it is `psn1.<key id>.<26 base32 characters>`.
 */
import { hkdfSync } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { HmacWords } from './hmac-words.ts'

export type IdentityType = 'imsi' | 'msisdn' | 'imei'

export interface IdentityKey {
  readonly kid: string
  readonly secret: Uint8Array
}

const keyPattern = /^([A-Za-z0-9_-]{1,16}):([0-9a-fA-F]{64})$/
const base32 = 'abcdefghijklmnopqrstuvwxyz234567'
const textPattern = /^psn1\.[A-Za-z0-9_-]{1,16}\.([a-z2-7]{26})$/

/** Reads `<key id>:<64 hex digits>`. Throws with the fix when it is missing, malformed, or readable by other users of the machine. */
export function readIdentityKey(file: string): IdentityKey {
  let text: string
  let mode: number
  try {
    text = readFileSync(file, 'utf8')
    mode = statSync(file).mode
  } catch (cause) {
    throw new Error(`identity.keyFile: ${file} cannot be read; every agent, hub and core of a tenant needs the same key file`, { cause })
  }
  const match = keyPattern.exec(text.trim())
  if (match === null) throw new Error(`identity.keyFile: ${file} must hold one line, <key id>:<64 hex digits>`)
  if ((mode & 0o077) !== 0) throw new Error(`identity.keyFile: ${file} can be read by other users; run: chmod 600 ${file}`)
  return { kid: match[1]!, secret: Buffer.from(match[2]!, 'hex') }
}

/** The key of a tenant and key epoch, made from the operator's root secret, which never leaves the centre (RFC 5869). */
export function deriveIdentityKey(root: Uint8Array, tenant: string, kid: string): IdentityKey {
  return { kid, secret: new Uint8Array(hkdfSync('sha256', root, '', `${tenant}|${kid}`, 32)) }
}

export class Pseudonymiser {
  readonly kid: string
  readonly #hmac: HmacWords
  readonly #generationSize: number
  #recent: Record<IdentityType, Map<string, Uint32Array>> = emptyCache()
  #older: Record<IdentityType, Map<string, Uint32Array>> = emptyCache()
  #recentSize = 0

  /** Keeps at most `cachedIdentities` pseudonyms in memory (about 150 octets each). */
  constructor(key: IdentityKey, cachedIdentities = 200_000) {
    this.kid = key.kid
    this.#hmac = new HmacWords(key.secret)
    this.#generationSize = Math.max(1, Math.floor(cachedIdentities / 2))
  }

  /**
   * The four words of an identity's pseudonym. `normalised`: digits only; an IMEI's first 14 digits (`normaliseImei`), an MSISDN without +.
   * The array is shared: do not change it.
   */
  words(type: IdentityType, normalised: string): Uint32Array {
    const recent = this.#recent[type].get(normalised)
    if (recent !== undefined) return recent
    const words = this.#older[type].get(normalised) ?? this.compute(type, normalised)
    if (this.#recentSize >= this.#generationSize) {
      this.#older = this.#recent
      this.#recent = emptyCache()
      this.#recentSize = 0
    }
    this.#recent[type].set(normalised, words)
    this.#recentSize++
    return words
  }

  /** The text form of four words. */
  text(words: Uint32Array, offset = 0): string {
    let text = ''
    let bits = 0
    let held = 0
    for (let word = 0; word < 4; word++) {
      for (let shift = 24; shift >= 0; shift -= 8) {
        held = ((held << 8) | ((words[offset + word]! >>> shift) & 0xff)) & 0xffff
        bits += 8
        while (bits >= 5) {
          bits -= 5
          text += base32[(held >>> bits) & 31]
        }
      }
    }
    return `psn1.${this.kid}.${text}${base32[(held << (5 - bits)) & 31]}`
  }

  /** As `words`, for callers with a memory of their own: computed anew, and remembered by nobody here. */
  compute(type: IdentityType, normalised: string): Uint32Array {
    return this.#hmac.words(`${type}\0${normalised}`)
  }
}

/** The four words of a pseudonym's text form, or undefined when it is none. */
export function parsePseudonym(text: string): Uint32Array | undefined {
  const match = textPattern.exec(text)
  if (match === null) return undefined
  const words = new Uint32Array(4)
  for (let bit = 0; bit < 128; bit++) {
    const digit = base32.indexOf(match[1]![Math.floor(bit / 5)]!)
    if ((digit >>> (4 - (bit % 5))) & 1) words[bit >>> 5] = (words[bit >>> 5]! | (0x80000000 >>> (bit & 31))) >>> 0
  }
  return words
}

/** IMEI, IMEI with check digit and IMEISV compare on their first 14 digits (TS 23.003 §6.2). */
export function normaliseImei(imei: string): string {
  return imei.slice(0, 14)
}

export function normaliseMsisdn(msisdn: string): string {
  return msisdn.startsWith('+') ? msisdn.slice(1) : msisdn
}

/** 32 hex digits of four words, as control messages and stores carry ids; '' for a missing one. */
export function wordsToHex(words: Uint32Array, offset = 0): string {
  if ((words[offset]! | words[offset + 1]! | words[offset + 2]! | words[offset + 3]!) === 0) return ''
  let hex = ''
  for (let word = 0; word < 4; word++) hex += words[offset + word]!.toString(16).padStart(8, '0')
  return hex
}

/** The four words of 32 hex digits; all zero (missing) for ''. */
export function hexToWords(hex: string, target: Uint32Array = new Uint32Array(4), offset = 0): Uint32Array {
  for (let word = 0; word < 4; word++) target[offset + word] = hex === '' ? 0 : Number.parseInt(hex.slice(word * 8, word * 8 + 8), 16)
  return target
}

function emptyCache(): Record<IdentityType, Map<string, Uint32Array>> {
  return { imsi: new Map(), msisdn: new Map(), imei: new Map() }
}
