import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Accounts } from './accounts.ts'
import { roles } from './accounts-config.ts'
import { SqliteAudit } from './adapters/sqlite-audit.ts'
import { hubApi } from './api.ts'
import { type Access, isOurHost, needOf } from './api-access.ts'
import type { ApiDeps } from './api-deps.ts'
import type { Problem, Role, SessionAnswer } from './console-api.ts'
import { hashPassword } from './passwords.ts'
import { LoginBrake, Sessions } from './sessions.ts'

const dir = mkdtempSync(join(tmpdir(), 'tributary-access-'))
const audit = new SqliteAudit(join(dir, 'audit.db'))
const accounts = new Accounts(join(dir, 'users.json'))
const idleMs = 60_000
const absoluteMs = 3600_000
let nowMs = Date.now()
let access: Access

const own = { host: '127.0.0.1:8080', 'content-type': 'application/json' }

function appOf(more: Partial<Access> = {}) {
  access = {
    accounts,
    sessions: new Sessions({ idleMs, absoluteMs }),
    brake: new LoginBrake(),
    audit,
    mode: 'auto',
    hosts: ['hub.example'],
    cookie: 'tributary-north',
    isBehindTls: false,
    nowMs: () => nowMs,
    ...more,
  }
  return hubApi({ access, audit, region: 'north', consoleDir: dir, report: { apiFailed: () => {} } } as unknown as ApiDeps)
}

async function loggedIn(app: ReturnType<typeof hubApi>, name: string, cookie = ''): Promise<Response> {
  const body = JSON.stringify({ name, password: `password of ${name}` })
  return app.request('/api/session', { method: 'POST', headers: { ...own, cookie }, body })
}

function cookieOf(response: Response): string {
  return response.headers.get('set-cookie')?.split(';')[0] ?? ''
}

before(async () => {
  for (const role of roles) accounts.save({ name: role, role, hash: await hashPassword(`password of ${role}`), changedMs: 1 })
})
after(() => {
  audit.close()
  rmSync(dir, { recursive: true, force: true })
})

test('every route for every role: below the need it is refused and told which role it needs, from it on it is let through', async () => {
  const app = appOf()
  const cookies = new Map<Role, string>()
  for (const role of roles) cookies.set(role, cookieOf(await loggedIn(app, role)))
  const routes = new Map(
    app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => [`${method} ${path.replace(/:\w+/g, 'x')}`, method] as const),
  )
  assert.ok(routes.size >= 40, `${routes.size} routes`)
  for (const [route, method] of routes) {
    const path = route.slice(method.length + 1)
    if (path === '/api/session') continue
    const need = needOf(method, path)
    if (!path.startsWith('/api')) {
      assert.equal(need, null, route)
      continue
    }
    assert.notEqual(need, null, route)
    const nobody = await app.request(path, { method, headers: own })
    assert.equal(nobody.status, 401, route)
    for (const [at, role] of roles.entries()) {
      const answer = await app.request(path, { method, headers: { ...own, cookie: cookies.get(role)! } })
      if (at >= roles.indexOf(need!)) assert.ok(![401, 403, 421].includes(answer.status), `${route} as ${role}: ${answer.status}`)
      else {
        assert.equal(answer.status, 403, `${route} as ${role}`)
        assert.equal(((await answer.json()) as Problem).need, need)
      }
      await answer.body?.cancel().catch(() => {})
    }
  }
  assert.equal(needOf('POST', '/api/lookup'), 'operator')
  assert.equal(needOf('GET', '/api/audit'), 'privacy-officer')
  assert.equal(needOf('GET', '/api/anything-new'), 'operator')
})

