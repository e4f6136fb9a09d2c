/**
 * Totals and their parts: tallies summed in SQL, window and usage parts and positions handed out in pages that follow the key, so that a
 * question over any range holds the event loop for one page at a time. `*` of a page's columns stays: the readers merge, they do not judge.
 */
import { setImmediate } from 'node:timers/promises'
import {
  type CountGroup,
  type CountsRow,
  countGroups,
  type Loss,
  type PartQuery,
  type Position,
  type Progress,
  type Range,
  type UsagePart,
  type WindowPart,
} from '../ports.ts'
import { positionOf } from './sqlite-history-people.ts'
import type { HistoryFiles } from './sqlite-history-write.ts'
import type { SqlValue } from './sqlite-rows.ts'
import { recordColumns, tableSpecs } from './sqlite-tables.ts'

const pageRows = 1_000
const noOctets = new Uint8Array(0)
const groupColumns: Readonly<Record<CountGroup, string>> = {
  family: 'family',
  region: 'region',
  agent: 'agent',
  source: 'source',
  event_type: 'eventType',
}

export async function counts(
  { buckets }: HistoryFiles,
  tenant: string,
  range: Range,
  groupBy: readonly CountGroup[],
): Promise<CountsRow[]> {
  const groups = countGroups.filter((group) => groupBy.includes(group))
  const select = groups.map((group) => `"${groupColumns[group]}" AS "${group}", `).join('')
  const grouping = groups.length === 0 ? '' : `GROUP BY ${groups.map((group) => `"${groupColumns[group]}"`).join(', ')}`
  const totals = new Map<string, CountsRow>()
  for (const name of buckets.within(range.fromMs, range.toMs)) {
    const rows = buckets.file(name).all<CountsRow & { n: number }>(
      `SELECT ${select} TOTAL(accepted) AS accepted, TOTAL(rejected) AS rejected, TOTAL(duplicate) AS duplicate, TOTAL(late) AS late, TOTAL(lost) AS lost, COUNT(*) AS n
         FROM tally WHERE tenant = ? AND minuteMs >= ? AND minuteMs < ? ${grouping}`,
      tenant,
      range.fromMs,
      range.toMs,
    )
    for (const { n, ...row } of rows) {
      if (n === 0) continue
      const key = JSON.stringify(groups.map((group) => row[group]))
      const total = totals.get(key)
      if (total === undefined) totals.set(key, row)
      else for (const field of ['accepted', 'rejected', 'duplicate', 'late', 'lost'] as const) total[field] += row[field]
    }
    await setImmediate()
  }
  return [...totals.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
}

type PartRow = Record<string, number | string | Buffer | null>

async function* pages({ buckets }: HistoryFiles, kind: 'window' | 'usage', tenant: string, query: PartQuery): AsyncIterable<PartRow[]> {
  const { table, key } = tableSpecs[kind]
  const follow = key.slice(1)
  const filters: string[] = []
  const values: SqlValue[] = []
  for (const column of ['cell', 'region', 'application', 'protocol'] as const) {
    if (query[column] === undefined || (kind === 'window' && !['cell', 'region'].includes(column))) continue
    filters.push(`AND "${column}" = ?`)
    values.push(query[column])
  }
  for (const name of buckets.within(query.fromMs, query.toMs)) {
    let last: SqlValue[] | undefined
    for (;;) {
      const beyond = last === undefined ? '' : `AND (${follow.map((column) => `"${column}"`)}) > (${follow.map(() => '?')})`
      const rows = buckets
        .file(name)
        .all<PartRow>(
          `SELECT * FROM "${table}" WHERE tenant = ? AND startMs >= ? AND startMs < ? ${filters.join(' ')} ${beyond} ORDER BY ${follow.map((column) => `"${column}"`)} LIMIT ${pageRows}`,
          tenant,
          query.fromMs,
          query.toMs,
          ...values,
          ...(last ?? []),
        )
      if (rows.length > 0) yield rows
      await setImmediate()
      if (rows.length < pageRows) break
      last = follow.map((column) => rows.at(-1)![column]!)
    }
  }
}

function sumColumns(kind: 'window' | 'usage'): string[] {
  return recordColumns(kind)
    .filter(([name, type]) => type === 'f64' && name !== 'startMs')
    .map(([name]) => name)
}

function sumsOf(row: PartRow, names: readonly string[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const name of names) sums[name] = (row[name] as number | null) ?? 0
  return sums
}

export async function* windowParts(files: HistoryFiles, tenant: string, query: PartQuery): AsyncIterable<WindowPart[]> {
  const names = sumColumns('window')
  for await (const rows of pages(files, 'window', tenant, query)) {
    yield rows.map((row) => ({
      region: row.region as string,
      cell: row.cell as string,
      startMs: row.startMs as number,
      sums: sumsOf(row, names),
      rsrpMinDbm: row.rsrpMinDbm as number | null,
      rsrpMaxDbm: row.rsrpMaxDbm as number | null,
      latencyMaxMs: row.latencyMaxMs as number | null,
      rsrpSketch: (row.rsrpSketch as Buffer | null) ?? noOctets,
      latencySketch: (row.latencySketch as Buffer | null) ?? noOctets,
    }))
  }
}

export async function* usageParts(files: HistoryFiles, tenant: string, query: PartQuery): AsyncIterable<UsagePart[]> {
  const names = sumColumns('usage')
  for await (const rows of pages(files, 'usage', tenant, query)) {
    yield rows.map((row) => ({
      region: row.region as string,
      cell: row.cell as string,
      application: row.application as string,
      protocol: row.protocol as string,
      startMs: row.startMs as number,
      sums: sumsOf(row, names),
      rttSketch: (row.rttSketch as Buffer | null) ?? noOctets,
    }))
  }
}

export async function* positionsBetween(files: HistoryFiles, tenant: string, range: Range, region?: string): AsyncIterable<Position[]> {
  for (const name of files.buckets.within(range.fromMs, range.toMs)) {
    let last: SqlValue[] = [range.fromMs, Buffer.alloc(0), Buffer.alloc(0)]
    for (;;) {
      const rows = files.buckets
        .file(name)
        .all<PartRow>(
          `SELECT * FROM position WHERE tenant = ? AND timeMs < ? AND (timeMs, who, key) > (?, ?, ?) ORDER BY timeMs, who, key LIMIT ${pageRows}`,
          tenant,
          range.toMs,
          ...last,
        )
      const found = rows.map(positionOf).filter((position) => region === undefined || position.region === region)
      if (found.length > 0) yield found
      await setImmediate()
      if (rows.length < pageRows) break
      last = ['timeMs', 'who', 'key'].map((column) => rows.at(-1)![column]!)
    }
  }
}

export function progress({ main }: HistoryFiles, tenant: string): Progress[] {
  const rows = main.all<PartRow>('SELECT * FROM progress WHERE tenant = ? ORDER BY region, agent, epoch', tenant)
  return rows.map((row) => ({
    region: row.region as string,
    agent: row.agent as string,
    epoch: row.epoch as string,
    timeMs: (row.timeMs as number | null) ?? 0,
    enrolled: row.enrolled === 1,
    lastSeenMs: row.lastSeenMs as number | null,
    completeThroughMs: row.completeThroughMs as number | null,
    received: (row.received as number | null) ?? 0,
    missing: (row.missing as number | null) ?? 0,
    gaps: row.gaps as string,
  }))
}

/** Losses whose event time touches the range; one that does not say its times counts at the time it happened. */
export function losses({ main }: HistoryFiles, tenant: string, range: Range): Loss[] {
  const rows = main.all<PartRow>(
    'SELECT * FROM loss WHERE tenant = ? AND COALESCE(fromMs, timeMs) < ? AND COALESCE(toMs, timeMs) >= ? ORDER BY region, agent, timeMs LIMIT 10000',
    tenant,
    range.toMs,
    range.fromMs,
  )
  return rows.map((row) => ({
    region: row.region as string,
    agent: row.agent as string,
    timeMs: (row.timeMs as number | null) ?? 0,
    lane: row.lane as string,
    record: row.record as string,
    reason: row.reason as string,
    rows: (row.rows as number | null) ?? 0,
    fromMs: row.fromMs as number | null,
    toMs: row.toMs as number | null,
  }))
}
