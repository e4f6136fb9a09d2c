/** CAMARA `location-retrieval` v0.5: the circle a device was last seen in, if fresh and small enough. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { needScope } from './api-access.ts'
import { camaraFaults, camaraPhone, identify } from './api-camara.ts'
import type { ApiDeps, ApiEnv } from './api-deps.ts'
import { ApiProblem } from './api-problems.ts'
import { body, json, time } from './api-schemas.ts'
import { locateNumber } from './locate-number.ts'

const aheadMs = 24 * 3600_000

const device = z
  .object({
    phoneNumber: camaraPhone.optional(),
    networkAccessIdentifier: z.string().max(320).optional(),
    ipv4Address: z
      .object({
        publicAddress: z.ipv4(),
        privateAddress: z.ipv4().optional(),
        publicPort: z.int().min(0).max(65535).optional(),
      })
      .refine((one) => one.privateAddress !== undefined || one.publicPort !== undefined, 'expected privateAddress or publicPort')
      .optional(),
    ipv6Address: z.ipv6().optional(),
  })
  .refine((one) => Object.values(one).some((value) => value !== undefined), 'expected at least one identifier')
  .openapi('Device')
const circle = z.object({
  areaType: z.literal('CIRCLE'),
  center: z.object({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180) }),
  radius: z.number().min(1),
})
const location = z
  .object({ lastLocationTime: time, area: circle, device: z.object({ phoneNumber: camaraPhone }).optional() })
  .openapi('Location')

const route = createRoute({
  method: 'post',
  path: '/location-retrieval/v0.5/retrieve',
  summary: 'CAMARA: the area a device was last seen in',
  middleware: [needScope('location-retrieval:read')] as const,
  request: body(
    z
      .object({
        device: device.optional(),
        maxAge: z.int().min(0).optional().openapi({ description: 'seconds; absent: any age; 0: as of now' }),
        maxSurface: z.int().min(1).optional().openapi({ description: 'm²' }),
      })
      .openapi('RetrievalLocationRequest'),
  ),
  responses: { 200: json(location, 'a circle that holds the device with 68 %'), ...camaraFaults },
})

export function camaraLocationRoutes(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  app.openapi(route, async (c) => {
    const { device, maxAge, maxSurface } = c.req.valid('json')
    const key = c.get('key')
    if (key.number !== '' && device !== undefined) throw new ApiProblem('unnecessary-identifier')
    if (device !== undefined && device.phoneNumber === undefined)
      throw new ApiProblem('unsupported-identifier', 'only phoneNumber is supported')
    const { spans } = await identify(c, deps, device?.phoneNumber)
    const nowMs = deps.clock.nowMs()
    const found = await locateNumber(deps, key.tenant, spans, nowMs + aheadMs, nowMs)
    if (found === undefined || found.position === null) throw new ApiProblem('unable-to-locate')
    if (maxAge !== undefined && nowMs - found.timeMs > maxAge * 1_000) throw new ApiProblem('unable-to-fulfill-max-age')
    const { latitude, longitude, radiusM } = found.position
    const radius = Math.max(1, Math.round(radiusM))
    if (maxSurface !== undefined && Math.PI * radius ** 2 > maxSurface) throw new ApiProblem('unable-to-fulfill-max-surface')
    const answer = {
      lastLocationTime: new Date(found.timeMs).toISOString(),
      area: { areaType: 'CIRCLE' as const, center: { latitude, longitude }, radius },
    }
    // the one identifier that was used is told only where several were given, and then only the caller's own words come back
    const several = device !== undefined && Object.values(device).filter((value) => value !== undefined).length > 1
    return c.json(several ? { ...answer, device: { phoneNumber: device.phoneNumber! } } : answer, 200)
  })
}
