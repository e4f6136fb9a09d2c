/**
 * Keeps people's identities out of texts that travel. Whatever looks like one is replaced, never looked up: a text that lost a harmless
 * number is still a text, one that kept an IMSI is a breach.
 */

/** What an event said about who it is of; '' when it did not say. Digits only. */
export interface Identities {
  readonly imsi: string
  readonly msisdn: string
  readonly imei: string
}

const shortestIdentity = 5
const longRun = /\d{14,}/g
const anyNumeral = /\p{N}/gu

/** The text with every identity of the same event, and every run of 14 digits or more, replaced by `*`. */
export function hideIdentities(text: string, { imsi, msisdn, imei }: Identities): string {
  const run = longestDigitRun(text)
  if (run < shortestIdentity) return text
  let safe = text
  if (imei !== '') safe = safe.replaceAll(imei, '*').replaceAll(imei.slice(0, 14), '*')
  if (imsi !== '') safe = safe.replaceAll(imsi, '*')
  if (msisdn !== '') safe = safe.replaceAll(msisdn, '*')
  return run < 14 ? safe : safe.replace(longRun, '*')
}

export function longestDigitRun(text: string): number {
  let longest = 0
  let run = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code >= 48 && code <= 57) {
      run++
      if (run > longest) longest = run
    } else run = 0
  }
  return longest
}

/** Every numeral of every script becomes `#`. */
export function hideNumerals(text: string): string {
  return text.replace(anyNumeral, '#')
}
