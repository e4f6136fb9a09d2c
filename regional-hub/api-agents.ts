/** Agents, subscribers in motion and the hub itself: `/api/agents`, `/api/subscribers`, `/api/fences`, `/api/status`. */
import { Hono } from 'hono'
import { z } from 'zod'
import { motions } from '#shared/records.ts'
import { type ApiDeps, limit, pseudonym, range, rangeOf } from './api-deps.ts'
import { readPath, readQuery } from './api-problems.ts'
import { liveAgent } from './cut-live.ts'

const subscribersQuery = z.strictObject({
  motion: z.enum(motions).optional(),
  cell: z.string().max(32).optional(),
  limit: limit(2000, 500),
})
const trackQuery = z.strictObject({ ...range, limit: limit(50_000, 5_000) })
const rangeQuery = z.strictObject({ ...range })
/** Silent for longer, an agent is named as such. */
const silentMs = 15_000

export function agentRoutes({ pipeline, feed, history, clock, region, tenant, cells, alerts }: ApiDeps): Hono {
  const app = new Hono()
  const agents = () => {
    const nowMs = clock.nowMs()
    return pipeline.state.progress.list().map((one) => {
      const agent = liveAgent(one)
      const isComplete = agent.completeThroughMs !== null && nowMs - agent.completeThroughMs <= silentMs && agent.missing === 0
      return { ...agent, isSilent: !(nowMs - (agent.lastSeenMs ?? 0) <= silentMs), isComplete }
    })
  }
  app.get('/agents', async (c) => {
    const { fromMs, toMs } = rangeOf(readQuery(c, rangeQuery), clock.nowMs())
    const [counts, losses] = await Promise.all([history.ask('tallies', { fromMs, toMs }), history.ask('losses', { fromMs, toMs })])
    const items = agents().map((agent) => ({ ...agent, counts: counts.filter((row) => row.agent === agent.agent) }))
    const enrolled = items.filter((agent) => agent.enrolled)
    const completeness = enrolled.length === 0 ? 1 : enrolled.filter(({ isComplete }) => isComplete).length / enrolled.length
    return c.json({ items, completeness, silent: enrolled.filter(({ isSilent }) => isSilent).map(({ agent }) => agent), losses })
  })
  app.get('/subscribers', (c) => {
    const { motion, cell, limit } = readQuery(c, subscribersQuery)
    const found = Object.values(feed.state.subscribers).filter(
      (one) => (motion === undefined || one.motion === motion) && (cell === undefined || one.cell === cell),
    )
    found.sort((a, b) => b.timeMs - a.timeMs)
    const known = pipeline.detector?.subscribers() ?? 0
    return c.json({ items: found.slice(0, limit), known, sampled: 'the latest of a sample; each subscriber’s whole track is at the core' })
  })
  app.get('/subscribers/:pseudonym/track', async (c) => {
    const subscriber = readPath(c.req.param('pseudonym'), pseudonym)
    const { limit, ...asked } = readQuery(c, trackQuery)
    const rows = await history.ask('track', { subscriber, ...rangeOf(asked, clock.nowMs()), limit })
    return c.json({ items: rows.map((row) => ({ ...row, motion: motions[(row as { motion?: number }).motion ?? 0] ?? 'unknown' })) })
  })
  app.get('/fences', (c) => c.json({ items: [...pipeline.state.fences.values()].filter(({ deleted }) => !deleted) }))
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
    })
  })
  return app
}
