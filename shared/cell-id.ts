/**
 * Cell identities as text: `MCC-MNC-identity`, one canonical form for storing and comparing.
 * MCC has three digits; MNC is compared as an integer and written with at least two digits; the identity is decimal
 * (NCI or ECI, UC-Id, or LAC·65536 + CI for GSM), 0 to 2^36 − 1 (TS 23.003 §4.3, §19.6).
 */

const cellPattern = /^(\d{3})-(\d{2,3})-(\d{1,11})$/
const maxIdentity = 2 ** 36 - 1

/** The canonical form, or undefined when the text is no cell identity. */
export function canonicalCell(text: string): string | undefined {
  const match = cellPattern.exec(text)
  if (match === null) return undefined
  const identity = Number(match[3])
  if (identity > maxIdentity) return undefined
  return formatCell(Number(match[1]), Number(match[2]), identity)
}

/** The canonical form of numbers, as inventories have them. */
export function formatCell(mcc: number, mnc: number, identity: number): string {
  return `${String(mcc).padStart(3, '0')}-${String(mnc).padStart(2, '0')}-${identity}`
}
