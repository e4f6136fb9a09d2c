/** `/v1/cells/kpis`, `/v1/applications/usage` and `/v1/population`: what happened where, merged from window parts; never about one person. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { canonicalCell } from '#shared/cell-id.ts'
import { needScope } from './api-access.ts'
import { completenessOf } from './api-completeness.ts'
import type { ApiDeps, ApiEnv } from './api-deps.ts'
import { ApiProblem } from './api-problems.ts'
import {
  cursor,
  decodeCursor,
  encodeCursor,
  faults,
  groupBy,
  groupsOf,
  json,
  limit,
  listOf,
  rangeAnswer,
  rangeOf,
  rangeQuery,
  rangeText,
  time,
  widen,
} from './api-schemas.ts'
import { countPopulation } from './count-population.ts'
import { type Grid, type KpiGroup, kpiGroups, mergeUsage, mergeWindows, type UsageGroup, usageGroups } from './merge-windows.ts'

const windowMs = 10_000
const dayMs = 24 * 3600_000
const defaultPopulationMs = 3600_000
const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3600_000, d: dayMs }

const bucket = z
  .string()
  .refine((text) => {
    const ms = bucketMsOf(text)
    return ms !== undefined && ms >= windowMs && ms <= dayMs && ms % windowMs === 0
  }, 'expected a multiple of 10 s from 10s to 1d, such as 10s, 1m, 15m, 1h, 1d')
  .optional()
  .openapi({ description: 'length of a bucket, 10s to 1d; without it the whole range is one', example: '1m' })
const cell = z
  .string()
  .refine((text) => canonicalCell(text) !== undefined, 'expected a cell as MCC-MNC-identity, such as 272-01-75893002')
  .optional()
const region = z.string().max(64).optional()
/** A page ends with a bucket, so it may hold some rows more than `limit`. */
const paging = { limit: limit(100_000, 10_000), cursor }
const named = z.string().max(64).optional()
const count = z.number().int()
const measure = z.number().nullable()

const kpiRow = z
  .object({
    bucket: time,
    cell: z.string().optional(),
    region: z.string().optional(),
    events: count,
    attaches: count,
    detaches: count,
    handovers: count,
    cell_changes: count,
    measurements: count,
    calls_started: count,
    calls_ended: count,
    sessions_started: count,
    sessions_ended: count,
    pagings: count,
    drops: count,
    bytes_up: count,
    bytes_down: count,
    rsrp_count: count,
    rsrp_dbm_mean: measure,
    rsrp_dbm_min: measure,
    rsrp_dbm_p05: measure,
    rsrp_dbm_p50: measure,
    rsrp_dbm_p95: measure,
    rsrp_dbm_max: measure,
    rsrq_db_mean: measure,
    sinr_db_mean: measure,
    latency_count: count,
    latency_ms_mean: measure,
    latency_ms_p50: measure,
    latency_ms_p95: measure,
    latency_ms_p99: measure,
    latency_ms_max: measure,
    loss_ratio: measure,
  })
  .openapi('CellKpis')

const kpisRoute = createRoute({
  method: 'get',
  path: '/v1/cells/kpis',
  summary: 'Events, radio quality and traffic of cells over time',
  description:
    'Merged from windows of 10 s by event time; quantiles are within 0.4 % of the exact ones. `range` is widened to whole windows.',
  middleware: [needScope('cells:read')] as const,
  request: { query: z.object({ ...rangeQuery, bucket, cell, region, groupBy: groupBy(kpiGroups, ['cell']), ...paging }) },
  responses: { 200: json(listOf(kpiRow, 'CellKpisList').extend({ range: rangeAnswer }), 'rows by bucket, then group'), ...faults },
})

const usageRow = z
  .object({
    bucket: time,
    application: z.string().optional(),
    protocol: z.string().optional(),
    cell: z.string().optional(),
    region: z.string().optional(),
    flows: count,
    packets_up: count,
    packets_down: count,
    bytes_up: count,
    bytes_down: count,
    rtt_ms_p50: measure,
    rtt_ms_p95: measure,
    loss_ratio: measure,
  })
  .openapi('ApplicationUsage')

