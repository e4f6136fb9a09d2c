/**
 * The questions that the region's history answers; all of them read, none changes anything. Parts merge here: within a day's file by SQL
 * (sums, and sketches by the aggregate `merged`), across files below.
 */
import { QuantileSketch } from '#shared/quantile-sketch.ts'
import type { AgentItem, LossItem } from '../console-api.ts'
import { at, messages, replay } from './history-moments.ts'
import type { SqliteHistory } from './sqlite-history.ts'

export interface KpiQuery {
  readonly fromMs: number
  readonly toMs: number
  readonly bucketMs: number
  readonly cell?: string
  readonly perCell: boolean
}

export interface UsageQuery extends KpiQuery {
  readonly application?: string
  readonly protocol?: string
  readonly perApplication: boolean
}

export interface TrackQuery {
  /** The pseudonym's 16 octets. */
  readonly subscriber: Uint8Array
  readonly fromMs: number
  readonly toMs: number
  readonly limit: number
}

export interface TrackRow {
  readonly timeMs: number
  readonly cell: string
  readonly latitude: number | null
  readonly longitude: number | null
  readonly radiusM: number | null
  readonly speedMps: number | null
  readonly motion: number | null
}

type KpiRow = Record<string, number | null> & { cell: string; rsrpSketch: Buffer; latencySketch: Buffer }
type UsageRow = Record<string, number | null> & { cell: string; application: string; protocol: string; rttSketch: Buffer }

const kpiSums = [
  'events',
  'attach',
  'detach',
  'handover',
  'drop',
  'bytesUp',
  'bytesDown',
  'rsrpCount',
  'latencyCount',
  'lossCount',
  'lossSum',
]
const usageSums = ['flows', 'packetsUp', 'packetsDown', 'bytesUp', 'bytesDown', 'rttCount', 'rttSumMs', 'lossCount', 'lossSum']

export function kpis(history: SqliteHistory, { fromMs, toMs, bucketMs, cell, perCell }: KpiQuery) {
  const rows = history.all<KpiRow>(
    fromMs,
    `SELECT floor(startMs / @bucketMs) * @bucketMs AS bucketMs, ${perCell ? 'cell' : `'' AS cell`}, ${kpiSums.map((name) => `total("${name}") AS "${name}"`)},
       min(rsrpMinDbm) AS rsrpMinDbm, max(rsrpMaxDbm) AS rsrpMaxDbm, merged(rsrpSketch) AS rsrpSketch, merged(latencySketch) AS latencySketch
     FROM "window" WHERE startMs >= @fromMs AND startMs < @toMs AND (@cell IS NULL OR cell = @cell) GROUP BY 1, 2`,
    { fromMs, toMs, bucketMs, cell: cell ?? null },
  )
  return mergeRows(rows, (row) => `${row.bucketMs} ${row.cell}`, kpiSums, ['rsrpSketch', 'latencySketch']).map((row) => {
    const rsrp = QuantileSketch.decode(row.rsrpSketch)
    const latency = QuantileSketch.decode(row.latencySketch)
    return {
      bucketMs: row.bucketMs,
      ...(perCell && { cell: row.cell }),
      events: row.events,
      attaches: row.attach,
      detaches: row.detach,
      handovers: row.handover,
      drops: row.drop,
      bytesUp: row.bytesUp,
      bytesDown: row.bytesDown,
      // RSRP is sketched as −dBm: its low quantiles are the sketch's high ones.
      rsrpDbm:
        rsrp.count === 0 ? null : { p5: -rsrp.quantile(0.95), p50: -rsrp.quantile(0.5), p95: -rsrp.quantile(0.05), count: rsrp.count },
      latencyMs:
        latency.count === 0
          ? null
          : { p50: latency.quantile(0.5), p95: latency.quantile(0.95), p99: latency.quantile(0.99), count: latency.count },
      lossRatio: row.lossCount ? row.lossSum! / row.lossCount : null,
    }
  })
}

export function usage(history: SqliteHistory, query: UsageQuery) {
  const { fromMs, toMs, bucketMs, cell, perCell, application, protocol, perApplication } = query
  const rows = history.all<UsageRow>(
    fromMs,
    `SELECT floor(startMs / @bucketMs) * @bucketMs AS bucketMs, ${perCell ? 'cell' : `'' AS cell`},
       ${perApplication ? 'application, protocol' : `'' AS application, '' AS protocol`},
       ${usageSums.map((name) => `total("${name}") AS "${name}"`)}, merged(rttSketch) AS rttSketch
     FROM usage WHERE startMs >= @fromMs AND startMs < @toMs AND (@cell IS NULL OR cell = @cell)
       AND (@application IS NULL OR application = @application) AND (@protocol IS NULL OR protocol = @protocol) GROUP BY 1, 2, 3, 4`,
    { fromMs, toMs, bucketMs, cell: cell ?? null, application: application ?? null, protocol: protocol ?? null },
  )
  const keyOf = (row: UsageRow) => `${row.bucketMs} ${row.cell} ${row.application}\0${row.protocol}`
  return mergeRows(rows, keyOf, usageSums, ['rttSketch']).map((row) => {
    const rtt = QuantileSketch.decode(row.rttSketch)
    return {
      bucketMs: row.bucketMs,
      ...(perCell && { cell: row.cell }),
      ...(perApplication && { application: row.application, protocol: row.protocol }),
      flows: row.flows,
      packetsUp: row.packetsUp,
      packetsDown: row.packetsDown,
      bytesUp: row.bytesUp,
      bytesDown: row.bytesDown,
      rttMsP50: rtt.count === 0 ? null : rtt.quantile(0.5),
      lossRatio: row.lossCount ? row.lossSum! / row.lossCount : null,
    }
  })
}

