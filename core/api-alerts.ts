/** `/v1/alerts`: what hubs found, newest first, and what people did with it; every change leaves a line in the alert's history. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Triage } from '#shared/control.ts'
import { needScope } from './api-access.ts'
import { completenessOf } from './api-completeness.ts'
import type { ApiDeps, ApiEnv } from './api-deps.ts'
import { pseudonymText } from './api-people.ts'
import { ApiProblem } from './api-problems.ts'
import {
  body,
  cursor,
  decodeCursor,
  encodeCursor,
  faults,
  json,
  limit,
  listOf,
  notFound,
  rangeOf,
  rangeQuery,
  time,
} from './api-schemas.ts'
import type { Alert } from './ports.ts'

const status = z.enum(['active', 'acknowledged', 'snoozed', 'closed'])
const id = z.string().regex(/^[0-9a-f]{32}$/)
const alert = z
  .object({
    id,
    rev: z.number(),
    type: z.string().openapi({ example: 'device-swap' }),
    severity: z.string().openapi({ description: 'X.733: critical, major, minor, warning, indeterminate, cleared', example: 'major' }),
    status,
    time,
    detectedAt: time,
    region: z.string(),
    subscriber: z.string().optional().openapi({ description: 'pseudonym' }),
    device: z.string().optional().openapi({ description: 'pseudonym' }),
    cell: z.string().optional(),
    evidence: z.unknown().openapi({ description: 'what it rests on, by type of alert' }),
  })
  .openapi('Alert')

const listRoute = createRoute({
  method: 'get',
  path: '/v1/alerts',
  summary: 'Alerts, newest first',
  middleware: [needScope('alerts:read')] as const,
  request: {
    query: z.object({
      ...rangeQuery,
      type: z.string().max(64).optional(),
      region: z.string().max(64).optional(),
      status: status.optional(),
      limit: limit(1_000, 100),
      cursor,
    }),
  },
  responses: { 200: json(listOf(alert, 'Alerts'), 'alerts by event time'), ...faults },
})

const oneRoute = createRoute({
  method: 'get',
  path: '/v1/alerts/{id}',
  summary: 'One alert',
  middleware: [needScope('alerts:read')] as const,
  request: { params: z.object({ id }) },
  responses: { 200: json(alert, 'the alert'), ...faults, ...notFound },
})

const change = z
  .object({
    status,
    by: z.string().min(1).max(128),
    reason: z.string().min(1).max(1_000),
    ticket: z.string().max(128).optional(),
    until: time.optional().openapi({ description: 'with status snoozed: when it comes back' }),
  })
  .openapi('AlertChange')

const patchRoute = createRoute({
  method: 'patch',
  path: '/v1/alerts/{id}',
  summary: 'Acknowledge, snooze, close or reopen an alert',
  middleware: [needScope('alerts:write')] as const,
  request: { params: z.object({ id }), ...body(change) },
  responses: { 200: json(alert, 'the alert as it stands now'), ...faults, ...notFound },
})

const line = z
  .object({
    at: time,
    what: z.string().openapi({ description: 'raised, changed, retracted, or the status a person gave it' }),
    by: z.string(),
    reason: z.string(),
    region: z.string().optional(),
    rev: z.number(),
    ticket: z.string().optional(),
    until: time.optional(),
  })
  .openapi('AlertLine')

const historyRoute = createRoute({
  method: 'get',
  path: '/v1/alerts/{id}/history',
  summary: 'What happened to an alert',
  middleware: [needScope('alerts:read')] as const,
  request: { params: z.object({ id }) },
  responses: {
    200: json(z.object({ items: z.array(line), next: z.null() }).openapi('AlertHistory'), 'oldest first'),
    ...faults,
    ...notFound,
  },
})

export function alertRoutes(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  const { history, clock, desk } = deps

  app.openapi(listRoute, async (c) => {
    const query = c.req.valid('query')
    const { tenant } = c.get('key')
    const range = rangeOf(query)
    const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor)
    if (query.cursor !== undefined && after === undefined)
      throw new ApiProblem('invalid-argument', 'cursor: it is none that an answer gave as `next`')
    const { type, region, status } = query
    const found = await history.alerts(tenant, { ...range, type, region, status, after, nowMs: clock.nowMs(), limit: query.limit + 1 })
    const page = found.slice(0, query.limit)
    const next = found.length > page.length ? encodeCursor(page.at(-1)!.timeMs, page.at(-1)!.id) : null
    return c.json({ items: page.map((one) => alertText(deps, one)), next, completeness: await completenessOf(deps, tenant, range) }, 200)
  })

  app.openapi(oneRoute, async (c) => {
    const found = await history.alert(c.get('key').tenant, c.req.valid('param').id, clock.nowMs())
    if (found === undefined) throw new ApiProblem('not-found', 'there is no alert of that id')
    return c.json(alertText(deps, found), 200)
  })

  app.openapi(patchRoute, async (c) => {
    const { id } = c.req.valid('param')
    const { status, by, reason, ticket, until } = c.req.valid('json')
    const { tenant } = c.get('key')
    const nowMs = clock.nowMs()
    if ((await history.alert(tenant, id, nowMs)) === undefined) throw new ApiProblem('not-found', 'there is no alert of that id')
    const last = await history.triage(tenant, id)
    const triage: Triage = {
      alertId: id,
      revision: (last?.revision ?? 0) + 1,
      status,
      by,
      reason,
      atMs: nowMs,
      ...(ticket !== undefined && { ticket }),
      ...(until !== undefined && { untilMs: Date.parse(until) }),
    }
    await history.saveTriage(tenant, triage)
    desk.tellTriage(tenant, triage)
    return c.json(alertText(deps, (await history.alert(tenant, id, nowMs))!), 200)
  })

  app.openapi(historyRoute, async (c) => {
    const lines = await history.alertHistory(c.get('key').tenant, c.req.valid('param').id)
    if (lines.length === 0) throw new ApiProblem('not-found', 'there is no alert of that id')
    const known = (value: string) => (value === '' ? undefined : value)
    const items = lines.map(({ atMs, what, by, reason, region, revision, ticket, untilMs }) => ({
      at: new Date(atMs).toISOString(),
      what,
      by,
      reason,
      region: known(region),
      rev: revision,
      ticket: known(ticket),
      until: untilMs === null ? undefined : new Date(untilMs).toISOString(),
    }))
    return c.json({ items, next: null }, 200)
  })
}

function alertText(deps: ApiDeps, one: Alert) {
  return {
    id: one.id,
    rev: one.revision,
    type: one.type,
    severity: one.severity,
    status: one.status,
    time: new Date(one.timeMs).toISOString(),
    detectedAt: new Date(one.detectedMs).toISOString(),
    region: one.region,
    subscriber: pseudonymText(deps, one.subscriber),
    device: pseudonymText(deps, one.device),
    cell: one.cell === '' ? undefined : one.cell,
    evidence: parsed(one.evidence),
  }
}

function parsed(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text)
  } catch {
    return { text }
  }
}
