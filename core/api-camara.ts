/**
 * What the CAMARA paths have in common (Commonalities r4.2): the correlator, which identifier a request may name, and their schemas' order of
 * judgement. An API key names numbers itself (two-legged: the identifier is mandatory) or stands for one number (three-legged: forbidden).
 */
import { z } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import type { ApiDeps, ApiEnv } from './api-deps.ts'
import { lookUp, lookUpPseudonym, neverSeen, type Person, wasSeen } from './api-people.ts'
import { ApiProblem, answerProblem } from './api-problems.ts'
import { json } from './api-schemas.ts'

const correlatorPattern = /^[a-zA-Z0-9\-_:;./<>{}]{0,256}$/

/** Echoes `x-correlator`; one that breaks its pattern is refused and not echoed. */
export function correlate(): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const correlator = c.req.header('x-correlator')
    if (correlator !== undefined && !correlatorPattern.test(correlator)) {
      return answerProblem(c, new ApiProblem('invalid-argument', 'x-correlator does not match its pattern'))
    }
    await next()
    if (correlator !== undefined) c.res.headers.set('x-correlator', correlator)
  }
}

export const camaraPhone = z
  .string()
  .regex(/^\+[1-9][0-9]{4,14}$/, 'expected E.164 with +')
  .openapi('PhoneNumber', { example: '+346661113334' })

const errorInfo = z.object({ status: z.int(), code: z.string(), message: z.string() }).openapi('ErrorInfo')
export const camaraFaults = {
  400: json(errorInfo, 'INVALID_ARGUMENT or OUT_OF_RANGE'),
  401: json(errorInfo, 'UNAUTHENTICATED'),
  403: json(errorInfo, 'PERMISSION_DENIED'),
  404: json(errorInfo, 'IDENTIFIER_NOT_FOUND'),
  422: json(errorInfo, 'MISSING_IDENTIFIER, UNNECESSARY_IDENTIFIER, SERVICE_NOT_APPLICABLE or one of the service’s own'),
  429: json(errorInfo, 'TOO_MANY_REQUESTS'),
} as const

/** The person asked about; throws what CAMARA wants for a missing, unnecessary, unknown or excluded identifier. */
export async function identify(c: Context<ApiEnv>, deps: ApiDeps, phoneNumber: string | undefined): Promise<Person> {
  const key = c.get('key')
  if (key.number !== '' && phoneNumber !== undefined) throw new ApiProblem('unnecessary-identifier')
  if (key.number === '' && phoneNumber === undefined) throw new ApiProblem('missing-identifier')
  if (phoneNumber !== undefined && deps.config.camara.notApplicablePrefixes.some((prefix) => phoneNumber.startsWith(prefix))) {
    throw new ApiProblem('service-not-applicable')
  }
  const person = phoneNumber === undefined ? await lookUpPseudonym(c, deps, key.number) : await lookUp(c, deps, phoneNumber)
  if (!(await wasSeen(deps, key.tenant, person))) throw neverSeen()
  return person
}
