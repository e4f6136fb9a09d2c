/** `/api/situations`: what is open, gathered; `/api/maintenance`: windows in which things are grey, and recorded all the same. */
import { randomBytes } from 'node:crypto'
import { Hono } from 'hono'
import { z } from 'zod'
import type { StoredMaintenance } from './adapters/sqlite-desk.ts'
import { type ApiEnv, nameOf } from './api-access.ts'
import { type ApiDeps, instant } from './api-deps.ts'
import { problem, readBody, readQuery } from './api-problems.ts'
import type { Maintenance, SituationsAnswer } from './console-api.ts'
import { liveAgent } from './cut-live.ts'
import { covers, stateAt } from './maintenance.ts'
import { groupSituations, type SituationInput, silentAfterMs } from './situations.ts'

const showQuery = z.strictObject({ show: z.enum(['open', 'unacknowledged', 'all']).default('open') })
const by = z.string().min(1).max(128).optional()
const request = z.strictObject({
  scope: z
    .strictObject({ kind: z.enum(['region', 'site', 'cell', 'agent', 'subscriber', 'device', 'type']), key: z.string().max(128) })
    .refine(({ kind, key }) => kind === 'region' || key !== '', 'key: expected what the window is for'),
  by,
  reason: z.string().trim().min(1).max(1000),
  ticket: z.string().max(128).default(''),
  from: instant.optional(),
  until: instant,
})
const change = z.strictObject({ by, until: instant.optional(), end: z.literal(true).optional() })
const longestMs = 90 * 24 * 3600_000
const rememberedMs = 7 * 24 * 3600_000

export function situationRoutes(deps: ApiDeps): Hono<ApiEnv> {
  const { clock, desk } = deps
  const app = new Hono<ApiEnv>()
  const listed = () => windowsOf(deps, clock.nowMs())
  const saved = (one: StoredMaintenance) => {
    desk.saveMaintenance(one)
    return listed().find(({ id }) => id === one.id)!
  }
  app.get('/situations', (c) => {
    const { show } = readQuery(c, showQuery)
    const answer: SituationsAnswer = groupSituations(situationInput(deps, clock.nowMs()), show)
    return c.json(answer, 200, { 'cache-control': 'no-store' })
  })
  app.get('/maintenance', (c) => c.json({ items: listed() }))
  app.post('/maintenance', async (c) => {
    const { scope, by, reason, ticket, from, until } = await readBody(c, request)
    const nowMs = clock.nowMs()
    const fromMs = from ?? nowMs
    if (until <= Math.max(fromMs, nowMs) || until - fromMs > longestMs) {
      throw problem(400, 'The body is not valid.', 'until: expected a time after now and after from, at most 90 days later')
    }
    const name = nameOf(c, by)
    const id = randomBytes(8).toString('hex')
    const one = saved({ id, scope, by: name, reason, ticket, fromMs, untilMs: until, endedMs: null, endedBy: '' })
    deps.noteChange(c.get('actor'), name, 'maintenance', `${scope.kind} ${scope.key}`.trim(), reason, ticket)
    return c.json(one, 201)
  })
  app.patch('/maintenance/:id', async (c) => {
    const { by, until, end } = await readBody(c, change)
    const found = listed().find(({ id }) => id === c.req.param('id'))
    if (found === undefined) throw problem(404, 'There is no such maintenance window.')
    const { state, matches: _matches, ...stored } = found
    if (state === 'over') throw problem(409, 'This window is over.', 'Make a new one.')
    const nowMs = clock.nowMs()
    if (until !== undefined && (until <= nowMs || until - stored.fromMs > longestMs)) {
      throw problem(400, 'The body is not valid.', 'until: expected a time after now, at most 90 days after the beginning')
    }
    const name = nameOf(c, by)
    const one = saved({ ...stored, ...(until !== undefined && { untilMs: until }), ...(end && { endedMs: nowMs, endedBy: name }) })
    deps.noteChange(
      c.get('actor'),
      name,
      end ? 'maintenance-end' : 'maintenance',
      `${one.scope.kind} ${one.scope.key}`.trim(),
      one.reason,
      one.ticket,
    )
    return c.json(one)
  })
  return app
}

/** Everything that `groupSituations` looks at, of this moment. */
export function situationInput(deps: ApiDeps, nowMs: number): SituationInput {
  const { alerts, pipeline, region, cells, watch, desk } = deps
  // Each status for itself: an old open alert is not pushed out by newer closed ones.
  const open = (['active', 'acknowledged', 'snoozed', 'closed'] as const).flatMap((status) => alerts.list({ status, limit: 2_000 }))
  const inventory = cells()
  return {
    nowMs,
    region,
    alerts: Object.fromEntries(open.map(({ status: _status, triage: _triage, ...alert }) => [alert.id, alert])),
    triage: Object.fromEntries(open.flatMap(({ id, triage }) => (triage === null ? [] : [[id, triage]]))),
    agents: pipeline.state.progress.list().map(liveAgent),
    siteOf: (cell) => {
      const at = inventory?.find(cell)
      return at === undefined || !inventory!.isLocated(at) ? '' : inventory!.names[inventory!.site[at]!]!
    },
    cellsOf: (agent) => watch.cellsOf(agent),
    maintenance: desk.maintenance(nowMs).map((one) => ({ ...one, state: stateAt(one, nowMs), matches: 0 })),
    waitingForCore: pipeline.spool?.waitingItems ?? 0,
  }
}

/** The windows of the last days and those to come, with what each mutes now. */
export function windowsOf(deps: ApiDeps, nowMs: number): readonly Maintenance[] {
  const input = situationInput(deps, nowMs)
  const open = Object.values(input.alerts).filter(({ id, retracted }) => !retracted && input.triage[id]?.status !== 'closed')
  const silent = input.agents
    .filter(({ enrolled, lastSeenMs }) => enrolled && !(nowMs - (lastSeenMs ?? 0) <= silentAfterMs))
    .map(({ agent }) => ({ agent, cells: input.cellsOf(agent) }))
  return deps.desk.maintenance(nowMs - rememberedMs).map((one) => {
    const state = stateAt(one, nowMs)
    const matches = state === 'running' ? [...open, ...silent].filter((thing) => covers(one.scope, thing, input)).length : 0
    return { ...one, state, matches }
  })
}
