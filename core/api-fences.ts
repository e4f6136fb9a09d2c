/** `/v1/fences`: places that raise alerts when subscribers enter, leave or dwell. Kept here, watched by the hubs, which hear of every change. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { type Fence, namePattern } from '#shared/control.ts'
import { hexToWords, parsePseudonym, wordsToHex } from '#shared/pseudonym.ts'
import { needScope } from './api-access.ts'
import { completenessOf } from './api-completeness.ts'
import type { ApiDeps, ApiEnv } from './api-deps.ts'
import { lookUp } from './api-people.ts'
import { ApiProblem } from './api-problems.ts'
import { body, faults, json, listOf, notFound } from './api-schemas.ts'

const longitude = z.number().min(-180).max(180)
const latitude = z.number().min(-90).max(90)
const point = z
  .tuple([longitude, latitude])
  .openapi({ type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2, description: '[longitude, latitude]' })
const ring = z
  .array(point)
  .min(4)
  .max(500)
  .refine(
    (points) => points[0]![0] === points.at(-1)![0] && points[0]![1] === points.at(-1)![1],
    'the ring must end where it begins (RFC 7946 §3.1.6)',
  )
const geometry = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Polygon'), coordinates: z.array(ring).min(1).max(10) }).openapi('FencePolygon'),
  z.object({ type: z.literal('Circle'), center: point, radiusM: z.number().min(1).max(1_000_000) }).openapi('FenceCircle'),
])
const fence = {
  name: z.string().min(1).max(128),
  geometry,
  dwellS: z
    .int()
    .min(1)
    .max(7 * 24 * 3600)
    .optional()
    .openapi({ description: 'seconds inside until fence-dwell is raised' }),
  segment: z.array(z.string().max(64)).min(1).max(1_000).optional().openapi({
    description: 'only these subscribers: pseudonyms (psn1.…), or phone numbers with +, which are not kept; absent: everybody',
  }),
}
const request = z.object({ ...fence, name: fence.name.optional() }).openapi('FenceRequest', {
  example: { name: 'harbour', geometry: { type: 'Circle', center: [-6.2, 53.34], radiusM: 400 }, dwellS: 300 },
})
const stored = z.object({ id: z.string(), revision: z.int(), ...fence }).openapi('Fence')
const id = z.string().regex(namePattern)

const listRoute = createRoute({
  method: 'get',
  path: '/v1/fences',
  summary: 'All fences',
  middleware: [needScope('fences:read')] as const,
  responses: { 200: json(listOf(stored, 'Fences'), 'by id'), ...faults },
})
const readRoute = createRoute({
  method: 'get',
  path: '/v1/fences/{id}',
  summary: 'One fence',
  middleware: [needScope('fences:read')] as const,
  request: { params: z.object({ id }) },
  responses: { 200: json(stored, 'the fence'), ...faults, ...notFound },
})
const putRoute = createRoute({
  method: 'put',
  path: '/v1/fences/{id}',
  summary: 'Make or change a fence',
  middleware: [needScope('fences:write')] as const,
  request: { params: z.object({ id }), ...body(request) },
  responses: { 200: json(stored, 'as changed'), 201: json(stored, 'as made'), ...faults },
})
const deleteRoute = createRoute({
  method: 'delete',
  path: '/v1/fences/{id}',
  summary: 'Remove a fence',
  middleware: [needScope('fences:write')] as const,
  request: { params: z.object({ id }) },
  responses: { 204: { description: 'removed' }, ...faults, ...notFound },
})

export function fenceRoutes(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  const { desk } = deps
  const missing = () => new ApiProblem('not-found', 'there is no fence of that id')

  app.openapi(listRoute, async (c) => {
    const { tenant } = c.get('key')
    const nowMs = deps.clock.nowMs()
    const completeness = await completenessOf(deps, tenant, { fromMs: nowMs - 60_000, toMs: nowMs })
    return c.json({ items: desk.fences(tenant).map((one) => fenceText(deps, one)), next: null, completeness }, 200)
  })
  app.openapi(readRoute, (c) => {
    const found = desk.fence(c.get('key').tenant, c.req.valid('param').id)
    if (found === undefined) throw missing()
    return c.json(fenceText(deps, found), 200)
  })
  app.openapi(putRoute, async (c) => {
    const { id } = c.req.valid('param')
    const { name = id, geometry, dwellS, segment } = c.req.valid('json')
    const { tenant } = c.get('key')
    const isNew = desk.fence(tenant, id) === undefined
    const people = segment && (await segmentOf(c, deps, segment))
    const saved = desk.saveFence(tenant, {
      id,
      name,
      geometry,
      ...(dwellS !== undefined && { dwellS }),
      ...(people && { segment: people }),
    })
    return isNew ? c.json(fenceText(deps, saved), 201) : c.json(fenceText(deps, saved), 200)
  })
  app.openapi(deleteRoute, (c) => {
    const { tenant } = c.get('key')
    const found = desk.fence(tenant, c.req.valid('param').id)
    if (found === undefined) throw missing()
    const { revision, ...rest } = found
    desk.saveFence(tenant, { ...rest, deleted: true })
    return c.body(null, 204)
  })
}

/** Subscribers by pseudonym; a number stands for the SIMs that bear it now, or for itself where none is known. */
async function segmentOf(c: Context<ApiEnv>, deps: ApiDeps, members: readonly string[]): Promise<string[]> {
  const found = new Set<string>()
  for (const member of members) {
    const words = parsePseudonym(member)
    if (words !== undefined) {
      found.add(wordsToHex(words))
      continue
    }
    if (!/^\+[1-9]\d{4,14}$/.test(member)) {
      const detail = 'expected pseudonyms (psn1.…) or E.164 phone numbers'
      throw new ApiProblem('invalid-argument', `segment: ${detail}`, [{ field: 'segment', detail }])
    }
    const { spans, number } = await lookUp(c, deps, member)
    const now = spans.filter(({ who, toMs }) => who !== number && toMs > deps.clock.nowMs())
    for (const { who } of now.length > 0 ? now : [{ who: number }]) found.add(who)
  }
  return [...found]
}

function fenceText({ pseudonymiser }: ApiDeps, { id, name, revision, geometry, dwellS, segment }: Fence) {
  const people = segment?.map((hex) => pseudonymiser.text(hexToWords(hex)))
  return { id, name, revision, geometry: geometry as z.output<typeof stored>['geometry'], dwellS, segment: people }
}
