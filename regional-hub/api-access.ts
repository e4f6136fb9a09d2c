/**
 * Who may do what over HTTP. Every request passes here first, in this order: is it for this host (a page that made its own name point here is not),
 * does it come from this console's own page if it changes anything, who sends it, and may they.
 *
 * Roles: a viewer reads, an operator also acts and looks people up, the privacy officer also reads the audit log. Without accounts, on loopback only,
 * everybody may do everything. Deny is the default: an address that the table does not know needs an operator to read it.
 */
import { isIP } from 'node:net'
import type { Context, MiddlewareHandler } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type { Accounts } from './accounts.ts'
import type { Account } from './accounts-config.ts'
import type { SqliteAudit } from './adapters/sqlite-audit.ts'
import { refused } from './api-problems.ts'
import type { Role } from './console-api.ts'
import type { LoginBrake, Session, Sessions } from './sessions.ts'

export interface Access {
  readonly accounts: Accounts
  readonly sessions: Sessions
  readonly brake: LoginBrake
  readonly audit: SqliteAudit
  /** `auto`: no login while there is no account. */
  readonly mode: 'auto' | 'open' | 'accounts'
  /** Names by which browsers may call this hub, beside addresses and localhost. */
  readonly hosts: readonly string[]
  /** Its name, with the region in it: cookies do not tell ports apart. */
  readonly cookie: string
  /** The cookie is for TLS only. */
  readonly isBehindTls: boolean
  readonly nowMs: () => number
}

export interface Actor {
  readonly name: string
  readonly role: Role | 'open'
  readonly session?: Session
}

export type ApiEnv = { Variables: { actor: Actor | undefined } }

const rank: Readonly<Record<Role, number>> = { viewer: 1, operator: 2, 'privacy-officer': 3 }
const reading = new Set(['GET', 'HEAD'])

/** First match holds. `null`: no role needed. */
const needs: readonly (readonly [method: 'read' | 'write', path: RegExp, role: Role | null])[] = [
  ['read', /^\/$|^\/assets\/[^/]+$|^\/favicon\.ico$/, null],
  ['read', /^\/api\/session$/, null],
  ['write', /^\/api\/session$/, null],
  ['read', /^\/api\/audit$/, 'privacy-officer'],
  [
    'read',
    /^\/api\/(status|cells|cells\.bin|sites|unknown-cells|kpis|applications|agents|subscribers|fences|stream|live\/state|at|replay|situations|alerts|maintenance|incidents)(\/|$)/,
    'viewer',
  ],
]

export function needOf(method: string, path: string): Role | null {
  const kind = reading.has(method) ? 'read' : 'write'
  const found = needs.find(([of, pattern]) => of === kind && pattern.test(path))
  return found === undefined ? 'operator' : found[2]
}

export function isOpen({ mode, accounts }: Access): boolean {
  return mode === 'open' || (mode === 'auto' && accounts.list().length === 0)
}

export function guardAccess(access: Access): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const { method, path } = c.req
    if (!isOurHost(c.req.header('host'), access.hosts)) {
      return refused(421, 'This hub does not go by that name.', 'Call it by its address, or add the name to access.hosts.').getResponse()
    }
    if (!reading.has(method) && isForeign(c)) {
      return refused(403, 'Another site’s page may change nothing here.').getResponse()
    }
    const actor = actorFrom(c, access)
    const need = needOf(method, path)
    if (need !== null && actor === undefined) return refused(401, 'Log in first.', `This needs the role ${need}.`, need).getResponse()
    if (need !== null && actor !== undefined && !allows(actor, need)) {
      return refused(
        403,
        'Your role does not allow this.',
        `It needs the role ${need}; ${actor.name} is ${actor.role}.`,
        need,
      ).getResponse()
    }
    c.set('actor', actor)
    await next()
  }
}

/** The name under which something is done: the account's, or what a person at an open console says. */
export function nameOf(c: Context<ApiEnv>, said: string | undefined): string {
  const actor = c.get('actor')
  return actor === undefined || actor.role === 'open' ? (said ?? 'console') : actor.name
}

export function beginSession(c: Context<ApiEnv>, access: Access, account: Account): Session {
  const nowMs = access.nowMs()
  const id = access.sessions.begin(account, nowMs, getCookie(c, access.cookie))
  const { absoluteMs } = access.sessions.limits
  setCookie(c, access.cookie, id, {
    httpOnly: true,
    sameSite: 'Strict',
    path: '/',
    secure: access.isBehindTls,
    maxAge: Math.floor(absoluteMs / 1000),
  })
  return { account, sinceMs: nowMs, usedMs: nowMs }
}

export function endSession(c: Context<ApiEnv>, access: Access): void {
  const id = getCookie(c, access.cookie)
  if (id !== undefined) access.sessions.end(id)
  deleteCookie(c, access.cookie, { path: '/' })
}

function allows({ role }: Actor, need: Role): boolean {
  return role === 'open' || rank[role] >= rank[need]
}

function actorFrom(c: Context, access: Access): Actor | undefined {
  if (isOpen(access)) return { name: 'console', role: 'open' }
  const id = getCookie(c, access.cookie)
  const session = id === undefined ? undefined : access.sessions.use(id, access.nowMs(), (name) => access.accounts.find(name))
  return session && { name: session.account.name, role: session.account.role, session }
}

/** An address cannot be made to point here by somebody else’s DNS; a name can. */
export function isOurHost(host: string | undefined, known: readonly string[]): boolean {
  if (host === undefined) return false
  const name = host.replace(/:\d{1,5}$/, '').toLowerCase()
  const bare = name.replace(/^\[|\]$/g, '')
  return name === 'localhost' || isIP(bare) !== 0 || known.includes(name)
}

/** Browsers say where a write comes from; programs that are none say neither. */
function isForeign(c: Context): boolean {
  const site = c.req.header('sec-fetch-site')
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  const origin = c.req.header('origin')
  return origin !== undefined && !/^https?:\/\//.test(origin) ? true : origin !== undefined && new URL(origin).host !== c.req.header('host')
}
