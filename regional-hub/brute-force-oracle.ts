/**
 * For tests: swaps, SIM boxes and impossible travel found by plain scans over the whole log, written from detection.md §2.3 and sharing no code
 * with the detector. Slow and short on purpose.
 */
import { cellRows, type Planted, psn } from './sighting-log.ts'

const day = 24 * 3_600_000

export interface Verdict {
  readonly type: string
  readonly key: string
  readonly beforeMs: number
  readonly afterMs: number
}

/** SELECT … over consecutive sightings that name both the key and the value; not a swap when either value was there within a day around it. */
export function swaps(log: readonly Planted[], type: 'device-swap' | 'sim-swap'): Verdict[] {
  const [keyOf, of] =
    type === 'device-swap' ? [(s: Planted) => s.sim, (s: Planted) => s.device] : [(s: Planted) => s.number, (s: Planted) => s.sim]
  const verdicts = new Map<string, Verdict>()
  for (const key of new Set(log.map(keyOf).filter((name) => name !== undefined))) {
    const rows = log.filter((row) => keyOf(row) === key && of(row) !== undefined).sort((x, y) => x.timeMs - y.timeMs)
    for (let at = 1; at < rows.length; at++) {
      const before = of(rows[at - 1]!)
      const after = of(rows[at]!)
      const t = rows[at]!.timeMs
      if (before === after) continue
      const comesBack = rows.some(
        (row, later) => later > at && of(row) === before && startOfRun(rows, of, later) - t <= day && startOfRun(rows, of, later) > t,
      )
      // The value now seen was left less than a day ago.
      const isReturn = rows.some((row, earlier) => earlier < at - 1 && of(row) === after && t - endOfRun(rows, of, earlier) <= day)
      if (comesBack || isReturn) continue
      const id = `${key}|${before}|${after}|${Math.floor(t / day)}`
      if (!verdicts.has(id)) verdicts.set(id, { type, key: psn(key!), beforeMs: rows[at - 1]!.timeMs, afterMs: t })
    }
  }
  return [...verdicts.values()]
}

function startOfRun(rows: readonly Planted[], of: (row: Planted) => string | undefined, at: number): number {
  let first = at
  while (first > 0 && of(rows[first - 1]!) === of(rows[at]!)) first--
  return rows[first]!.timeMs
}

/** When another value took over from the run that row `at` is in. */
function endOfRun(rows: readonly Planted[], of: (row: Planted) => string | undefined, at: number): number {
  let next = at
  while (of(rows[next]!) === of(rows[at]!)) next++
  return rows[next]!.timeMs
}

/** SIMs with two consecutive sightings that even from edge to edge, less 2 km and 5 s, need more than 1000 km/h. */
export function impossibleTravellers(log: readonly Planted[]): Set<string> {
  const place = new Map(cellRows().map((row) => [row.cell, row]))
  const found = new Set<string>()
  for (const sim of new Set(log.map((row) => row.sim).filter((name) => name !== undefined))) {
    const rows = log.filter((row) => row.sim === sim && place.has(row.cell ?? '')).sort((x, y) => x.timeMs - y.timeMs)
    for (let at = 1; at < rows.length; at++) {
      const a = place.get(rows[at - 1]!.cell!)!
      const b = place.get(rows[at]!.cell!)!
      const km = (Math.abs(a.longitude - b.longitude) * 111.32 * Math.cos((51.9 * Math.PI) / 180) - 2 * 2 - 2) * 1
      const hours = (rows[at]!.timeMs - rows[at - 1]!.timeMs + 5000) / 3_600_000
      if (km / hours > 1000) found.add(psn(sim!))
    }
  }
  return found
}

/** Devices with three SIMs within an hour, five within a day or ten within a week, four fifths of that at one cell. */
export function boxes(log: readonly Planted[]): Set<string> {
  const found = new Set<string>()
  for (const device of new Set(log.map((row) => row.device).filter((name) => name !== undefined))) {
    const rows = log.filter((row) => row.device === device && row.sim !== undefined).sort((x, y) => x.timeMs - y.timeMs)
    for (const last of rows) {
      for (const [sims, windowMs] of [
        [3, day / 24],
        [5, day],
        [10, 7 * day],
      ] as const) {
        const window = rows.filter((row) => row.timeMs <= last.timeMs && row.timeMs >= last.timeMs - windowMs)
        const most = Math.max(
          ...Map.groupBy(window, (row) => row.cell)
            .values()
            .map((same) => same.length),
        )
        if (new Set(window.map((row) => row.sim)).size >= sims && most / window.length >= 0.8) found.add(psn(device!))
      }
    }
  }
  return found
}
