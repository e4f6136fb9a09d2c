/** Agents, subscribers in motion and the hub itself: `/api/agents`, `/api/subscribers`, `/api/status`. */
import { Hono } from 'hono'
import { z } from 'zod'
import { namePattern } from '#shared/control.ts'
import { hexToWords } from '#shared/pseudonym.ts'
import { motions } from '#shared/records.ts'
import { agentItems, agentPage, lossesOf, oneAgent } from './agent-page.ts'
import { type ApiEnv, nameOf } from './api-access.ts'
import { type ApiDeps, limit, pseudonym, range, rangeOf } from './api-deps.ts'
import { exported, formatOf } from './api-export.ts'
import { readPath, readQuery } from './api-problems.ts'

const subscribersQuery = z.strictObject({
  motion: z.enum(motions).optional(),
  cell: z.string().max(32).optional(),
  limit: limit(20_000, 500),
  format: formatOf,
})
const trackQuery = z.strictObject({ ...range, limit: limit(50_000, 5_000), format: formatOf })
const rangeQuery = z.strictObject({ ...range })
const agentsQuery = z.strictObject({ ...range, format: formatOf })
const name = z.string().regex(namePattern)
const dayMs = 24 * 3600_000

export function agentRoutes(deps: ApiDeps): Hono<ApiEnv> {
  const { pipeline, feed, history, clock, region, tenant, cells, alerts } = deps
  const app = new Hono<ApiEnv>()
  app.get('/agents', async (c) => {
    const { format, ...asked } = readQuery(c, agentsQuery)
    const { fromMs, toMs } = rangeOf(asked, clock.nowMs())
    const [items, losses] = await Promise.all([agentItems(deps, { fromMs, toMs }), history.ask('losses', { fromMs, toMs })])
    if (format !== 'json') return exported(c, format, 'agents', items)
    const enrolled = items.filter((agent) => agent.enrolled)
    const completeness = enrolled.length === 0 ? 1 : enrolled.filter(({ isComplete }) => isComplete).length / enrolled.length
    return c.json({ items, completeness, silent: enrolled.filter(({ isSilent }) => isSilent).map(({ agent }) => agent), losses })
  })
  app.get('/agents/:name', async (c) => {
    const nowMs = clock.nowMs()
    const agent = await oneAgent(deps, readPath(c.req.param('name'), name), { fromMs: nowMs - dayMs, toMs: nowMs + 1 })
    return c.json(agentPage(deps, agent, nowMs))
  })
  app.get('/agents/:name/losses', async (c) => {
    const range = rangeOf(readQuery(c, rangeQuery), clock.nowMs())
    const agent = await oneAgent(deps, readPath(c.req.param('name'), name), range)
    const losses = (await history.ask('losses', range)).filter((loss) => loss.agent === agent.agent)
    const { passedOver } = pipeline.state.ledger.totals(agent.agent)
    return c.json(
      lossesOf({
        agent,
        losses,
        passedOver,
        silences: deps.desk.silences(agent.agent, range.fromMs, range.toMs),
        ...range,
        nowMs: clock.nowMs(),
      }),
    )
  })
  app.get('/subscribers', (c) => {
    const { motion, cell, limit, format } = readQuery(c, subscribersQuery)
    const found = Object.values(feed.state.subscribers).filter(
      (one) => (motion === undefined || one.motion === motion) && (cell === undefined || one.cell === cell),
    )
    found.sort((a, b) => b.timeMs - a.timeMs)
    if (format !== 'json') return exported(c, format, 'subscribers', found.slice(0, limit))
    const known = pipeline.detector?.subscribers() ?? 0
    return c.json({ items: found.slice(0, limit), known, sampled: 'the latest of a sample; each subscriber’s whole track is at the core' })
  })
  app.get('/subscribers/:pseudonym/track', async (c) => {
    const subscriber = readPath(c.req.param('pseudonym'), pseudonym)
    const { limit, format, ...asked } = readQuery(c, trackQuery)
    const rows = await history.ask('track', { subscriber, ...rangeOf(asked, clock.nowMs()), limit })
    const items = rows.map((row) => ({ ...row, motion: motions[row.motion ?? 0] ?? 'unknown' }))
    if (format === 'json') return c.json({ items })
    const text = deps.pseudonyms.text(hexToWords(subscriber.toString('hex')))
    deps.noteChange(c.get('actor'), nameOf(c, undefined), 'track-export', text)
    return exported(
      c,
      format,
      'tracks',
      items.map((row) => ({ subscriber: text, ...row })),
    )
  })
  app.get('/status', (c) => {
    const { state, spool, detector } = pipeline
    return c.json({
      tenant,
      region,
      hubEpoch: state.hubEpoch,
      timeMs: clock.nowMs(),
      isRunning: pipeline.isRunning,
      subscribers: detector?.subscribers() ?? 0,
      stateBytes: detector?.stateBytes() ?? 0,
      cells: cells()?.size ?? 0,
      rowsTaken: state.ledger.agents().reduce((sum, agent) => sum + state.ledger.totals(agent).rows, 0),
      watermarkMs: state.progress.regionWatermarkMs(clock.nowMs()) ?? null,
      openAlerts: alerts.open(),
      trunk: { waitingBatches: spool?.waitingItems ?? 0, waitingBytes: spool?.bytes ?? 0 },
      claimsWaiting: state.claims.size,
      streams: feed.listeners,
      historyDays: deps.historyDays,
    })
  })
  return app
}
