/** Cells, sites and what was measured at them: `/api/cells`, `/api/sites`, `/api/unknown-cells`, `/api/kpis`, `/api/applications`. */
import { createHash } from 'node:crypto'
import { Hono } from 'hono'
import { z } from 'zod'
import type { ApiEnv } from './api-access.ts'
import { type ApiDeps, bucket, cell, limit, range, rangeOf } from './api-deps.ts'
import { exported, formatOf } from './api-export.ts'
import { readQuery } from './api-problems.ts'
import type { CellInventory } from './cell-inventory.ts'
import { tableOf } from './cell-table.ts'
import { encodeCells } from './console-wire.ts'

const cellsQuery = z.strictObject({
  /** west,south,east,north in degrees. */
  box: z
    .string()
    .regex(/^-?\d+(\.\d+)?(,-?\d+(\.\d+)?){3}$/)
    .optional(),
  limit: limit(200_000, 50_000),
  after: z.coerce.number().int().min(0).default(0),
  format: formatOf,
})
const kpiQuery = z.strictObject({
  ...range,
  bucket,
  cell: cell.optional(),
  groupBy: z.enum(['cell', 'region']).default('region'),
  limit: limit(100_000, 10_000),
  format: formatOf,
})
const usageQuery = z.strictObject({
  ...range,
  bucket,
  cell: cell.optional(),
  application: z.string().max(64).optional(),
  protocol: z.string().max(64).optional(),
  groupBy: z.enum(['application', 'cell', 'application,cell', 'none']).default('application'),
  limit: limit(100_000, 10_000),
})

export function cellRoutes({ cells, feed, history, clock }: ApiDeps): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>()
  let table: { readonly changes: number; readonly octets: Uint8Array<ArrayBuffer>; readonly tag: string } | undefined
  app.get('/cells.bin', (c) => {
    const inventory = cells()
    if (table === undefined || table.changes !== inventory?.changes) {
      const octets = new Uint8Array(encodeCells(tableOf(inventory)))
      table = { changes: inventory?.changes ?? 0, octets, tag: `"${createHash('sha256').update(octets).digest('hex').slice(0, 16)}"` }
    }
    const headers = { etag: table.tag, 'cache-control': 'no-cache' }
    if (c.req.header('if-none-match') === table.tag) return c.body(null, 304, headers)
    return c.body(table.octets, 200, { ...headers, 'content-type': 'application/octet-stream' })
  })
  app.get('/cells', (c) => {
    const { box, limit, after, format } = readQuery(c, cellsQuery)
    const inventory = cells()
    if (inventory === undefined) return format === 'json' ? c.json({ items: [], next: null }) : exported(c, format, 'cells', [])
    const [west, south, east, north] = box?.split(',').map(Number) ?? [-180, -90, 180, 90]
    const live = feed.state.cells
    const items = []
    let at = after + 1
    for (; at <= inventory.size && items.length < limit; at++) {
      const latitude = inventory.latitude[at]!
      const longitude = inventory.longitude[at]!
      if (!(latitude >= south! && latitude <= north! && longitude >= west! && longitude <= east!)) continue
      items.push({ ...cellOf(inventory, at), latest: live[inventory.names[at]!] ?? null })
    }
    if (format !== 'json') return exported(c, format, 'cells', items)
    return c.json({ items, next: at <= inventory.size ? at - 1 : null })
  })
  app.get('/sites', (c) => {
    const inventory = cells()
    const sites = new Map<number, { site: string; latitude: number; longitude: number; cells: string[] }>()
    for (let at = 1; inventory !== undefined && at <= inventory.size; at++) {
      if (!inventory.isLocated(at)) continue
      const site = inventory.site[at]!
      const known = sites.get(site)
      if (known !== undefined) known.cells.push(inventory.names[at]!)
      else
        sites.set(site, {
          site: inventory.names[site]!,
          latitude: inventory.latitude[at]!,
          longitude: inventory.longitude[at]!,
          cells: [inventory.names[at]!],
        })
    }
    return c.json({ items: [...sites.values()] })
  })
  app.get('/unknown-cells', (c) =>
    c.json({ items: (cells()?.unknown() ?? []).map((name) => ({ cell: name, latest: feed.state.cells[name] ?? null })) }),
  )
  app.get('/kpis', async (c) => {
    const { cell, bucket, groupBy, limit, format, ...asked } = readQuery(c, kpiQuery)
    const rows = await history.ask('kpis', {
      ...rangeOf(asked, clock.nowMs()),
      bucketMs: bucket,
      cell,
      perCell: groupBy === 'cell' || cell !== undefined,
    })
    if (format !== 'json') return exported(c, format, 'kpis', rows.slice(0, limit))
    return c.json({ items: rows.slice(0, limit), truncated: rows.length > limit })
  })
  app.get('/applications', async (c) => {
    const { cell, bucket, groupBy, limit, application, protocol, ...asked } = readQuery(c, usageQuery)
    const rows = await history.ask('usage', {
      ...rangeOf(asked, clock.nowMs()),
      bucketMs: bucket,
      cell,
      application,
      protocol,
      perCell: groupBy.includes('cell'),
      perApplication: groupBy.includes('application'),
    })
    return c.json({ items: rows.slice(0, limit), truncated: rows.length > limit })
  })
  return app
}

function cellOf(inventory: CellInventory, at: number) {
  return {
    cell: inventory.names[at]!,
    radio: inventory.radios[at]!,
    latitude: inventory.latitude[at]!,
    longitude: inventory.longitude[at]!,
    reachM: inventory.reachM[at]!,
    site: inventory.names[inventory.site[at]!]!,
  }
}
