/** How the API says no: problem+json (RFC 9457), one sentence for the caller; and the one way queries and bodies are read and judged. */
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { z } from 'zod'
import type { Role } from './console-api.ts'

type Status = 400 | 401 | 403 | 404 | 409 | 413 | 415 | 421 | 429 | 503

export function problem(status: Status, title: string, detail = ''): HTTPException {
  return refused(status, title, detail)
}

/** `need`: the role that would be allowed. */
export function refused(status: Status, title: string, detail = '', need?: Role): HTTPException {
  const body = JSON.stringify({ type: 'about:blank', title, status, ...(detail !== '' && { detail }), ...(need !== undefined && { need }) })
  return new HTTPException(status, { res: new Response(body, { status, headers: { 'content-type': 'application/problem+json' } }) })
}

export function readQuery<S extends z.ZodType>(c: Context, schema: S): z.output<S> {
  return judged(schema, c.req.query(), 'The query is not valid.')
}

export function readPath<S extends z.ZodType>(value: string, schema: S): z.output<S> {
  return judged(schema, value, 'The address is not valid.')
}

/** Only JSON: a form from another page must not be able to change anything here. */
export async function readBody<S extends z.ZodType>(c: Context, schema: S): Promise<z.output<S>> {
  if (!/^application\/(merge-patch\+)?json\b/.test(c.req.header('content-type') ?? '')) throw problem(415, 'The body must be JSON.')
  let value: unknown
  try {
    value = await c.req.json()
  } catch {
    throw problem(400, 'The body is not JSON.')
  }
  return judged(schema, value, 'The body is not valid.')
}

function judged<S extends z.ZodType>(schema: S, value: unknown, title: string): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw problem(
    400,
    title,
    result.error.issues.map(({ path, message }) => `${path.join('.')}${path.length > 0 ? ': ' : ''}${message}`).join('; '),
  )
}
