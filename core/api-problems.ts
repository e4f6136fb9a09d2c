/**
 * What the API answers when it cannot answer: problem+json (RFC 9457) with a type that stays the same for the same fault, or CAMARA's own
 * error shape on CAMARA paths. One table for both, so that a fault has one meaning.
 */
import type { Context } from 'hono'

export const problems = {
  'invalid-argument': { status: 400, title: 'The request is not valid.', camara: 'INVALID_ARGUMENT' },
  'out-of-range': { status: 400, title: 'A value is out of range.', camara: 'OUT_OF_RANGE' },
  unauthenticated: { status: 401, title: 'A valid API key is needed.', camara: 'UNAUTHENTICATED' },
  'permission-denied': { status: 403, title: 'This API key does not have the scope for that.', camara: 'PERMISSION_DENIED' },
  'not-found': { status: 404, title: 'There is no such thing.', camara: 'NOT_FOUND' },
  'identifier-not-found': { status: 404, title: 'This number was never seen.', camara: 'IDENTIFIER_NOT_FOUND' },
  'method-not-allowed': { status: 405, title: 'This path does not know that method.', camara: 'METHOD_NOT_ALLOWED' },
  'body-too-large': { status: 413, title: 'The request body is too large.', camara: 'INVALID_ARGUMENT' },
  'unsupported-media-type': { status: 415, title: 'The body must be application/json.', camara: 'UNSUPPORTED_MEDIA_TYPE' },
  'missing-identifier': { status: 422, title: 'The device cannot be identified.', camara: 'MISSING_IDENTIFIER' },
  'unnecessary-identifier': { status: 422, title: 'The device is already identified by the API key.', camara: 'UNNECESSARY_IDENTIFIER' },
  'unsupported-identifier': { status: 422, title: 'That kind of identifier is not supported.', camara: 'UNSUPPORTED_IDENTIFIER' },
  'service-not-applicable': { status: 422, title: 'The service is not offered for this number.', camara: 'SERVICE_NOT_APPLICABLE' },
  'unable-to-locate': { status: 422, title: 'The device cannot be located.', camara: 'LOCATION_RETRIEVAL.UNABLE_TO_LOCATE' },
  'unable-to-fulfill-max-age': {
    status: 422,
    title: 'No location as fresh as asked for.',
    camara: 'LOCATION_RETRIEVAL.UNABLE_TO_FULFILL_MAX_AGE',
  },
  'unable-to-fulfill-max-surface': {
    status: 422,
    title: 'No location as precise as asked for.',
    camara: 'LOCATION_RETRIEVAL.UNABLE_TO_FULFILL_MAX_SURFACE',
  },
  'too-many-requests': { status: 429, title: 'Too many requests with this API key.', camara: 'TOO_MANY_REQUESTS' },
  internal: { status: 500, title: 'Something went wrong here.', camara: 'INTERNAL' },
} as const
export type ProblemCode = keyof typeof problems
type ProblemStatus = (typeof problems)[ProblemCode]['status']

/** Thrown by a handler; `detail` is told to the caller and never holds an identity. */
export class ApiProblem extends Error {
  readonly code: ProblemCode
  readonly errors: readonly { readonly field: string; readonly detail: string }[]

  constructor(code: ProblemCode, detail = '', errors: readonly { readonly field: string; readonly detail: string }[] = []) {
    super(detail === '' ? problems[code].title : detail)
    this.code = code
    this.errors = errors
  }
}

const camaraPath = /^\/(sim-swap|device-swap|location-retrieval)\//

export function isCamara(path: string): boolean {
  return camaraPath.test(path)
}

export function answerProblem(c: Context, { code, message, errors }: ApiProblem): Response {
  const { status, title, camara } = problems[code]
  // CAMARA's documents know neither 405, 413 nor 500 answers by name of their own; their common list has the codes used here
  if (isCamara(c.req.path)) return c.json({ status, code: camara, message }, status as ProblemStatus)
  const body = { type: `urn:tributary:problem:${code}`, title, status, detail: message, ...(errors.length > 0 && { errors }) }
  return c.body(JSON.stringify(body), status as ProblemStatus, { 'content-type': 'application/problem+json' })
}
