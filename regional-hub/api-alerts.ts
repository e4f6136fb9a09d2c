/** `/api/alerts`: what was found here, newest first, and what people did with it: who, when, why, ticket; every word is kept. */
import { Hono } from 'hono'
import { z } from 'zod'
import type { Triage } from '#shared/control.ts'
import { type ApiEnv, nameOf } from './api-access.ts'
import { type ApiDeps, limit, range, rangeOf } from './api-deps.ts'
import { exported, formatOf } from './api-export.ts'
import { readBody, readQuery } from './api-problems.ts'

const status = z.enum(['active', 'acknowledged', 'snoozed', 'closed'])
const listQuery = z.strictObject({
  ...range,
  type: z.string().max(64).optional(),
  severity: z.string().max(32).optional(),
  status: status.optional(),
  limit: limit(1000, 100),
  format: formatOf,
  cursor: z
    .string()
    .max(100)
    .regex(/^\d+(\.\d+)?_[0-9a-f]{32}$/)
    .optional(),
})
const patchBody = z.strictObject({
  status,
  by: z.string().min(1).max(128).optional(),
  reason: z.string().max(1000),
  ticket: z.string().max(128).optional(),
  until: z.iso.datetime({ offset: true }).optional(),
})
const manyBody = patchBody.extend({
  ids: z
    .array(z.string().regex(/^[0-9a-f]{32}$/))
    .min(1)
    .max(1000),
})

export function alertRoutes({ alerts, clock, eyes }: ApiDeps): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>()
  app.get('/', (c) => {
    const { from, to, type, severity, status, limit, cursor, format } = readQuery(c, listQuery)
    // An open alert never vanishes because of a time window: without one, all are listed.
    const window = from === undefined && to === undefined ? {} : rangeOf({ from, to }, clock.nowMs())
    const [timeMs, id] = cursor?.split('_') ?? []
    const before = id === undefined ? undefined : { timeMs: Number(timeMs), id }
    const items = alerts.list({ ...window, type, severity, status, limit: limit + 1, before })
    const page = items.slice(0, limit)
    if (format !== 'json') return exported(c, format, 'alerts', page)
    const last = page.at(-1)
    return c.json({
      items: page,
      next: items.length > limit && last !== undefined ? `${last.timeMs}_${last.id}` : null,
      open: alerts.open(),
    })
  })
  app.get('/:id', (c) => {
    const found = alerts.one(c.req.param('id'))
    if (found === undefined) return c.json({ title: 'There is no such alert.', status: 404 }, 404)
    return c.json({ ...found, history: alerts.history(found.id) })
  })
  const triaged = (alertId: string, by: string, { until, ids: _ids, ...word }: z.output<typeof patchBody> & { ids?: unknown }) => {
    const triage: Triage = {
      alertId,
      revision: (alerts.history(alertId).at(-1)?.revision ?? 0) + 1,
      ...word,
      by,
      ...(until !== undefined && { untilMs: Date.parse(until) }),
      atMs: clock.nowMs(),
    }
    eyes.triageHere(triage)
    return { ...alerts.one(alertId)!, history: alerts.history(alertId) }
  }
  app.patch('/:id', async (c) => {
    const body = await readBody(c, patchBody)
    const found = alerts.one(c.req.param('id'))
    if (found === undefined) return c.json({ title: 'There is no such alert.', status: 404 }, 404)
    return c.json(triaged(found.id, nameOf(c, body.by), body))
  })
  app.post('/triage', async (c) => {
    const body = await readBody(c, manyBody)
    const known = body.ids.filter((id) => alerts.one(id) !== undefined)
    const by = nameOf(c, body.by)
    return c.json({ items: known.map((id) => triaged(id, by, body)), unknown: body.ids.filter((id) => !known.includes(id)) })
  })
  return app
}
