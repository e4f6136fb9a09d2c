/**
 * What history knows of one person: sightings, positions, bindings and movements, and the latest of everybody for hot state.
 * Every statement follows an index that begins with the tenant and the person; a page is at most `limit` rows.
 */
import { setImmediate } from 'node:timers/promises'
import type { Binding, Position, Range, Sighting, SimMovement } from '../ports.ts'
import type { HistoryFiles } from './sqlite-history-write.ts'
import { idHex, idOctets, type SqlValue } from './sqlite-rows.ts'

type Row = Record<string, number | string | Buffer | null>
const text = (value: Row[string] | undefined) => (typeof value === 'string' ? value : '')
const number = (value: Row[string] | undefined) => (typeof value === 'number' ? value : null)
const id = (value: Row[string] | undefined) => idHex(Buffer.isBuffer(value) ? value : null)

export function sightings(
  { buckets }: HistoryFiles,
  tenant: string,
  who: string,
  range: Range,
  limit: number,
  after?: { timeMs: number; key: string },
): Sighting[] {
  const found: Row[] = []
  const fromMs = Math.max(range.fromMs, after?.timeMs ?? range.fromMs)
  for (const name of buckets.within(fromMs, range.toMs)) {
    const left = limit - found.length
    if (left <= 0) break
    found.push(
      ...buckets
        .file(name)
        .all<Row>(
          `SELECT * FROM sighting WHERE tenant = ? AND who = ? AND timeMs >= ? AND timeMs < ? AND (timeMs, key) > (?, ?) ORDER BY timeMs, key LIMIT ?`,
          tenant,
          idOctets(who),
          fromMs,
          range.toMs,
          after?.timeMs ?? -1,
          after === undefined ? Buffer.alloc(0) : Buffer.from(after.key, 'hex'),
          left,
        ),
    )
  }
  return found.map(sightingOf)
}

export function positions({ buckets }: HistoryFiles, tenant: string, who: string, range: Range, limit: number): Position[] {
  const found: Row[] = []
  for (const name of buckets.within(range.fromMs, range.toMs)) {
    const left = limit - found.length
    if (left <= 0) break
    found.push(
      ...buckets
        .file(name)
        .all<Row>(
          'SELECT * FROM position WHERE tenant = ? AND who = ? AND timeMs >= ? AND timeMs < ? ORDER BY timeMs, key LIMIT ?',
          tenant,
          idOctets(who),
          range.fromMs,
          range.toMs,
          left,
        ),
    )
  }
  return found.map(positionOf)
}

export function lastRow(
  { buckets }: HistoryFiles,
  table: 'sighting' | 'position',
  tenant: string,
  who: string,
  atMs: number,
): Row | undefined {
  for (const name of buckets.within(Number.NEGATIVE_INFINITY, atMs + 1).reverse()) {
    const row = buckets
      .file(name)
      .one<Row>(
        `SELECT * FROM ${table} WHERE tenant = ? AND who = ? AND timeMs <= ? ORDER BY timeMs DESC, key DESC LIMIT 1`,
        tenant,
        idOctets(who),
        atMs,
      )
    if (row !== undefined) return row
  }
  return undefined
}

export function bindings({ main }: HistoryFiles, tenant: string, kind: number, side: 'from' | 'to', who: string): Binding[] {
  const rows = main.all<Row>(
    `SELECT * FROM binding WHERE tenant = ? AND kind = ? AND "${side}" = ? AND retracted IS NOT 1 ORDER BY firstMs, region LIMIT 1000`,
    tenant,
    kind,
    idOctets(who),
  )
  return rows.map((row) => ({
    region: text(row.region),
    from: id(row.from),
    to: id(row.to),
    firstMs: number(row.firstMs) ?? 0,
    lastMs: number(row.lastMs) ?? number(row.firstMs) ?? 0,
  }))
}

