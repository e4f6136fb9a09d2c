/** `GET /v1/completeness`: how much of a range has arrived, per region and agent, who is silent, and what was lost with its reason. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { needScope } from './api-access.ts'
import type { ApiDeps, ApiEnv } from './api-deps.ts'
import { completeness, faults, json, rangeAnswer, rangeOf, rangeQuery, rangeText, time } from './api-schemas.ts'
import { type AgentCompleteness, assessCompleteness, summariseCompleteness, timeOrNull } from './assess-completeness.ts'
import type { Loss, Range } from './ports.ts'

const defaultRangeMs = 10 * 60_000

const gap = z.object({
  lane: z.string(),
  fromSeq: z.number().nullable(),
  toSeq: z.number().nullable(),
  from: time.nullable(),
  to: time.nullable(),
})
const loss = z.object({
  time,
  lane: z.string(),
  record: z.string(),
  reason: z.string(),
  rows: z.number(),
  from: time.nullable(),
  to: time.nullable(),
})
const row = z
  .object({
    region: z.string(),
    agent: z.string().optional().openapi({ description: 'absent in a region’s own row' }),
    completeness: z.number().min(0).max(1),
    watermark: time.nullable().openapi({ description: 'everything of an earlier event time has arrived' }),
    lastSeen: time.nullable().optional(),
    silent: z.union([z.boolean(), z.array(z.string())]).openapi({ description: 'of an agent: is it; of a region: which agents are' }),
    received: z.number(),
    missing: z.number().optional(),
    gaps: z.array(gap),
    losses: z.array(loss),
  })
  .openapi('CompletenessRow')

const route = createRoute({
  method: 'get',
  path: '/v1/completeness',
  summary: 'How complete a range of event time is',
  description:
    'An agent counts 1 when everything up to `to` (at most 15 s before now) has arrived from it and no gap or loss touches the range. Without a range: the last 10 minutes.',
  middleware: [needScope('completeness:read')] as const,
  request: { query: z.object(rangeQuery) },
  responses: {
    200: json(
      z.object({ items: z.array(row), next: z.null(), completeness, range: rangeAnswer }).openapi('CompletenessList'),
      'rows per region, each followed by its agents',
    ),
    ...faults,
  },
})

export function completenessRoutes(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  app.openapi(route, async (c) => {
    const query = c.req.valid('query')
    const { tenant } = c.get('key')
    const nowMs = deps.clock.nowMs()
    const toMs = query.to === undefined ? nowMs : Date.parse(query.to)
    const range = { ...rangeOf(query), toMs, ...(query.from === undefined && { fromMs: toMs - defaultRangeMs }) }
    const regions = await assess(deps, tenant, range)
    const items = regions.flatMap(({ region, completeness, watermarkMs, received, agents, silent }) => [
      {
        region,
        completeness,
        watermark: timeOrNull(watermarkMs),
        silent: [...silent],
        received,
        gaps: agents.flatMap((agent) => agent.gaps.map(gapText)),
        losses: agents.flatMap((agent) => agent.losses.map(lossText)),
      },
      ...agents.map(agentRow),
    ])
    return c.json({ items, next: null, completeness: summariseCompleteness(regions), range: rangeText(range) }, 200)
  })
}

/** What every list answer says of its range. */
export async function completenessOf(deps: ApiDeps, tenant: string, range: Range) {
  return summariseCompleteness(await assess(deps, tenant, range))
}

async function assess({ history, clock }: ApiDeps, tenant: string, range: Range) {
  return assessCompleteness(await history.progress(tenant), await history.losses(tenant, range), range, clock.nowMs())
}

function agentRow({ region, agent, completeness, watermarkMs, lastSeenMs, received, missing, silent, gaps, losses }: AgentCompleteness) {
  return {
    region,
    agent,
    completeness,
    watermark: timeOrNull(watermarkMs),
    lastSeen: timeOrNull(lastSeenMs),
    silent,
    received,
    missing,
    gaps: gaps.map(gapText),
    losses: losses.map(lossText),
  }
}

function gapText({ lane, fromSeq, toSeq, fromMs, toMs }: AgentCompleteness['gaps'][number]) {
  return { lane, fromSeq, toSeq, from: timeOrNull(fromMs), to: timeOrNull(toMs) }
}

function lossText({ timeMs, lane, record, reason, rows, fromMs, toMs }: Loss) {
  return { time: new Date(timeMs).toISOString(), lane, record, reason, rows, from: timeOrNull(fromMs), to: timeOrNull(toMs) }
}
