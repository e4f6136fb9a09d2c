/**
 * Judges a track against the GPS of the trace that was replayed: at each report, and second by second with the last report held. Beside
 * it stand the two trivial answers anything must beat: the serving cell's middle, and the middle of the whole drive.
 */
import type { TraceRow } from './drive-trace.ts'
import { type Degrees, greatCircleM, quantile } from './geometry.ts'
import { meanOf } from './learn-cells.ts'

export interface TrackPoint {
  readonly timeMs: number
  readonly place: Degrees
  readonly radiusM: number
}

export interface Distances {
  readonly count: number
  readonly medianM: number
  readonly p68M: number
  readonly p95M: number
}

export interface TrackScore {
  /** Each report against the place at its time. */
  readonly atReports: Distances & { readonly withinRadius: number }
  /** Every second of the drive against the last report before it. */
  readonly everySecond: Distances & { readonly withinRadius: number }
  /** Every second against the serving cell's middle, where the inventory has the cell. */
  readonly servingCell: Distances | undefined
  /** The same at the moments of the reports: what the reports have to beat. */
  readonly servingCellAtReports: Distances | undefined
  /** Every second against the middle of the drive. */
  readonly areaMean: Distances
}

/** One report as the core writes it. */
export interface TrackItem {
  readonly time: string | number
  readonly position?: { readonly latitude: number; readonly longitude: number; readonly radiusM?: number } | null
}

/** The core's answer as a file (`items`, or a bare list). */
export function parseTrack(text: string): TrackPoint[] {
  const parsed = JSON.parse(text) as readonly TrackItem[] | { items?: readonly TrackItem[] }
  return trackOf('items' in parsed ? (parsed.items ?? []) : (parsed as readonly TrackItem[]))
}

/** In order of time; reports without a position are left out. */
export function trackOf(items: readonly TrackItem[]): TrackPoint[] {
  return items
    .flatMap(({ time, position }) => {
      if (position === null || position === undefined) return []
      const place = { latitude: position.latitude, longitude: position.longitude }
      return [{ timeMs: typeof time === 'number' ? time : Date.parse(time), place, radiusM: position.radiusM ?? 0 }]
    })
    .sort((a, b) => a.timeMs - b.timeMs)
}

/** `shiftMs` is what the replay added to the trace's times. */
export function scoreTrack(
  track: readonly TrackPoint[],
  rows: readonly TraceRow[],
  shiftMs: number,
  cells?: ReadonlyMap<string, Degrees>,
): TrackScore {
  const reports: { offM: number; radiusM: number }[] = []
  const reportedRows: TraceRow[] = []
  for (const { timeMs, place, radiusM } of track) {
    const row = rowAt(rows, timeMs - shiftMs)
    if (row === undefined) continue
    reports.push({ offM: greatCircleM(row, place), radiusM })
    reportedRows.push(row)
  }
  const seconds: { offM: number; radiusM: number }[] = []
  let last = -1
  for (const row of rows) {
    while (last + 1 < track.length && track[last + 1]!.timeMs <= row.timeMs + shiftMs) last++
    if (last >= 0) seconds.push({ offM: greatCircleM(row, track[last]!.place), radiusM: track[last]!.radiusM })
  }
  const middle = meanOf(rows)
  const fromServing = (some: readonly TraceRow[]) =>
    some.flatMap((row) => {
      const place = row.cell === undefined ? undefined : cells?.get(row.cell)
      return place === undefined ? [] : [greatCircleM(row, place)]
    })
  return {
    atReports: { ...distances(reports.map(({ offM }) => offM)), withinRadius: shareWithin(reports) },
    everySecond: { ...distances(seconds.map(({ offM }) => offM)), withinRadius: shareWithin(seconds) },
    servingCell: cells === undefined ? undefined : distances(fromServing(rows)),
    servingCellAtReports: cells === undefined ? undefined : distances(fromServing(reportedRows)),
    areaMean: distances(rows.map((row) => greatCircleM(row, middle))),
  }
}

/** The row of that second; a report more than two seconds from any row cannot be judged. */
function rowAt(rows: readonly TraceRow[], timeMs: number): TraceRow | undefined {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (rows[middle]!.timeMs < timeMs) low = middle + 1
    else high = middle
  }
  const candidates = [rows[low - 1], rows[low]].filter((row) => row !== undefined)
  candidates.sort((a, b) => Math.abs(a.timeMs - timeMs) - Math.abs(b.timeMs - timeMs))
  const best = candidates[0]
  return best !== undefined && Math.abs(best.timeMs - timeMs) <= 2_000 ? best : undefined
}

function distances(offM: readonly number[]): Distances {
  const sorted = offM.toSorted((a, b) => a - b)
  const at = (share: number) => Math.round(quantile(sorted, share) * 10) / 10
  return { count: sorted.length, medianM: at(0.5), p68M: at(0.68), p95M: at(0.95) }
}

function shareWithin(judged: readonly { offM: number; radiusM: number }[]): number {
  if (judged.length === 0) return Number.NaN
  return Math.round((judged.filter(({ offM, radiusM }) => offM <= radiusM).length / judged.length) * 1000) / 1000
}
