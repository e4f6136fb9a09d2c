/** `/api/incidents`: a saved range with notes, and the same as one HTML file that opens with no server. Nobody is named in it but by pseudonym. */
import { randomBytes } from 'node:crypto'
import { Hono } from 'hono'
import { z } from 'zod'
import { agentItems } from './agent-page.ts'
import { type ApiEnv, nameOf } from './api-access.ts'
import { type ApiDeps, instant } from './api-deps.ts'
import { problem, readBody } from './api-problems.ts'
import { tableOf } from './cell-table.ts'
import type { Incident, IncidentFile, LiveMessage, LiveSnapshot } from './console-api.ts'
import { incidentPage } from './incident-page.ts'

const by = z.string().min(1).max(128).optional()
const note = z.string().trim().min(1).max(10_000).optional()
const view = z
  .string()
  .max(4096)
  .regex(/^[/?#]/, 'expected the page’s own address: path, query, fragment')
const request = z.strictObject({ name: z.string().trim().min(1).max(200), from: instant, to: instant, note, view: view.default('/'), by })
const change = z.strictObject({ name: z.string().trim().min(1).max(200).optional(), note, view: view.optional(), by })
const longestMs = 24 * 3600_000
const maxMessages = 20_000

export function incidentRoutes(deps: ApiDeps): Hono<ApiEnv> {
  const { desk, clock } = deps
  const app = new Hono<ApiEnv>()
  const found = (id: string): Incident => {
    const incident = desk.incident(id)
    if (incident === undefined) throw problem(404, 'There is no such incident.')
    return incident
  }
  app.get('/incidents', (c) => c.json({ items: desk.incidents() }))
  app.get('/incidents/:id', (c) => c.json(found(c.req.param('id'))))
  app.post('/incidents', async (c) => {
    const { name, from, to, note, view, by } = await readBody(c, request)
    if (to <= from || to - from > longestMs)
      throw problem(400, 'The body is not valid.', 'to: expected a time after from, at most 24 h later')
    const nowMs = clock.nowMs()
    const who = nameOf(c, by)
    const notes = note === undefined ? [] : [{ atMs: nowMs, by: who, words: note }]
    const id = randomBytes(8).toString('hex')
    const incident: Incident = { id, name, fromMs: from, toMs: to, notes, view, createdMs: nowMs, createdBy: who }
    desk.saveIncident(incident)
    return c.json(incident, 201)
  })
  app.patch('/incidents/:id', async (c) => {
    const { name, note, view, by } = await readBody(c, change)
    const before = found(c.req.param('id'))
    const added = note === undefined ? [] : [{ atMs: clock.nowMs(), by: nameOf(c, by), words: note }]
    const incident: Incident = { ...before, name: name ?? before.name, view: view ?? before.view, notes: [...before.notes, ...added] }
    desk.saveIncident(incident)
    return c.json(incident)
  })
  app.delete('/incidents/:id', (c) => {
    const { id, name } = found(c.req.param('id'))
    desk.deleteIncident(id)
    deps.noteChange(c.get('actor'), nameOf(c, undefined), 'incident-removed', name)
    return c.body(null, 204)
  })
  app.get('/incidents/:id/export', async (c) => {
    const incident = found(c.req.param('id'))
    const who = nameOf(c, undefined)
    const file = await fileOf(deps, incident, who)
    deps.noteChange(c.get('actor'), who, 'incident-export', incident.name)
    return c.body(incidentPage(file, deps.consoleDir), 200, {
      'content-type': 'text/html; charset=utf-8',
      'content-disposition': `attachment; filename="tributary-incident-${incident.id}.html"`,
      'cache-control': 'no-store',
    })
  })
  return app
}

async function fileOf(deps: ApiDeps, incident: Incident, exportedBy: string): Promise<IncidentFile> {
  const { history, alerts, cells, clock, tenant, region, desk, fences } = deps
  const { fromMs, toMs } = incident
  const [start, replay] = await Promise.all([
    history.ask('at', { timeMs: fromMs }),
    history.ask('messages', { fromMs, toMs, limit: maxMessages }),
  ])
  const table = tableOf(cells())
  const { names, latitude, longitude, azimuthDeg, rangeM, radio, radios, site } = table
  return {
    version: 1,
    exportedMs: clock.nowMs(),
    exportedBy,
    tenant,
    region,
    incident: desk.incident(incident.id) ?? incident,
    start: JSON.parse(start) as LiveSnapshot,
    messages: replay.messages.map((text) => JSON.parse(text) as LiveMessage),
    isCut: replay.nextMs !== null,
    alerts: alerts.list({ fromMs, toMs, limit: 1_000 }).map((alert) => ({ ...alert, history: alerts.history(alert.id) })),
    cells: {
      names,
      latitude: [...latitude],
      longitude: [...longitude],
      azimuthDeg: Array.from(azimuthDeg, (value) => (Number.isNaN(value) ? null : value)),
      rangeM: [...rangeM],
      radio: Array.from(radio, (code) => radios[code] ?? ''),
      site: [...site],
    },
    fences: fences.shown(),
    agents: await agentItems(deps, { fromMs, toMs }),
  }
}