const usageRoute = createRoute({
  method: 'get',
  path: '/v1/applications/usage',
  summary: 'Flows, packets and octets by application and protocol',
  description: 'Exact sums of what exporters reported. `range` is widened to whole windows of 10 s.',
  middleware: [needScope('usage:read')] as const,
  request: {
    query: z.object({
      ...rangeQuery,
      bucket,
      cell,
      region,
      application: named,
      protocol: named,
      groupBy: groupBy(usageGroups, ['application']),
      ...paging,
    }),
  },
  responses: {
    200: json(listOf(usageRow, 'ApplicationUsageList').extend({ range: rangeAnswer }), 'rows by bucket, then group'),
    ...faults,
  },
})

const tile = z
  .object({ latitude: z.number(), longitude: z.number(), tileM: z.int(), count })
  .openapi('PopulationTile', { description: 'the tile’s middle, its side, and how many different people were in it' })

const populationRoute = createRoute({
  method: 'get',
  path: '/v1/population',
  summary: 'People per tile',
  description:
    'Different subscribers per tile during the range (without `from`: the hour before `to`). A tile with fewer than 20 tells nothing.',
  middleware: [needScope('population:read')] as const,
  request: {
    query: z.object({
      ...rangeQuery,
      region,
      tileM: z.coerce
        .number()
        .int()
        .min(100)
        .max(100_000)
        .default(1_000)
        .openapi({ type: 'integer', description: 'side of a tile in metres' }),
    }),
  },
  responses: {
    200: json(
      listOf(tile, 'Population').extend({
        range: rangeAnswer,
        suppressedTiles: z.int().openapi({ description: 'tiles with too few people' }),
      }),
      'tiles, fullest first',
    ),
    ...faults,
  },
})

export function cellRoutes(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  const { history, clock, config } = deps

  app.openapi(kpisRoute, async (c) => {
    const query = c.req.valid('query')
    const { tenant } = c.get('key')
    const grid = gridOf(query)
    const asked = { ...grid.range, ...pageStart(query.cursor), cell: query.cell && canonicalCell(query.cell), region: query.region }
    const { items, nextMs } = await mergeWindows(history.windowParts(tenant, asked), grid, groupsOf<KpiGroup>(query.groupBy))
    const next = nextMs === undefined ? null : encodeCursor(nextMs, '')
    return c.json({ items, next, completeness: await completenessOf(deps, tenant, grid.range), range: rangeText(grid.range) }, 200)
  })

  app.openapi(usageRoute, async (c) => {
    const query = c.req.valid('query')
    const { tenant } = c.get('key')
    const grid = gridOf(query)
    const { region, application, protocol } = query
    const asked = {
      ...grid.range,
      ...pageStart(query.cursor),
      cell: query.cell && canonicalCell(query.cell),
      region,
      application,
      protocol,
    }
    const { items, nextMs } = await mergeUsage(history.usageParts(tenant, asked), grid, groupsOf<UsageGroup>(query.groupBy))
    const next = nextMs === undefined ? null : encodeCursor(nextMs, '')
    return c.json({ items, next, completeness: await completenessOf(deps, tenant, grid.range), range: rangeText(grid.range) }, 200)
  })

  app.openapi(populationRoute, async (c) => {
    const query = c.req.valid('query')
    const { tenant } = c.get('key')
    const toMs = query.to === undefined ? clock.nowMs() : Date.parse(query.to)
    const range = { fromMs: query.from === undefined ? toMs - defaultPopulationMs : Date.parse(query.from), toMs }
    const { tiles, suppressedTiles } = await countPopulation(
      history.positionsBetween(tenant, range, query.region),
      query.tileM,
      config.api.minPerTile,
    )
    const items = tiles.map((one) => ({ ...one, tileM: query.tileM }))
    const completeness = await completenessOf(deps, tenant, range)
    return c.json({ items, next: null, completeness, range: rangeText(range), suppressedTiles }, 200)
  })
}

function bucketMsOf(text: string): number | undefined {
  const match = /^(\d{1,5})([smhd])$/.exec(text)
  return match === null ? undefined : Number(match[1]) * units[match[2]!]!
}

function gridOf(query: { from?: string | undefined; to?: string | undefined; bucket?: string | undefined; limit: number }): Grid {
  const bucketMs = query.bucket === undefined ? undefined : bucketMsOf(query.bucket)
  return { range: widen(rangeOf(query), windowMs), bucketMs, limit: query.limit }
}

function pageStart(text: string | undefined): { fromMs?: number } {
  if (text === undefined) return {}
  const found = decodeCursor(text)
  if (found === undefined) throw new ApiProblem('invalid-argument', 'cursor: it is none that an answer gave as `next`')
  return { fromMs: found.timeMs }
}
