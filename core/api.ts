/**
 * The core's API: one hono app, its OpenAPI document made from the schemas that validate. Order of every keyed request: size, key, rate,
 * scope, schema, handler; whatever goes wrong is answered as problem+json, on CAMARA paths in CAMARA's shape.
 */
import { OpenAPIHono } from '@hono/zod-openapi'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { routePath } from 'hono/route'
import { secureHeaders } from 'hono/secure-headers'
import { authenticate, limitRate } from './api-access.ts'
import { alertRoutes } from './api-alerts.ts'
import { correlate } from './api-camara.ts'
import { camaraLocationRoutes } from './api-camara-location.ts'
import { camaraSwapRoutes } from './api-camara-swap.ts'
import { cellRoutes } from './api-cells.ts'
import { completenessRoutes } from './api-completeness.ts'
import { countRoutes } from './api-counts.ts'
import type { ApiDeps, ApiEnv } from './api-deps.ts'
import { docRoutes } from './api-docs.ts'
import { fenceRoutes } from './api-fences.ts'
import { ApiProblem, answerProblem, isCamara } from './api-problems.ts'
import { registryRoutes } from './api-registry.ts'
import { subscriberRoutes } from './api-subscribers.ts'

const maxBodyBytes = 64 * 1024
const camaraPaths = ['/sim-swap/*', '/device-swap/*', '/location-retrieval/*']

export function coreApi(deps: ApiDeps): OpenAPIHono<ApiEnv> {
  const { report, clock, config } = deps
  const app = new OpenAPIHono<ApiEnv>({
    defaultHook: (result, c) => {
      if (result.success) return
      const errors = result.error.issues.map((issue) => ({ field: issue.path.join('.'), detail: issue.message }))
      const detail = errors.map(({ field, detail }) => `${field === '' ? 'request' : field}: ${detail}`).join('; ')
      return answerProblem(c, new ApiProblem('invalid-argument', detail, errors))
    },
  })

  app.use(async (c, next) => {
    const startedMs = clock.monotonicMs()
    await next()
    report.requestServed(c.req.method, routePath(c, -1), c.res.status, clock.monotonicMs() - startedMs)
  })
  app.use(secureHeaders({ crossOriginResourcePolicy: 'same-origin', referrerPolicy: 'no-referrer' }))
  const known = authenticate(deps)
  const limited = limitRate(config.api.requestsPerMinute)
  for (const path of camaraPaths) app.use(path, correlate())
  for (const path of ['/v1/*', ...camaraPaths]) {
    app.use(path, async (c, next) => {
      await next()
      c.res.headers.set('cache-control', 'no-store')
    })
    app.use(
      path,
      bodyLimit({ maxSize: maxBodyBytes, onError: (c) => answerProblem(c, new ApiProblem('body-too-large', 'at most 64 KiB')) }),
    )
    app.use(path, known, limited)
  }

  countRoutes(app, deps)
  subscriberRoutes(app, deps)
  alertRoutes(app, deps)
  cellRoutes(app, deps)
  completenessRoutes(app, deps)
  fenceRoutes(app, deps)
  camaraSwapRoutes(app, deps)
  camaraLocationRoutes(app, deps)
  registryRoutes(app, deps)
  docRoutes(app, deps)

  app.notFound((c) => answerProblem(c, new ApiProblem('not-found', 'there is no such path here; /openapi.json lists them')))
  app.onError((error, c) => {
    if (error instanceof ApiProblem) return answerProblem(c, error)
    if (error instanceof HTTPException && error.status === 415) return answerProblem(c, new ApiProblem('unsupported-media-type'))
    if (error instanceof HTTPException && error.status < 500) return answerProblem(c, new ApiProblem('invalid-argument', error.message))
    report.requestFailed(c.req.method, routePath(c, -1), error)
    return answerProblem(c, new ApiProblem('internal', isCamara(c.req.path) ? 'Server error.' : ''))
  })
  return app
}
