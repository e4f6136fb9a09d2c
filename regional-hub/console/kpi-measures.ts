/** What is measured of a cell, how it is written, and what makes it bad. Pure. */
import type { KpiItem } from '../console-api.ts'
import { bytes, count } from './words.ts'

export interface CellSum {
  readonly cell: string
  readonly events: number
  readonly attaches: number
  readonly handovers: number
  readonly drops: number
  readonly bytesUp: number
  readonly bytesDown: number
  readonly rsrpDbm: KpiItem['rsrpDbm']
  readonly latencyMs: KpiItem['latencyMs']
}

export type Measure = 'signal' | 'drops' | 'latency' | 'traffic' | 'events'

interface MeasureWords {
  readonly name: string
  readonly of: (item: Pick<KpiItem, 'events' | 'drops' | 'bytesUp' | 'bytesDown' | 'rsrpDbm' | 'latencyMs'>) => number | null
  /** Higher is worse; null: nothing to judge by. */
  readonly badness: (sum: CellSum) => number | null
  readonly words: (value: number | null) => string
}

export const measures: Readonly<Record<Measure, MeasureWords>> = {
  signal: {
    name: 'Signal (median)',
    of: ({ rsrpDbm }) => rsrpDbm?.p50 ?? null,
    badness: ({ rsrpDbm }) => (rsrpDbm === null ? null : -rsrpDbm.p50),
    words: (value) => (value === null ? '' : `${value.toFixed(1)} dBm`),
  },
  drops: {
    name: 'Drops',
    of: ({ drops }) => drops,
    badness: ({ drops, attaches, handovers }) => (drops === 0 ? null : drops / Math.max(10, attaches + handovers)),
    words: (value) => (value === null ? '' : count(value)),
  },
  latency: {
    name: 'Latency (p95)',
    of: ({ latencyMs }) => latencyMs?.p95 ?? null,
    badness: ({ latencyMs }) => latencyMs?.p95 ?? null,
    words: (value) => (value === null ? '' : `${value.toFixed(0)} ms`),
  },
  traffic: {
    name: 'Traffic',
    of: ({ bytesUp, bytesDown }) => bytesUp + bytesDown,
    badness: ({ bytesUp, bytesDown }) => bytesUp + bytesDown,
    words: (value) => (value === null ? '' : bytes(value)),
  },
  events: {
    name: 'Events',
    of: ({ events }) => events,
    badness: ({ events }) => -events,
    words: (value) => (value === null ? '' : count(value)),
  },
}

/** One row per cell. Quantiles of parts do not add up: the worst part stands for the whole. */
export function sumByCell(items: readonly KpiItem[]): CellSum[] {
  const sums = new Map<string, CellSum>()
  for (const item of items) {
    const cell = item.cell ?? ''
    const before = sums.get(cell)
    sums.set(cell, {
      cell,
      events: item.events + (before?.events ?? 0),
      attaches: item.attaches + (before?.attaches ?? 0),
      handovers: item.handovers + (before?.handovers ?? 0),
      drops: item.drops + (before?.drops ?? 0),
      bytesUp: item.bytesUp + (before?.bytesUp ?? 0),
      bytesDown: item.bytesDown + (before?.bytesDown ?? 0),
      rsrpDbm: pick(before?.rsrpDbm, item.rsrpDbm, (a, b) => a.p50 <= b.p50),
      latencyMs: pick(before?.latencyMs, item.latencyMs, (a, b) => a.p95 >= b.p95),
    })
  }
  return [...sums.values()]
}

function pick<T>(one: T | null | undefined, other: T | null, isWorse: (a: T, b: T) => boolean): T | null {
  if (one == null) return other
  if (other === null) return one
  return isWorse(one, other) ? one : other
}
