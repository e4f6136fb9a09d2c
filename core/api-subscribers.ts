/** `/v1/subscribers/…`: where a phone number is or was, its track, and how its SIM moved. The number stands in the body, never in a URL. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { motions } from '#shared/records.ts'
import { needScope } from './api-access.ts'
import { completenessOf } from './api-completeness.ts'
import type { ApiDeps, ApiEnv } from './api-deps.ts'
import { lookUp, neverSeen, pseudonymText, wasSeen } from './api-people.ts'
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
  phoneNumber,
  rangeOf,
  rangeQuery,
  time,
} from './api-schemas.ts'
import { locateNumber } from './locate-number.ts'
import type { Position, Sighting, SimMovement } from './ports.ts'

const place = z
  .object({ latitude: z.number(), longitude: z.number(), radiusM: z.number().openapi({ description: 'holds the true place with 68 %' }) })
  .nullable()
  .openapi({ description: 'null when the cell is not in the inventory' })
const motion = z.enum(motions)
const located = z.object({ position: place, cell: z.string(), region: z.string(), time, motion }).openapi('SubscriberLocation')

const locationRoute = createRoute({
  method: 'post',
  path: '/v1/subscribers/location',
  summary: 'Where a phone number was last seen, now or at a time',
  middleware: [needScope('location:read')] as const,
  request: body(z.object({ phoneNumber, at: time.optional() }).openapi('LocationRequest')),
  responses: { 200: json(located, 'the newest sighting at or before the time'), ...faults, ...notFound },
})

const sighted = z
  .object({
    time,
    cell: z.string(),
    region: z.string(),
    position: place,
    motion,
    device: z.string().optional().openapi({ description: 'pseudonym' }),
  })
  .openapi('TrackPoint')
const pageBody = { limit: limit(1_000, 200), cursor }

const trackRoute = createRoute({
  method: 'post',
  path: '/v1/subscribers/track',
  summary: 'Sightings of a phone number in order',
  middleware: [needScope('location:read')] as const,
  request: body(z.object({ phoneNumber, ...rangeQuery, ...pageBody }).openapi('TrackRequest')),
  responses: { 200: json(listOf(sighted, 'Track'), 'sightings, oldest first'), ...faults, ...notFound },
})

const movement = z
  .object({
    id: z.string(),
    type: z.string().openapi({ example: 'device-swap' }),
    time,
    detectedAt: time,
    confirmed: z.boolean(),
    subscriber: z.string().optional(),
    before: z.string().optional().openapi({ description: 'pseudonym of the SIM or device left' }),
    after: z.string().optional().openapi({ description: 'pseudonym of the SIM or device come to' }),
    modelBefore: z.int().optional().openapi({ description: 'type allocation code (TAC)' }),
    modelAfter: z.int().optional(),
    regionBefore: z.string().optional(),
    regionAfter: z.string().optional(),
    cell: z.string().optional(),
  })
  .openapi('SimMovement')

const movementsRoute = createRoute({
  method: 'post',
  path: '/v1/subscribers/sim-movements',
  summary: 'Device swaps, SIM swaps, toggles and region changes of a phone number',
  middleware: [needScope('movements:read')] as const,
  request: body(z.object({ phoneNumber, ...rangeQuery, ...pageBody }).openapi('SimMovementsRequest')),
  responses: { 200: json(listOf(movement, 'SimMovements'), 'movements, oldest first'), ...faults, ...notFound },
})

export function subscriberRoutes(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  const { history, clock } = deps

  app.openapi(locationRoute, async (c) => {
    const { phoneNumber, at } = c.req.valid('json')
    const { tenant } = c.get('key')
    const { spans } = await lookUp(c, deps, phoneNumber)
    const nowMs = clock.nowMs()
    const found = await locateNumber(deps, tenant, spans, at === undefined ? nowMs + 24 * 3600_000 : Date.parse(at), nowMs)
    if (found === undefined) throw neverSeen()
    const { position, cell, region, timeMs } = found
    return c.json({ position, cell, region, time: new Date(timeMs).toISOString(), motion: motionName(found.motion) }, 200)
  })

  app.openapi(trackRoute, async (c) => {
    const request = c.req.valid('json')
    const { tenant } = c.get('key')
    const person = await lookUp(c, deps, request.phoneNumber)
    const range = rangeOf(request)
    const after = cursorOf(request.cursor)
    const found: { sighting: Sighting; position: Position | undefined }[] = []
    for (const { who, fromMs, toMs } of person.spans) {
      const clipped = { fromMs: Math.max(range.fromMs, fromMs), toMs: Math.min(range.toMs, toMs) }
      const sightings = await history.sightings(tenant, who, clipped, request.limit + 1, after && { timeMs: after.timeMs, key: after.id })
      if (sightings.length === 0) continue
      const covered = { fromMs: sightings[0]!.timeMs, toMs: sightings.at(-1)!.timeMs + 1 }
      const positions = new Map((await history.positions(tenant, who, covered, 2 * request.limit + 2)).map((one) => [one.timeMs, one]))
      found.push(...sightings.map((sighting) => ({ sighting, position: positions.get(sighting.timeMs) })))
    }
    if (found.length === 0 && !(await wasSeen(deps, tenant, person))) throw neverSeen()
    found.sort((a, b) => a.sighting.timeMs - b.sighting.timeMs || (a.sighting.key < b.sighting.key ? -1 : 1))
    const page = found.slice(0, request.limit)
    const last = found.length > page.length ? page.at(-1)!.sighting : undefined
    const items = page.map(({ sighting, position }) => ({
      time: new Date(sighting.timeMs).toISOString(),
      cell: sighting.cell,
      region: sighting.region,
      position: placeOf(sighting, position),
      motion: motionName(position?.motion ?? 0),
      device: pseudonymText(deps, sighting.device),
    }))
    const next = last === undefined ? null : encodeCursor(last.timeMs, last.key)
    return c.json({ items, next, completeness: await completenessOf(deps, tenant, range) }, 200)
  })

  app.openapi(movementsRoute, async (c) => {
    const request = c.req.valid('json')
    const { tenant } = c.get('key')
    const person = await lookUp(c, deps, request.phoneNumber)
    const range = rangeOf(request)
    const after = cursorOf(request.cursor)
    const all = (await movementsOf(deps, tenant, person, range)).filter(
      ({ timeMs, id }) => after === undefined || timeMs > after.timeMs || (timeMs === after.timeMs && id > after.id),
    )
    if (all.length === 0 && !(await wasSeen(deps, tenant, person))) throw neverSeen()
    const page = all.slice(0, request.limit)
    const next = all.length > page.length ? encodeCursor(page.at(-1)!.timeMs, page.at(-1)!.id) : null
    const items = page.map((one) => movementText(deps, one))
    return c.json({ items, next, completeness: await completenessOf(deps, tenant, range) }, 200)
  })
}

const mostMovements = 10_000

/** Movements that bear the number, and those of its SIMs while they bore it. */
export async function movementsOf(
  { history }: ApiDeps,
  tenant: string,
  person: Awaited<ReturnType<typeof lookUp>>,
  range: { fromMs: number; toMs: number },
) {
  const sims = person.spans.filter(({ who }) => who !== person.number)
  const found = await history.movements(tenant, person.number, [...new Set(sims.map(({ who }) => who))], range, mostMovements)
  return found.filter(
    (one) =>
      one.number === person.number ||
      sims.some(({ who, fromMs, toMs }) => who === one.subscriber && fromMs <= one.timeMs && one.timeMs < toMs),
  )
}

