/**
 * Who is asking: the API key of the request, its scope for the route, and how often it may ask. A key that is unknown, revoked or expired
 * is 401, one without the scope 403; every answer to a keyed request says in RateLimit headers what is left.
 */
import type { MiddlewareHandler } from 'hono'
import { rateLimiter } from 'hono-rate-limiter'
import { allows, isUsable, type Scope } from './access.ts'
import type { ApiDeps, ApiEnv } from './api-deps.ts'
import { ApiProblem, answerProblem } from './api-problems.ts'

export function authenticate({ keys, clock }: ApiDeps): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const match = /^Bearer ([\x21-\x7e]{1,256})$/i.exec(c.req.header('authorization') ?? '')
    const key = match === null ? undefined : keys.find(match[1]!)
    if (key === undefined || !isUsable(key, clock.nowMs())) {
      c.header('www-authenticate', 'Bearer')
      return answerProblem(c, new ApiProblem('unauthenticated', 'send a valid API key as `Authorization: Bearer <key>`'))
    }
    c.set('key', key)
    await next()
  }
}

export function limitRate(requestsPerMinute: number): MiddlewareHandler<ApiEnv> {
  return rateLimiter<ApiEnv>({
    windowMs: 60_000,
    limit: requestsPerMinute,
    standardHeaders: 'draft-7',
    keyGenerator: (c) => c.get('key').id,
    handler: (c) => answerProblem(c, new ApiProblem('too-many-requests', `this API key may make ${requestsPerMinute} requests a minute`)),
  })
}

export function needScope(scope: Scope): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    if (!allows(c.get('key'), scope)) return answerProblem(c, new ApiProblem('permission-denied', `this needs the scope ${scope}`))
    await next()
  }
}

const loopback = /^(127\.|::1$|::ffff:127\.)/

/** Documents, health and metrics are open to this machine; from elsewhere they need a key. */
export function openOnLoopback(deps: ApiDeps): MiddlewareHandler<ApiEnv> {
  const asked = authenticate(deps)
  return async (c, next) => {
    const from = c.env?.incoming?.socket?.remoteAddress
    if (from === undefined || loopback.test(from)) await next()
    else return asked(c, next)
  }
}
