/** How each cell does by the metric chosen, from its latest window: 0 (low) to 1 (high), −1 without news. */
import type { LiveCell, LiveState } from '../console-api.ts'
import type { CellPlaces } from './cell-places.ts'
import type { Metric } from './place.ts'

const newsMs = 5 * 60_000

export function cellLevels(cells: CellPlaces, state: LiveState, metric: Metric): Float32Array {
  const levels = new Float32Array(cells.table.count).fill(-1)
  for (const cell of Object.values(state.cells)) {
    const row = cells.rowOf.get(cell.cell)
    if (row !== undefined && cell.startMs >= state.timeMs - newsMs) levels[row] = levelOf(cell, metric)
  }
  return levels
}

export function rsrpDbm({ rsrpSumDbm, rsrpCount }: LiveCell): number | null {
  return rsrpCount === 0 ? null : rsrpSumDbm / rsrpCount
}

function levelOf(cell: LiveCell, metric: Metric): number {
  if (metric === 'events') return Math.min(1, Math.log10(1 + (cell.events * 10_000) / cell.widthMs) / 3)
  if (metric === 'drops') return Math.min(1, (cell.drops / Math.max(1, cell.attaches + cell.handovers)) * 5)
  const dbm = rsrpDbm(cell)
  return dbm === null ? -1 : Math.max(0, Math.min(1, (dbm + 115) / 45))
}

/** Legend of a metric: what its two ends mean. */
export const metricWords: Readonly<Record<Metric, { readonly name: string; readonly low: string; readonly high: string }>> = {
  signal: { name: 'Signal', low: '−115 dBm', high: '−70 dBm' },
  events: { name: 'Events', low: 'few', high: '1,000 in 10 s' },
  drops: { name: 'Drops', low: 'none', high: '20 %' },
}
