/**
 * An event's time as it arrives: epoch milliseconds, or RFC 3339 with a zone (a local time without one says nothing and is refused).
 * Pure: the agent's clock is handed in as the arrival time.
 */

/** Times before this are from a clock that was never set. */
export const oldestMs = Date.UTC(2000, 0, 1)
/** Further ahead than this, an event is rejected. */
export const maxAheadMs = 24 * 3600_000
/** Further ahead than this, an event is windowed by its arrival and moves no watermark. */
export const trustedAheadMs = 2 * 60_000

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d{1,9})?(?:[Zz]|([+-])(\d\d):(\d\d))$/

/** Epoch milliseconds (whole, as windows need them), or NaN when it is no time at all. */
export function parseTime(value: unknown): number {
  if (typeof value === 'number') return Math.floor(value)
  if (typeof value !== 'string' || value.length > 40) return Number.NaN
  const match = rfc3339.exec(value)
  if (match === null) return Number.NaN
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  const [hour, minute, second] = [Number(match[4]), Number(match[5]), Number(match[6])]
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 60) return Number.NaN
  const zone = match[8] === undefined ? 0 : Number(match[9]) * 60 + Number(match[10])
  if (match[8] !== undefined && (Number(match[9]) > 23 || Number(match[10]) > 59)) return Number.NaN
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day) // Date.UTC would take years below 100 for 19xx
  const fractionMs = match[7] === undefined ? 0 : Math.floor(Number(match[7]) * 1000 + 1e-6)
  return date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + fractionMs - (match[8] === '-' ? -zone : zone) * 60_000
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}