test('another site’s page and another name for this host are refused, with accounts and without', async () => {
  for (const mode of ['open', 'accounts'] as const) {
    const app = appOf({ mode })
    const cookie = mode === 'open' ? '' : cookieOf(await loggedIn(app, 'operator'))
    const write = async (headers: Record<string, string>) =>
      (await app.request('/api/maintenance', { method: 'POST', headers: { ...own, cookie, ...headers }, body: '{}' })).status
    const passes = async (headers: Record<string, string>) => assert.equal(await write(headers), 400)
    const fails = async (headers: Record<string, string>) => assert.equal(await write(headers), 403)
    await passes({})
    await passes({ origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-origin' })
    await fails({ origin: 'http://evil.example' })
    await fails({ origin: 'http://127.0.0.1:8081' })
    await fails({ origin: 'null' })
    await fails({ 'sec-fetch-site': 'cross-site' })
    await fails({ 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:8080' })
    assert.equal(await write({ 'content-type': 'text/plain' }), 415)
    for (const host of ['evil.example', 'evil.example:8080', '127.0.0.1.evil.example', 'localhost.evil.example']) {
      assert.equal((await app.request('/api/status', { headers: { host, cookie } })).status, 421, host)
      assert.equal(await write({ host }), 421, host)
    }
    const page = await app.request('/', { headers: { host: 'hub.example' } })
    assert.equal(page.status, 200)
    assert.doesNotMatch(page.headers.get('content-security-policy') ?? '', /unsafe-inline|unsafe-eval/)
  }
  assert.ok(isOurHost('[::1]:80', []) && isOurHost('LOCALHOST', []) && isOurHost('10.1.2.3:1', []))
  assert.ok(!isOurHost(undefined, []) && !isOurHost('', []) && !isOurHost('hub', []))
})

test('a session has a new id at each login, ends idle, old, logged out or when its account changes; its cookie is out of a script’s reach', async () => {
  const app = appOf()
  const who = async (cookie: string) => {
    const answer = await app.request('/api/session', { headers: { ...own, cookie } })
    return ((await answer.json()) as SessionAnswer).user?.name ?? null
  }
  const first = await loggedIn(app, 'viewer')
  assert.match(first.headers.get('set-cookie')!, /^tributary-north=[\w-]{43}; Max-Age=3600; Path=\/; HttpOnly; SameSite=Strict$/)
  const planted = cookieOf(first)
  const second = cookieOf(await loggedIn(app, 'viewer', planted))
  assert.notEqual(second, planted)
  assert.equal(await who(planted), null)
  assert.equal(await who(second), 'viewer')
  nowMs += idleMs - 1
  assert.equal(await who(second), 'viewer')
  nowMs += idleMs
  assert.equal(await who(second), null)
  const third = cookieOf(await loggedIn(app, 'viewer'))
  for (let at = 0; at < absoluteMs / (idleMs - 1) - 1; at++) {
    nowMs += idleMs - 1
    assert.equal(await who(third), 'viewer')
  }
  nowMs += idleMs - 1
  assert.equal(await who(third), null)
  const fourth = cookieOf(await loggedIn(app, 'viewer'))
  await app.request('/api/session', { method: 'DELETE', headers: { ...own, cookie: fourth } })
  assert.equal(await who(fourth), null)
  const fifth = cookieOf(await loggedIn(app, 'viewer'))
  accounts.save({ ...accounts.find('viewer')!, role: 'operator' })
  assert.equal(await who(fifth), null)
  accounts.save({ ...accounts.find('viewer')!, role: 'viewer' })
})

test('guessing is slowed, by name and by address, and neither log nor answer says whether the name exists', async () => {
  const app = appOf()
  const before = audit.verify().entries
  const guess = async (name: string) => {
    const answer = await app.request('/api/session', {
      method: 'POST',
      headers: own,
      body: JSON.stringify({ name, password: 'guess-guess' }),
    })
    return { status: answer.status, text: await answer.text() }
  }
  const [known, unknown] = [await guess('viewer'), await guess('nobody')]
  assert.deepEqual(known, unknown)
  assert.equal(known.status, 401)
  for (let at = 0; at < 3; at++) await guess('viewer')
  assert.equal((await guess('operator')).status, 429)
  assert.equal((await loggedIn(app, 'viewer')).status, 429)
  nowMs += 31_000
  assert.equal((await loggedIn(app, 'viewer')).status, 200)
  const log = JSON.stringify(audit.list(0, nowMs + 1, 100).slice(0, audit.verify().entries - before))
  assert.doesNotMatch(log, /guess|password of|nobody/)
})

test('no account means open on loopback; a file that others can read, or that is broken, lets nobody in', async () => {
  const file = join(dir, 'others.json')
  const app = appOf({ accounts: new Accounts(file) })
  const mode = async () => ((await (await app.request('/api/session', { headers: own })).json()) as SessionAnswer).mode
  assert.equal(await mode(), 'open')
  writeFileSync(file, '{"users":[]}', { mode: 0o644 })
  assert.equal((await app.request('/api/status', { headers: own })).status, 503)
  rmSync(file)
  writeFileSync(file, '{"users":[{"name":"x","role":"viewer","hash":"plain","changedMs":1}]}', { mode: 0o600 })
  assert.equal((await app.request('/api/status', { headers: own })).status, 503)
})
