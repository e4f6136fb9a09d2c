/**
 * The core's API: one hono app, its OpenAPI document made from the schemas that validate. Order of every keyed request: size, key, rate,
 * scope, schema, handler; whatever goes wrong is answered as problem+json, on CAMARA paths in CAMARA's shape.
 */
import { OpenAPIHono } from '@hono/zod-openapi'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { secureHeaders } from 'hono/secure-headers'
import { authenticate, limitRate } from './api-access.ts'
import { alertRoutes } from './api-alerts.ts'
import { completenessRoutes } from './api-completeness.ts'
import { countRoutes } from './api-counts.ts'
import type { ApiDeps, ApiEnv } from './api-deps.ts'
import { ApiProblem, answerProblem, isCamara } from './api-problems.ts'
import { subscriberRoutes } from './api-subscribers.ts'

const maxBodyBytes = 64 * 1024

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
    report.requestServed(c.req.method, routeName(c.req.path), c.res.status, clock.monotonicMs() - startedMs)
  })
  app.use(secureHeaders({ crossOriginResourcePolicy: 'same-origin', referrerPolicy: 'no-referrer' }))
  const asksForPeople = ['/v1/*', '/sim-swap/*', '/device-swap/*', '/location-retrieval/*']
  for (const path of asksForPeople) {
    app.use(path, async (c, next) => {
      await next()
      c.res.headers.set('cache-control', 'no-store')
    })
    app.use(
      path,
      bodyLimit({ maxSize: maxBodyBytes, onError: (c) => answerProblem(c, new ApiProblem('body-too-large', 'at most 64 KiB')) }),
    )
    app.use(path, authenticate(deps), limitRate(config.api.requestsPerMinute))
  }

  countRoutes(app, deps)
  subscriberRoutes(app, deps)
  alertRoutes(app, deps)
  completenessRoutes(app, deps)

  app.notFound((c) => answerProblem(c, new ApiProblem('not-found', 'there is no such path here; /openapi.json lists them')))
  app.onError((error, c) => {
    if (error instanceof ApiProblem) return answerProblem(c, error)
    if (error instanceof HTTPException && error.status === 415) return answerProblem(c, new ApiProblem('unsupported-media-type'))
    if (error instanceof HTTPException && error.status < 500) return answerProblem(c, new ApiProblem('invalid-argument', error.message))
    report.requestFailed(c.req.method, routeName(c.req.path), error)
    return answerProblem(c, new ApiProblem('internal', isCamara(c.req.path) ? 'Server error.' : ''))
  })
  return app
}

/** A bounded name for logs and metrics: what stands behind the second segment may be an id. */
function routeName(path: string): string {
  const known =
    /^\/(v1|sim-swap|device-swap|location-retrieval|openapi\.json|docs|health|metrics)(\/[a-z0-9.-]{1,24})?(\/[a-z-]{1,24})?/.exec(path)
  if (known === null) return 'other'
  const [, first, second = '', third = ''] = known
  return first === 'v1' && ['/alerts', '/fences'].includes(second) ? `/${first}${second}` : `/${first}${second}${third}`
}
