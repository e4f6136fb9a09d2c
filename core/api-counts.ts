/** `GET /v1/events/counts`: what agents accepted, rejected and recognised as repeats, by arrival minute; exact, summed over epochs. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
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
  widen,
} from './api-schemas.ts'
import { type CountGroup, countGroups } from './ports.ts'

const minuteMs = 60_000

const row = z
  .object({
    family: z.string().optional(),
    region: z.string().optional(),
    agent: z.string().optional(),
    source: z.string().optional(),
    event_type: z.string().optional(),
    accepted: z.int(),
    rejected: z.int(),
    duplicate: z.int(),
    late: z.int().openapi({ description: 'of the accepted ones, those that came after their window had closed' }),
    lost: z.int().openapi({ description: 'what agents had to give up; reasons in /v1/completeness' }),
  })
  .openapi('EventCounts')

const route = createRoute({
  method: 'get',
  path: '/v1/events/counts',
  summary: 'Events by arrival minute at the agent',
  description: 'accepted + rejected + duplicate is what was published. `from` is rounded down and `to` up to the minute; `range` says so.',
  middleware: [needScope('events:read')] as const,
  request: { query: z.object({ ...rangeQuery, groupBy: groupBy(countGroups, ['family']), limit: limit(100_000, 10_000), cursor }) },
  responses: { 200: json(listOf(row, 'EventCountsList').extend({ range: rangeAnswer }), 'the counts'), ...faults },
})

export function countRoutes(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  app.openapi(route, async (c) => {
    const query = c.req.valid('query')
    const { tenant } = c.get('key')
    const range = widen(rangeOf(query), minuteMs)
    const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor)
    if (query.cursor !== undefined && after === undefined)
      throw new ApiProblem('invalid-argument', 'cursor: it is none that an answer gave as `next`')
    const rows = await deps.history.counts(tenant, range, groupsOf<CountGroup>(query.groupBy))
    const from = after?.timeMs ?? 0 // rows have no time: the cursor counts them, in the order of their groups
    const items = rows.slice(from, from + query.limit)
    const next = rows.length > from + query.limit ? encodeCursor(from + query.limit, '') : null
    return c.json({ items, next, completeness: await completenessOf(deps, tenant, range), range: rangeText(range) }, 200)
  })
}
