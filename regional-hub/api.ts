/**
 * What the region's console reads, and the console itself. No login on loopback; nothing is fetched from elsewhere.
 * Times are epoch milliseconds; lists are `{ items }`; a refusal is problem+json.
 */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { secureHeaders } from 'hono/secure-headers'
import { type Listening, listen } from '#shared/admin.ts'
import { describeError } from '#shared/errors.ts'
import type { Component } from '#shared/ports.ts'
import { type ApiEnv, guardAccess } from './api-access.ts'
import { agentRoutes } from './api-agents.ts'
import { alertRoutes } from './api-alerts.ts'
import { assetRoutes, contentSecurityPolicy } from './api-assets.ts'
import { cellRoutes } from './api-cells.ts'
import type { ApiDeps } from './api-deps.ts'
import { fenceRoutes } from './api-fences.ts'
import { incidentRoutes } from './api-incidents.ts'
import { lookupRoutes } from './api-lookup.ts'
import { problem } from './api-problems.ts'
import { sessionRoutes } from './api-session.ts'
import { situationRoutes } from './api-situations.ts'
import { streamRoutes } from './api-stream.ts'

export function hubApi(deps: ApiDeps): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>()
  app.use(secureHeaders({ contentSecurityPolicy }))
  app.use(guardAccess(deps.access))
  app.use('/api/*', bodyLimit({ maxSize: 1 << 20, onError: () => problem(413, 'The body is too large.').getResponse() }))
  app.route('/', assetRoutes(deps.consoleDir, deps.region))
  app.route('/api', sessionRoutes(deps.access))
  app.route('/api/alerts', alertRoutes(deps))
  for (const routes of [situationRoutes, streamRoutes, cellRoutes, agentRoutes, lookupRoutes, fenceRoutes, incidentRoutes]) {
    app.route('/api', routes(deps))
  }
  app.notFound(() => problem(404, 'There is nothing at this address.', 'regional-hub/console-api.ts lists what there is.').getResponse())
  app.onError((error) => {
    if (error instanceof HTTPException) return error.getResponse()
    deps.report.apiFailed(describeError(error))
    return problem(503, 'This cannot be answered now.').getResponse()
  })
  return app
}

export class ApiServer implements Component {
  readonly name = 'api'
  readonly #deps: ApiDeps
  readonly #at: { readonly host: string; readonly port: number }
  #listening: Listening | undefined

  constructor(deps: ApiDeps, at: { readonly host: string; readonly port: number }) {
    this.#deps = deps
    this.#at = at
  }

  get url(): string {
    return this.#listening?.url ?? ''
  }

  async start(): Promise<void> {
    this.#listening = await listen(hubApi(this.#deps), { ...this.#at, what: 'the region’s console', option: 'api.port' })
  }

  async stop(deadlineMs: number): Promise<void> {
    await this.#listening?.close(Math.min(deadlineMs, 1_000))
  }
}
