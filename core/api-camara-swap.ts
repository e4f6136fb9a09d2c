/** CAMARA `sim-swap` v2 and `device-swap` v1: check and retrieve-date, on changes seen. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Scope } from './access.ts'
import { needScope } from './api-access.ts'
import { camaraFaults, camaraPhone, identify } from './api-camara.ts'
import type { ApiDeps, ApiEnv } from './api-deps.ts'
import { ApiProblem } from './api-problems.ts'
import { body, json, time } from './api-schemas.ts'
import { movementsOf } from './api-subscribers.ts'
import { lastDeviceChangeMs, lastSimChangeMs } from './swaps.ts'

const hourMs = 3600_000
const defaultMaxAgeHours = 240
const specifiedMostHours = 2_400

/**
 * `maxAge` is judged by hand: a value above the range must be OUT_OF_RANGE, where a schema would make it INVALID_ARGUMENT; a wrong type, a
 * fraction or a value below 1 stays INVALID_ARGUMENT.
 */
const maxAge = z
  .int()
  .min(1)
  .default(defaultMaxAgeHours)
  .openapi({ description: 'hours', minimum: 1, maximum: specifiedMostHours, format: 'int32', example: 240 })
const checked = z.object({ swapped: z.boolean() })

type Subject = 'sim' | 'device'

export function camaraSwapRoutes(app: OpenAPIHono<ApiEnv>, deps: ApiDeps): void {
  swapRoutes(app, deps, 'sim', '/sim-swap/v2', 'latestSimChange')
  swapRoutes(app, deps, 'device', '/device-swap/v1', 'latestDeviceChange')
}

function swapRoutes(app: OpenAPIHono<ApiEnv>, deps: ApiDeps, subject: Subject, base: string, field: string): void {
  const { clock, config } = deps
  const monitoredHours = config.retention.hours
  const scope = (operation: 'check' | 'retrieve-date'): Scope => `${subject}-swap:${operation}`
  const capital = subject === 'sim' ? 'SimSwap' : 'DeviceSwap'

  const checkRoute = createRoute({
    method: 'post',
    path: `${base}/check`,
    summary: `CAMARA: was the ${subject} swapped within maxAge hours`,
    middleware: [needScope(scope('check'))] as const,
    request: body(z.object({ phoneNumber: camaraPhone.optional(), maxAge }).openapi(`CreateCheck${capital}`)),
    responses: { 200: json(checked.openapi(`Check${capital}Info`), 'whether'), ...camaraFaults },
  })
  app.openapi(checkRoute, async (c) => {
    const { phoneNumber, maxAge } = c.req.valid('json')
    if (maxAge > Math.min(specifiedMostHours, monitoredHours)) {
      throw new ApiProblem('out-of-range', `maxAge: at most ${Math.min(specifiedMostHours, monitoredHours)} hours`)
    }
    const changedMs = await lastChangeMs(c, deps, subject, phoneNumber)
    return c.json({ swapped: changedMs !== undefined && changedMs >= clock.nowMs() - maxAge * hourMs }, 200)
  })

  const info = z.object({ [field]: time.nullable(), monitoredPeriod: z.int().optional().openapi({ description: 'days' }) })
  const dateRoute = createRoute({
    method: 'post',
    path: `${base}/retrieve-date`,
    summary: `CAMARA: when was the ${subject} last swapped`,
    middleware: [needScope(scope('retrieve-date'))] as const,
    request: body(z.object({ phoneNumber: camaraPhone.optional() }).openapi(`Create${capital}Date`)),
    responses: {
      200: json(info.openapi(`${capital}Info`), 'the latest change seen; null with the period watched when there was none'),
      ...camaraFaults,
    },
  })
  app.openapi(dateRoute, async (c) => {
    const changedMs = await lastChangeMs(c, deps, subject, c.req.valid('json').phoneNumber)
    if (changedMs !== undefined && changedMs >= clock.nowMs() - monitoredHours * hourMs) {
      return c.json({ [field]: new Date(changedMs).toISOString() } as z.output<typeof info>, 200)
    }
    return c.json({ [field]: null, monitoredPeriod: Math.max(1, Math.floor(monitoredHours / 24)) } as z.output<typeof info>, 200)
  })
}

async function lastChangeMs(
  c: Context<ApiEnv>,
  deps: ApiDeps,
  subject: Subject,
  phoneNumber: string | undefined,
): Promise<number | undefined> {
  const person = await identify(c, deps, phoneNumber)
  const { tenant } = c.get('key')
  const movements = await movementsOf(deps, tenant, person, { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER })
  if (subject === 'sim') return lastSimChangeMs(movements, person.number)
  return lastDeviceChangeMs(deps.history, tenant, movements, person.number, person.spans)
}
