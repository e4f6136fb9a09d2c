/** What the page says of things: times, ages, counts, alert types and short names, the same everywhere. */

export const alertWords: Readonly<Record<string, string>> = {
  'device-swap': 'Device changed',
  'device-toggle': 'Device changed and back',
  'sim-swap': 'SIM changed',
  'sim-toggle': 'SIM changed and back',
  'swap-combo': 'SIM and device changed together',
  'sim-box': 'SIM box',
  'sim-box-cohort': 'SIM box, many devices',
  clone: 'SIM in two places',
  'region-change': 'Region changed',
  'fence-enter': 'Entered a fence',
  'fence-leave': 'Left a fence',
  'fence-dwell': 'Stays in a fence',
}

export function typeWords(type: string): string {
  return alertWords[type] ?? type.replaceAll('-', ' ')
}

/** The last characters of a pseudonym: enough to tell two apart on a screen. */
export function short(name: string): string {
  const tail = name.split('.').at(-1) ?? name
  return tail.length > 10 ? `${tail.slice(0, 4)}…${tail.slice(-4)}` : tail
}

const clockFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
const dayFormat = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short' })
const zoneFormat = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' })

export const clock = (timeMs: number) => clockFormat.format(timeMs)
export const day = (timeMs: number) => dayFormat.format(timeMs)
export const stamp = (timeMs: number) => `${day(timeMs)} ${clock(timeMs)}`
/** The zone all times on the page are in. */
export const zone = () => zoneFormat.formatToParts(Date.now()).find(({ type }) => type === 'timeZoneName')?.value ?? ''

/** Today's times without the day. */
export function when(timeMs: number, nowMs: number): string {
  return day(timeMs) === day(nowMs) ? clock(timeMs) : stamp(timeMs)
}

export function span(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000))
  if (s < 90) return `${s} s`
  if (s < 90 * 60) return `${Math.round(s / 60)} min`
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`
  return `${Math.round(s / 86_400)} d`
}

export const ago = (timeMs: number | null, nowMs: number) => (timeMs === null ? 'never' : `${span(nowMs - timeMs)} ago`)

const plain = new Intl.NumberFormat('en-GB')
export const count = (value: number) => plain.format(value)

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

export function metres(value: number | null): string {
  if (value === null) return 'unknown'
  return value < 1000 ? `${Math.round(value)} m` : `${(value / 1000).toFixed(value < 10_000 ? 1 : 0)} km`
}

export const motionWords: Readonly<Record<string, string>> = {
  unknown: 'unknown',
  still: 'still',
  walking: 'walking',
  vehicle: 'in a vehicle',
}