function movementText(deps: ApiDeps, one: SimMovement) {
  const known = (value: string) => (value === '' ? undefined : value)
  return {
    id: one.id,
    type: one.type,
    time: new Date(one.timeMs).toISOString(),
    detectedAt: new Date(one.detectedMs).toISOString(),
    confirmed: one.confirmed,
    subscriber: pseudonymText(deps, one.subscriber),
    before: pseudonymText(deps, one.before),
    after: pseudonymText(deps, one.after),
    modelBefore: one.beforeModel ?? undefined,
    modelAfter: one.afterModel ?? undefined,
    regionBefore: known(one.regionBefore),
    regionAfter: known(one.regionAfter),
    cell: known(one.cell),
  }
}

/** The hub's place; without one, a fix the device itself reported. */
function placeOf(sighting: Sighting, position: Position | undefined) {
  if (position !== undefined) return { latitude: position.latitude, longitude: position.longitude, radiusM: position.radiusM }
  const { latitude, longitude, accuracyM } = sighting
  return latitude === null || longitude === null ? null : { latitude, longitude, radiusM: accuracyM ?? 0 }
}

function motionName(code: number): (typeof motions)[number] {
  return motions[code] ?? 'unknown'
}

function cursorOf(text: string | undefined) {
  if (text === undefined) return undefined
  const found = decodeCursor(text)
  if (found === undefined) throw new ApiProblem('invalid-argument', 'cursor: it is none that an answer gave as `next`')
  return found
}