/** Two hubs may report one movement (same id): it is shown while one of them holds to it, in the words of the higher revision. */
export function movements(
  { main }: HistoryFiles,
  tenant: string,
  ofNumber: string,
  subscribers: readonly string[],
  range: Range,
  limit: number,
): SimMovement[] {
  const best = new Map<string, Row>()
  const ask = (column: string, who: string) => {
    const rows = main.all<Row>(
      `SELECT * FROM sim_movement WHERE tenant = ? AND "${column}" = ? AND timeMs >= ? AND timeMs < ? AND retracted IS NOT 1 ORDER BY timeMs LIMIT ?`,
      tenant,
      idOctets(who),
      range.fromMs,
      range.toMs,
      limit,
    )
    for (const row of rows) {
      const key = id(row.id)
      const other = best.get(key)
      if (other === undefined || (number(row.revision) ?? 0) > (number(other.revision) ?? 0)) best.set(key, row)
    }
  }
  if (ofNumber !== '') ask('number', ofNumber)
  for (const subscriber of subscribers) ask('subscriber', subscriber)
  return [...best.values()].map(movementOf).sort((a, b) => a.timeMs - b.timeMs || (a.id < b.id ? -1 : 1))
}

/** Walks the index of people, two look-ups each, and lets go of the event loop every few hundred. */
export async function* latest(
  { buckets }: HistoryFiles,
  sinceMs: number,
): AsyncIterable<{ tenant: string; sighting?: Sighting; position?: Position }[]> {
  for (const table of ['sighting', 'position'] as const) {
    for (const name of buckets.within(sinceMs, Number.POSITIVE_INFINITY).reverse()) {
      let last: SqlValue[] = ['', Buffer.alloc(0)]
      for (;;) {
        const step: { tenant: string; sighting?: Sighting; position?: Position }[] = []
        for (let at = 0; at < 500; at++) {
          const file = buckets.file(name)
          const next = file.one<{ tenant: string; who: Buffer }>(
            `SELECT tenant, who FROM ${table} WHERE (tenant, who) > (?, ?) ORDER BY tenant, who LIMIT 1`,
            ...last,
          )
          if (next === undefined) break
          last = [next.tenant, next.who]
          const row = file.one<Row>(
            `SELECT * FROM ${table} WHERE tenant = ? AND who = ? AND timeMs >= ? ORDER BY timeMs DESC, key DESC LIMIT 1`,
            ...last,
            sinceMs,
          )
          if (row === undefined) continue
          step.push({ tenant: next.tenant, ...(table === 'sighting' ? { sighting: sightingOf(row) } : { position: positionOf(row) }) })
        }
        if (step.length === 0) break
        yield step
        await setImmediate()
      }
    }
  }
}

export function sightingOf(row: Row): Sighting {
  return {
    key: id(row.key),
    timeMs: number(row.timeMs) ?? 0,
    region: text(row.region),
    who: id(row.who),
    number: id(row.number),
    device: id(row.device),
    cell: text(row.cell),
    latitude: number(row.latitude),
    longitude: number(row.longitude),
    accuracyM: number(row.accuracyM),
  }
}

export function positionOf(row: Row): Position {
  return {
    key: id(row.key),
    timeMs: number(row.timeMs) ?? 0,
    region: text(row.region),
    who: id(row.who),
    device: id(row.device),
    cell: text(row.cell),
    latitude: number(row.latitude) ?? 0,
    longitude: number(row.longitude) ?? 0,
    radiusM: number(row.radiusM) ?? 0,
    speedMps: number(row.speedMps),
    motion: number(row.motion) ?? 0,
  }
}

function movementOf(row: Row): SimMovement {
  return {
    id: id(row.id),
    type: text(row.type),
    timeMs: number(row.timeMs) ?? 0,
    detectedMs: number(row.detectedMs) ?? 0,
    confirmed: row.confirmed === 1,
    region: text(row.region),
    subscriber: id(row.subscriber),
    number: id(row.number),
    before: id(row.before),
    after: id(row.after),
    beforeModel: number(row.beforeModel),
    afterModel: number(row.afterModel),
    regionBefore: text(row.regionBefore),
    regionAfter: text(row.regionAfter),
    cell: text(row.cell),
  }
}
