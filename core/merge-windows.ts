/**
 * Window and usage parts into rows of a question: sums added, extremes kept, sketches merged, by bucket and group. Pure; parts may come in any
 * order and number, the rows are the same. A part falls into the bucket in which it starts.
 */
import { QuantileSketch } from '#shared/quantile-sketch.ts'
import type { Range, UsagePart, WindowPart } from './ports.ts'

export interface Grid {
  readonly range: Range
  /** Undefined: the whole range is one bucket. */
  readonly bucketMs: number | undefined
  /** A page ends with the bucket in which it reaches this many rows. */
  readonly limit: number
}

export interface Page<T> {
  readonly items: readonly T[]
  /** Where the next page begins; undefined: this was the last. */
  readonly nextMs: number | undefined
}

type Labels = Readonly<Record<string, string>>

interface Row {
  readonly bucketMs: number
  readonly labels: Labels
  readonly sums: Record<string, number>
  readonly sketches: Record<string, QuantileSketch>
  readonly extremes: Record<string, number>
}

class Merger {
  readonly #grid: Grid
  readonly #rows = new Map<string, Row>()

  constructor(grid: Grid) {
    this.#grid = grid
  }

  /** Parts come in order of their start: once a page is full, the first part of a later bucket says where the next one begins. */
  async take<P extends { readonly startMs: number }>(
    parts: AsyncIterable<readonly P[]>,
    add: (part: P) => void,
  ): Promise<number | undefined> {
    let last = Number.NEGATIVE_INFINITY
    for await (const page of parts) {
      for (const part of page) {
        const at = this.#bucketOf(part.startMs)
        if (at > last && this.#rows.size >= this.#grid.limit) return at
        last = at
        add(part)
      }
    }
    return undefined
  }

  #bucketOf(startMs: number): number {
    const { range, bucketMs } = this.#grid
    return bucketMs === undefined ? range.fromMs : Math.floor(startMs / bucketMs) * bucketMs
  }

  row(startMs: number, labels: Labels): Row {
    const at = this.#bucketOf(startMs)
    const key = JSON.stringify([at, labels])
    let row = this.#rows.get(key)
    if (row === undefined) {
      row = { bucketMs: at, labels, sums: {}, sketches: {}, extremes: {} }
      this.#rows.set(key, row)
    }
    return row
  }

  /** By bucket, then group. */
  rows(): Row[] {
    return [...this.#rows.entries()].sort(([keyA, a], [keyB, b]) => a.bucketMs - b.bucketMs || (keyA < keyB ? -1 : 1)).map(([, row]) => row)
  }
}

function add(row: Row, sums: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(sums)) row.sums[name] = (row.sums[name] ?? 0) + value
}

function merge(row: Row, name: string, octets: Uint8Array): void {
  if (octets.length === 0) return
  row.sketches[name] ??= new QuantileSketch()
  row.sketches[name].merge(QuantileSketch.decode(octets))
}

function keep(row: Row, name: string, value: number | null, better: (a: number, b: number) => number): void {
  if (value !== null) row.extremes[name] = better(row.extremes[name] ?? value, value)
}

export const kpiGroups = ['cell', 'region'] as const
export type KpiGroup = (typeof kpiGroups)[number]

