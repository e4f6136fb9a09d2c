/** `/api/session`: who is at the screen; log in (a new session id each time) and out. Every try is in the audit log, without its password. */
import type { Context } from 'hono'
import { Hono } from 'hono'
import { z } from 'zod'
import { type Access, type ApiEnv, beginSession, endSession, isOpen } from './api-access.ts'
import { readBody, refused } from './api-problems.ts'
import type { SessionAnswer } from './console-api.ts'
import { verifyPassword } from './passwords.ts'
import type { Session } from './sessions.ts'

const login = z.strictObject({ name: z.string().min(1).max(64), password: z.string().min(1).max(1024) })
/** Each takes 64 MiB for a moment. */
const maxAtOnce = 2

export function sessionRoutes(access: Access): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>()
  let running = 0
  const note = (by: string, action: string, outcome: string, role = '') =>
    access.audit.append({ atMs: access.nowMs(), by, role, action, subject: by, reason: '', ticket: '', outcome })

  app.get('/session', (c) => c.json(answerOf(access, c.get('actor')?.session), 200, { 'cache-control': 'no-store' }))
  app.post('/session', async (c) => {
    const { name, password } = await readBody(c, login)
    if (isOpen(access)) throw refused(409, 'There are no accounts here: no login is needed.', 'tributary-hub user add makes the first.')
    const nowMs = access.nowMs()
    const keys = [`name ${name}`, `address ${addressOf(c)}`]
    const waitMs = access.brake.waitMs(keys, nowMs)
    if (waitMs > 0 || running >= maxAtOnce) {
      throw refused(429, 'Too many tries.', `Try again in ${Math.max(1, Math.ceil(waitMs / 1000))} s.`)
    }
    const account = access.accounts.find(name)
    running++
    const isRight = await verifyPassword(password, account?.hash).finally(() => running--)
    if (!isRight || account === undefined) {
      access.brake.failed(keys, nowMs)
      note(account === undefined ? '' : name, 'login', 'refused')
      throw refused(401, 'Name or password is wrong.')
    }
    access.brake.succeeded(keys)
    const session = beginSession(c, access, account)
    note(name, 'login', 'done', account.role)
    return c.json(answerOf(access, session), 200, { 'cache-control': 'no-store' })
  })
  app.delete('/session', (c) => {
    const actor = c.get('actor')
    endSession(c, access)
    if (actor?.session !== undefined) note(actor.name, 'logout', 'done', actor.role)
    return c.body(null, 204)
  })
  return app
}

function answerOf(access: Access, session: Session | undefined): SessionAnswer {
  const { idleMs, absoluteMs } = access.sessions.limits
  return {
    mode: isOpen(access) ? 'open' : 'accounts',
    user: session === undefined ? null : { name: session.account.name, role: session.account.role },
    idleMs,
    absoluteMs,
    sinceMs: session?.sinceMs ?? null,
    endsMs: session === undefined ? null : Math.min(session.usedMs + idleMs, session.sinceMs + absoluteMs),
  }
}

function addressOf(c: Context): string {
  const { incoming } = (c.env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } }
  return incoming?.socket?.remoteAddress ?? ''
}
