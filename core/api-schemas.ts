/**
 * The shapes that several API paths share: times, ranges, pages, groups, completeness. The OpenAPI document is made from these same schemas.
 * A phone number is only ever part of a body.
 */
import { z } from '@hono/zod-openapi'
import type { Range } from './ports.ts'

const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/

export const time = z
  .string()
  .refine(
    (text) => rfc3339.test(text) && Number.isFinite(Date.parse(text)),
    'expected an RFC 3339 time with zone, such as 2026-11-21T12:00:00Z',
  )
  .openapi({ format: 'date-time', example: '2026-11-21T12:00:00Z' })

export const rangeQuery = {
  from: time.optional().openapi({ description: 'inclusive; without it, from the beginning' }),
  to: time.optional().openapi({ description: 'exclusive; without it, open' }),
}

const farAheadMs = Date.UTC(2200, 0, 1)

/** Throws nothing: the schema has judged the texts. A range that ends before it begins is empty. */
export function rangeOf({ from, to }: { from?: string | undefined; to?: string | undefined }): Range {
  const fromMs = from === undefined ? 0 : Date.parse(from)
  return { fromMs, toMs: to === undefined ? farAheadMs : Date.parse(to) }
}

/** The range widened to whole steps. */
export function widen({ fromMs, toMs }: Range, stepMs: number): Range {
  return { fromMs: Math.floor(fromMs / stepMs) * stepMs, toMs: Math.ceil(toMs / stepMs) * stepMs }
}

export const rangeAnswer = z
  .object({ from: time, to: time })
  .openapi({ description: 'the range really answered for: what was asked, widened to the resolution of what is stored' })

export function rangeText({ fromMs, toMs }: Range) {
  return { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() }
}

export const phoneNumber = z
  .string()
  .regex(/^\+[1-9][0-9]{4,14}$/)
  .openapi({ description: 'E.164 with +; never stored', example: '+353851234567' })

export const limit = (most: number, standard: number) =>
  z.coerce.number().int().min(1).max(most).default(standard).openapi({ type: 'integer', description: 'items in a page' })

export const cursor = z
  .string()
  .max(256)
  .regex(/^[A-Za-z0-9_-]*$/)
  .optional()
  .openapi({ description: 'the `next` of the page before' })

export function encodeCursor(timeMs: number, id: string): string {
  return Buffer.from(`${timeMs}/${id}`).toString('base64url')
}

export function decodeCursor(text: string): { timeMs: number; id: string } | undefined {
  const match = /^(-?\d+(?:\.\d+)?)\/([0-9a-f]*)$/.exec(Buffer.from(text, 'base64url').toString())
  return match === null ? undefined : { timeMs: Number(match[1]), id: match[2]! }
}

/** A list of names separated by commas, each from a fixed set. */
export function groupBy<G extends string>(groups: readonly G[], standard: readonly G[]) {
  return z
    .string()
    .max(200)
    .default(standard.join(','))
    .refine((text) => groupsOf(text).every((one) => (groups as readonly string[]).includes(one)), `expected names of: ${groups.join(', ')}`)
    .openapi({ description: `any of ${groups.join(', ')}, separated by commas; empty for one total`, example: groups[0] })
}

export function groupsOf<G extends string>(text: string): G[] {
  return [...new Set(text.split(',').filter((one) => one !== ''))] as G[]
}

export const completeness = z
  .object({
    completeness: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .openapi({ description: 'share of enrolled agents whose data arrived for the whole range' }),
    agents: z.int(),
    silent: z.array(z.object({ region: z.string(), agent: z.string() })),
    regions: z.array(z.object({ region: z.string(), completeness: z.number(), watermark: time.nullable() })),
  })
  .openapi('Completeness')

/** `{items, next, completeness}` around a kind of item. */
export function listOf<T extends z.ZodType>(item: T, name: string) {
  return z.object({ items: z.array(item), next: z.string().nullable(), completeness }).openapi(name)
}

export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z.array(z.object({ field: z.string(), detail: z.string() })).optional(),
  })
  .openapi('Problem')

const problemContent = (description: string) => ({ description, content: { 'application/problem+json': { schema: problem } } })

export const faults = {
  400: problemContent('the request is not valid'),
  401: problemContent('no valid API key'),
  403: problemContent('the API key lacks the scope'),
  429: problemContent('too many requests'),
} as const
export const notFound = { 404: problemContent('never seen, or not there') } as const

export function json<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { 'application/json': { schema } } }
}

export function body<T extends z.ZodType>(schema: T) {
  return { body: { required: true, content: { 'application/json': { schema } } } }
}
