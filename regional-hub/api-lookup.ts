/**
 * `/api/lookup`: a subscriber by typed number or pseudonym, and `/api/audit`: who did that. A number is made a pseudonym in this process's memory
 * and forgotten: it is in no log, no store, no answer and no error. Every look-up, found or not, is in the audit log before it is answered.
 */
import { Hono } from 'hono'
import { z } from 'zod'
import { hexToWords, normaliseMsisdn, parsePseudonym, wordsToHex } from '#shared/pseudonym.ts'
import { motions } from '#shared/records.ts'
import { type ApiEnv, nameOf } from './api-access.ts'
import { type ApiDeps, limit, range, rangeOf, time } from './api-deps.ts'
import { exported, formatOf } from './api-export.ts'
import { readBody, readQuery, refused } from './api-problems.ts'
import type { AuditAnswer, LookupAnswer, Tie } from './console-api.ts'
import type { Seen } from './look-up.ts'

const words = z.string().trim().min(3).max(1000)
const lookup = z
  .strictObject({
    phoneNumber: z
      .string()
      .regex(/^\+[1-9]\d{4,14}$/, 'expected a number with + and country code')
      .optional(),
    pseudonym: z.string().max(64).optional(),
    reason: words,
    role: z.string().trim().min(2).max(128),
    by: z.string().min(1).max(128).optional(),
    ticket: z.string().max(128).optional(),
    from: time.optional(),
    to: time.optional(),
  })
  .refine(
    ({ phoneNumber, pseudonym }) => (phoneNumber === undefined) !== (pseudonym === undefined),
    'expected one of phoneNumber and pseudonym',
  )
const auditQuery = z.strictObject({ ...range, limit: limit(10_000, 200), format: formatOf })
const dayMs = 24 * 3600_000
const trackDays = 7
const maxPoints = 20_000
const perMinute = 30

export function lookupRoutes({ audit, history, alerts, clock, pseudonyms, lookUp }: ApiDeps): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>()
  let minute = 0
  let used = 0
  app.post('/lookup', async (c) => {
    const { phoneNumber, pseudonym, reason, role, by, ticket = '', from, to } = await readBody(c, lookup)
    const nowMs = clock.nowMs()
    if (Math.floor(nowMs / 60_000) !== minute) {
      minute = Math.floor(nowMs / 60_000)
      used = 0
    }
    if (++used > perMinute) throw refused(429, 'Too many look-ups.', `At most ${perMinute} a minute.`)
    const key = phoneNumber === undefined ? keyOf(pseudonym!) : pseudonyms.compute('msisdn', normaliseMsisdn(phoneNumber)).slice()
    const text = (hex: string) => pseudonyms.text(hexToWords(hex))
    const asked = pseudonyms.text(key)
    const found = lookUp(key)
    if (found === undefined) throw refused(503, 'The hub is still starting.')
    const { fromMs, toMs } = rangeOf({ from: from ?? nowMs - trackDays * dayMs, to }, nowMs)
    const people = [...new Set([...found.sims.map(({ key }) => key), wordsToHex(key)])]
    const octets = people.map((hex) => new Uint8Array(Buffer.from(hex, 'hex')))
    const rows = await history.ask('tracks', { people: octets, fromMs, toMs, limit: maxPoints })
    const isFound = found.isKnown || rows.length > 0
    const account = c.get('actor')?.role
    const entry = audit.append({
      atMs: nowMs,
      by: nameOf(c, by),
      role: account === undefined || account === 'open' ? role : `${account}; ${role}`,
      action: phoneNumber === undefined ? 'lookup-pseudonym' : 'lookup-number',
      subject: asked,
      reason,
      ticket,
      outcome: isFound ? 'found' : 'not found',
    })
    const ties = (seen: readonly Seen[]): Tie[] => seen.map(({ key, firstMs, lastMs }) => ({ pseudonym: text(key), firstMs, lastMs }))
    const names = people.map(text)
    const answer: LookupAnswer = {
      entry,
      isFound,
      asked,
      sims: ties(found.sims),
      numbers: ties(found.numbers),
      devices: ties(found.devices),
      regions: found.regions.map(({ key: region, firstMs, lastMs }) => ({ region, firstMs, lastMs })),
      track: rows.map(({ motion, subscriber, ...point }) => ({
        ...point,
        subscriber: text(Buffer.from(subscriber).toString('hex')),
        motion: motions[motion ?? 0] ?? 'unknown',
      })),
      alerts: alerts.about(names),
    }
    return c.json(answer, 200, { 'cache-control': 'no-store' })
  })
  app.get('/audit', (c) => {
    const { limit, format, ...asked } = readQuery(c, auditQuery)
    const { fromMs, toMs } = rangeOf({ from: asked.from ?? 0, to: asked.to }, clock.nowMs())
    const items = audit.list(fromMs, toMs, limit)
    if (format !== 'json') return exported(c, format, 'audit', items)
    const answer: AuditAnswer = { items, verified: audit.verify() }
    return c.json(answer, 200, { 'cache-control': 'no-store' })
  })
  return app
}

function keyOf(pseudonym: string): Uint32Array {
  const key = parsePseudonym(pseudonym)
  if (key !== undefined) return key
  if (/^[0-9a-f]{32}$/.test(pseudonym)) return hexToWords(pseudonym)
  throw refused(400, 'The body is not valid.', 'pseudonym: expected psn1.… or 32 hex digits')
}