export async function mergeWindows(parts: AsyncIterable<readonly WindowPart[]>, grid: Grid, groupBy: readonly KpiGroup[]) {
  const merger = new Merger(grid)
  const nextMs = await merger.take(parts, (part) => {
    const row = merger.row(part.startMs, labelsOf(part, groupBy))
    add(row, part.sums)
    keep(row, 'rsrpMinDbm', part.rsrpMinDbm, Math.min)
    keep(row, 'rsrpMaxDbm', part.rsrpMaxDbm, Math.max)
    keep(row, 'latencyMaxMs', part.latencyMaxMs, Math.max)
    merge(row, 'rsrp', part.rsrpSketch)
    merge(row, 'latency', part.latencySketch)
  })
  const items = merger.rows().map(({ bucketMs, labels, sums, sketches, extremes }) => {
    const sum = (name: string) => sums[name] ?? 0
    const rsrp = (q: number) => negated(quantile(sketches.rsrp, 1 - q)) // the sketch holds −dBm
    return {
      bucket: new Date(bucketMs).toISOString(),
      ...labels,
      events: sum('events'),
      attaches: sum('attach'),
      detaches: sum('detach'),
      handovers: sum('handover'),
      cell_changes: sum('cellChange'),
      measurements: sum('measurement'),
      calls_started: sum('callStart'),
      calls_ended: sum('callEnd'),
      sessions_started: sum('sessionStart'),
      sessions_ended: sum('sessionEnd'),
      pagings: sum('paging'),
      drops: sum('drop'),
      bytes_up: sum('bytesUp'),
      bytes_down: sum('bytesDown'),
      rsrp_count: sum('rsrpCount'),
      rsrp_dbm_mean: ratio(sum('rsrpSumDbm'), sum('rsrpCount')),
      rsrp_dbm_min: extremes.rsrpMinDbm ?? null,
      rsrp_dbm_p05: rsrp(0.05),
      rsrp_dbm_p50: rsrp(0.5),
      rsrp_dbm_p95: rsrp(0.95),
      rsrp_dbm_max: extremes.rsrpMaxDbm ?? null,
      rsrq_db_mean: ratio(sum('rsrqSumDb'), sum('rsrqCount')),
      sinr_db_mean: ratio(sum('sinrSumDb'), sum('sinrCount')),
      latency_count: sum('latencyCount'),
      latency_ms_mean: ratio(sum('latencySumMs'), sum('latencyCount')),
      latency_ms_p50: quantile(sketches.latency, 0.5),
      latency_ms_p95: quantile(sketches.latency, 0.95),
      latency_ms_p99: quantile(sketches.latency, 0.99),
      latency_ms_max: extremes.latencyMaxMs ?? null,
      loss_ratio: ratio(sum('lossSum'), sum('lossCount')),
    }
  })
  return { items, nextMs } satisfies Page<unknown>
}

export const usageGroups = ['application', 'protocol', 'cell', 'region'] as const
export type UsageGroup = (typeof usageGroups)[number]

export async function mergeUsage(parts: AsyncIterable<readonly UsagePart[]>, grid: Grid, groupBy: readonly UsageGroup[]) {
  const merger = new Merger(grid)
  const nextMs = await merger.take(parts, (part) => {
    const row = merger.row(part.startMs, labelsOf(part, groupBy))
    add(row, part.sums)
    merge(row, 'rtt', part.rttSketch)
  })
  const items = merger.rows().map(({ bucketMs, labels, sums, sketches }) => {
    const sum = (name: string) => sums[name] ?? 0
    return {
      bucket: new Date(bucketMs).toISOString(),
      ...labels,
      flows: sum('flows'),
      packets_up: sum('packetsUp'),
      packets_down: sum('packetsDown'),
      bytes_up: sum('bytesUp'),
      bytes_down: sum('bytesDown'),
      rtt_ms_p50: quantile(sketches.rtt, 0.5),
      rtt_ms_p95: quantile(sketches.rtt, 0.95),
      loss_ratio: ratio(sum('lossSum'), sum('lossCount')),
    }
  })
  return { items, nextMs } satisfies Page<unknown>
}

function labelsOf<G extends string>(part: Readonly<Record<G, string>>, groupBy: readonly G[]): Labels {
  return Object.fromEntries(groupBy.map((group) => [group, part[group]]))
}

function quantile(sketch: QuantileSketch | undefined, q: number): number | null {
  const value = sketch?.quantile(q) ?? Number.NaN
  return Number.isNaN(value) ? null : Math.round(value * 1000) / 1000
}

function negated(value: number | null): number | null {
  return value === null ? null : 0 - value
}

function ratio(sum: number, count: number): number | null {
  return count === 0 ? null : Math.round((sum / count) * 1e6) / 1e6
}