export function track(history: SqliteHistory, { subscriber, fromMs, toMs, limit }: TrackQuery) {
  const rows = history.all<TrackRow>(
    fromMs,
    `SELECT timeMs, cell, latitude, longitude, radiusM, speedMps, motion FROM position
     WHERE subscriber = @subscriber AND timeMs >= @fromMs AND timeMs < @toMs ORDER BY timeMs LIMIT @limit`,
    { subscriber: Buffer.from(subscriber), fromMs, toMs, limit },
  )
  return rows.sort((a, b) => a.timeMs - b.timeMs).slice(0, limit)
}

export interface TracksQuery {
  readonly people: readonly Uint8Array[]
  readonly fromMs: number
  readonly toMs: number
  readonly limit: number
}

/** Positions of several SIMs, or of a number whose SIM is not known. */
export function tracks(history: SqliteHistory, { people, fromMs, toMs, limit }: TracksQuery) {
  type Row = TrackRow & { subscriber: Uint8Array }
  const rows = people.flatMap((person) =>
    history.all<Row>(
      fromMs,
      `SELECT iif(subscriber = zeroblob(16), number, subscriber) AS subscriber, timeMs, cell, latitude, longitude, radiusM, speedMps, motion FROM position
       WHERE (subscriber = @person OR (subscriber = zeroblob(16) AND number = @person)) AND timeMs >= @fromMs AND timeMs < @toMs ORDER BY timeMs DESC LIMIT @limit`,
      { person: Buffer.from(person), fromMs, toMs, limit },
    ),
  )
  return rows.sort((a, b) => a.timeMs - b.timeMs).slice(-limit)
}

export function tallies(history: SqliteHistory, { fromMs, toMs }: { fromMs: number; toMs: number }) {
  return history.all<AgentItem['counts'][number]>(
    fromMs,
    `SELECT agent, family, total(accepted) AS accepted, total(rejected) AS rejected, total(duplicate) AS duplicate, total(late) AS late, total(lost) AS lost
     FROM (SELECT *, row_number() OVER (PARTITION BY minuteMs, family, source, eventType, agent, epoch ORDER BY revision DESC) AS place FROM tally)
     WHERE place = 1 AND minuteMs >= @fromMs AND minuteMs < @toMs GROUP BY agent, family`,
    { fromMs, toMs },
  )
}

export function losses(history: SqliteHistory, { fromMs, toMs }: { fromMs: number; toMs: number }) {
  return history.all<LossItem>(
    fromMs,
    'SELECT agent, timeMs, lane, record, reason, rows, batches, fromMs, toMs FROM loss WHERE timeMs >= @fromMs AND timeMs < @toMs ORDER BY timeMs DESC LIMIT 1000',
    { fromMs, toMs },
  )
}

function mergeRows<R extends Record<string, unknown>>(
  rows: readonly R[],
  keyOf: (row: R) => string,
  sums: readonly string[],
  sketches: readonly string[],
): R[] {
  const merged = new Map<string, R>()
  for (const row of rows) {
    const before = merged.get(keyOf(row)) as Record<string, unknown> | undefined
    if (before === undefined) {
      merged.set(keyOf(row), row)
      continue
    }
    for (const name of sums) before[name] = (before[name] as number) + (row[name] as number)
    for (const name of sketches) {
      const sum = QuantileSketch.decode(before[name] as Uint8Array)
      sum.merge(QuantileSketch.decode(row[name] as Uint8Array))
      before[name] = Buffer.from(sum.encode())
    }
  }
  return [...merged.values()].sort((a, b) => (a.bucketMs as number) - (b.bucketMs as number))
}

/** Which agents' measurements came from which cells. */
export function agentCells(history: SqliteHistory, { fromMs }: { fromMs: number }) {
  return history.all<{ agent: string; cell: string }>(fromMs, 'SELECT DISTINCT agent, cell FROM "window" WHERE startMs >= @fromMs', {
    fromMs,
  })
}

export const historyQueries = { kpis, usage, track, tracks, replay, messages, at, tallies, losses, agentCells } as const
export type HistoryQueries = typeof historyQueries
