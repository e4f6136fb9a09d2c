/**
 * How a typed phone number becomes spans of subscribers, for every path that asks about one person. The number lives in the request's memory
 * only: it is pseudonymised here, the look-up is audited by pseudonym, and nothing that leaves here can be turned back.
 */
import type { Context } from 'hono'
import { routePath } from 'hono/route'
import { hexToWords, normaliseMsisdn, wordsToHex } from '#shared/pseudonym.ts'
import type { ApiDeps, ApiEnv } from './api-deps.ts'
import { ApiProblem } from './api-problems.ts'
import { resolveNumber, type Span } from './resolve-number.ts'

export interface Person {
  /** The number's pseudonym. */
  readonly number: string
  readonly spans: readonly Span[]
}

export async function lookUp(c: Context<ApiEnv>, deps: ApiDeps, phoneNumber: string): Promise<Person> {
  const number = wordsToHex(deps.pseudonymiser.words('msisdn', normaliseMsisdn(phoneNumber)))
  const own = c.get('key').number
  if (own !== '' && own !== number) throw new ApiProblem('permission-denied', 'this API key stands for one number, and it is not this one')
  return lookUpPseudonym(c, deps, number)
}

export async function lookUpPseudonym(c: Context<ApiEnv>, { history, pseudonymiser, report }: ApiDeps, number: string): Promise<Person> {
  const { id, tenant } = c.get('key')
  report.personLookedUp(id, tenant, routePath(c, -1), pseudonymiser.text(hexToWords(number)))
  return { number, spans: await resolveNumber(history, tenant, number) }
}

/** Bound to a SIM, or seen by itself: anything else was never seen. */
export async function wasSeen({ history }: ApiDeps, tenant: string, { number, spans }: Person): Promise<boolean> {
  if (spans.some((span) => span.who !== number)) return true
  if ((await history.lastSighting(tenant, number, Number.MAX_SAFE_INTEGER)) !== undefined) return true
  return (await history.movements(tenant, number, [], { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }, 1)).length > 0
}

export const neverSeen = () => new ApiProblem('identifier-not-found')

/** A pseudonym as people see it, or nothing. */
export function pseudonymText({ pseudonymiser }: ApiDeps, hex: string): string | undefined {
  return hex === '' ? undefined : pseudonymiser.text(hexToWords(hex))
}
