/** `/api/fences`: places that raise alerts when subscribers enter, leave or dwell. In force here at once; the core hears of it when the uplink is there. */
import { Hono } from 'hono'
import { z } from 'zod'
import { type Fence, namePattern } from '#shared/control.ts'
import { type ApiEnv, nameOf } from './api-access.ts'
import { type ApiDeps, pseudonym } from './api-deps.ts'
import { problem, readBody, readPath } from './api-problems.ts'

const point = z.tuple([z.number().min(-180).max(180), z.number().min(-90).max(90)])
const ring = z
  .array(point)
  .min(4)
  .max(500)
  .refine(
    (points) => points[0]![0] === points.at(-1)![0] && points[0]![1] === points.at(-1)![1],
    'the ring must end where it begins (RFC 7946 §3.1.6)',
  )
const request = z.strictObject({
  name: z.string().min(1).max(128).optional(),
  geometry: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('Polygon'), coordinates: z.array(ring).min(1).max(10) }),
    z.strictObject({ type: z.literal('Circle'), center: point, radiusM: z.number().min(1).max(1_000_000) }),
  ]),
  dwellS: z
    .int()
    .min(1)
    .max(7 * 24 * 3600)
    .optional(),
  segment: z.array(pseudonym).min(1).max(1_000).optional(),
})
const id = z.string().regex(namePattern)

export function fenceRoutes(deps: ApiDeps): Hono<ApiEnv> {
  const { pipeline, fences } = deps
  const app = new Hono<ApiEnv>()
  const found = (name: string) => {
    const fence = pipeline.state.fences.get(readPath(name, id))
    return fence === undefined || fence.deleted ? undefined : fence
  }
  const item = (fence: Fence) => fences.item(fence)
  const missing = () => problem(404, 'There is no fence of that id.')
  const running = () => {
    if (!pipeline.isRunning) throw problem(503, 'The hub is still starting.')
  }
  app.get('/fences', (c) => c.json({ items: fences.shown() }))
  app.get('/fences/:id', (c) => {
    const fence = found(c.req.param('id'))
    if (fence === undefined) throw missing()
    return c.json(item(fence))
  })
  app.put('/fences/:id', async (c) => {
    const { name, geometry, dwellS, segment } = await readBody(c, request)
    running()
    const before = found(c.req.param('id'))
    const saved = fences.save({
      id: c.req.param('id'),
      name: name ?? before?.name ?? c.req.param('id'),
      geometry,
      ...(dwellS !== undefined && { dwellS }),
      ...(segment !== undefined && { segment: segment.map((octets) => octets.toString('hex')) }),
    })
    deps.noteChange(c.get('actor'), nameOf(c, undefined), before === undefined ? 'fence-made' : 'fence-changed', saved.id)
    return c.json(item(saved), before === undefined ? 201 : 200)
  })
  app.delete('/fences/:id', (c) => {
    running()
    const before = found(c.req.param('id'))
    if (before === undefined) throw missing()
    const { revision: _revision, ...fence } = before
    fences.save({ ...fence, deleted: true })
    deps.noteChange(c.get('actor'), nameOf(c, undefined), 'fence-removed', before.id)
    return c.body(null, 204)
  })
  return app
}
