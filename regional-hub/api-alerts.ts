/** `/api/alerts`: what was found here, newest first, and what people did with it: who, when, why, ticket; every word is kept. */
import { Hono } from 'hono'
import { z } from 'zod'
import type { Triage } from '#shared/control.ts'
import { type ApiDeps, limit, range, rangeOf } from './api-deps.ts'
import { readBody, readQuery } from './api-problems.ts'

const status = z.enum(['active', 'acknowledged', 'snoozed', 'closed'])
const listQuery = z.strictObject({
  ...range,
  type: z.string().max(64).optional(),
  severity: z.string().max(32).optional(),
  status: status.optional(),
  limit: limit(1000, 100),
  cursor: z
    .string()
    .max(100)
    .regex(/^\d+(\.\d+)?_[0-9a-f]{32}$/)
    .optional(),
})
const patchBody = z.strictObject({
  status,
  by: z.string().min(1).max(128),
  reason: z.string().max(1000),
  ticket: z.string().max(128).optional(),
  until: z.iso.datetime({ offset: true }).optional(),
})

export function alertRoutes({ alerts, clock, eyes }: ApiDeps): Hono {
  const app = new Hono()
  app.get('/', (c) => {
    const { from, to, type, severity, status, limit, cursor } = readQuery(c, listQuery)
    // An open alert never vanishes because of a time window: without one, all are listed.
    const window = from === undefined && to === undefined ? {} : rangeOf({ from, to }, clock.nowMs())
    const [timeMs, id] = cursor?.split('_') ?? []
    const before = id === undefined ? undefined : { timeMs: Number(timeMs), id }
    const items = alerts.list({ ...window, type, severity, status, limit: limit + 1, before })
    const page = items.slice(0, limit)
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
  app.patch('/:id', async (c) => {
    const { until, ...word } = await readBody(c, patchBody)
    const found = alerts.one(c.req.param('id'))
    if (found === undefined) return c.json({ title: 'There is no such alert.', status: 404 }, 404)
    const triage: Triage = {
      alertId: found.id,
      revision: (alerts.history(found.id).at(-1)?.revision ?? 0) + 1,
      ...word,
      ...(until !== undefined && { untilMs: Date.parse(until) }),
      atMs: clock.nowMs(),
    }
    eyes.triageHere(triage)
    return c.json({ ...alerts.one(found.id), history: alerts.history(found.id) })
  })
  return app
}
