/**
 * The API against its own document, made from the schemas that validate: every operation is called with the examples it shows, and its answer
 * judged by the schema it promises. Then who may ask what, how often, how much; and that no number is kept.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { QuantileSketch } from '../shared/quantile-sketch.ts'
import { type CoreOnNats, startCoreOnNats } from './fixtures/core-on-nats.ts'
import { type Document, problemsOf } from './fixtures/openapi-schema.ts'

type Schema = Record<string, unknown>
interface Operation {
  readonly parameters?: readonly { name: string; in: string; required?: boolean; schema: Schema }[]
  readonly requestBody?: { content: Record<string, { schema: Schema }> }
  readonly responses: Record<string, { content?: Record<string, { schema: Schema }> }>
}

const phone = '+353851234567'
const t0 = Math.floor((Date.now() - 3600_000) / 60_000) * 60_000
const iso = (ms: number) => new Date(ms).toISOString()
const hex = (n: number) => n.toString(16).padStart(8, '0').repeat(4)
let core: CoreOnNats

before(async () => {
  core = await startCoreOnNats()
  const number = core.number(phone)
  const sketch = new QuantileSketch()
  for (const dbm of [80, 90, 100]) sketch.add(dbm)
  const from = { agent: 'north-1', epoch: 'e.1' }
  await core.plant('binding', [{ kind: 0, from: number, to: hex(1), firstMs: t0, lastMs: t0, revision: 1, retracted: 0 }])
  await core.plant('sighting', [{ key: '01', timeMs: t0, subscriber: hex(1), device: hex(2), cell: '272-01-75893002' }])
  const people = Array.from({ length: 25 }, (_, at) => ({
    key: (at + 10).toString(16),
    timeMs: t0 + at,
    subscriber: hex(at + 1),
    cell: '272-01-75893002',
    latitude: 53.3,
    longitude: -6.2,
    radiusM: 200,
    motion: 1,
  }))
  const few = Array.from({ length: 19 }, (_, at) => ({ ...people[at]!, key: `f${(at + 10).toString(16)}`, latitude: 52 }))
  await core.plant('position', [...people, { ...people[0]!, key: 'ff', timeMs: t0 + 50 }, ...few])
  await core.plant('sim-movement', [
    {
      id: hex(5),
      type: 'device-swap',
      timeMs: t0,
      detectedMs: t0,
      revision: 1,
      retracted: 0,
      confirmed: 1,
      subscriber: hex(1),
      number,
      before: hex(7),
      after: hex(2),
      beforeModel: 35824005,
    },
  ])
  await core.plant('alert', [
    {
      id: hex(6),
      type: 'device-swap',
      severity: 'major',
      timeMs: t0,
      detectedMs: t0,
      revision: 1,
      retracted: 0,
      subscriber: hex(1),
      device: hex(2),
      cell: '272-01-75893002',
      evidence: '{"a":1}',
    },
  ])
  await core.plant(
    'window',
    [
      {
        startMs: t0,
        widthMs: 10_000,
        part: 1,
        cell: '272-01-75893002',
        family: 0,
        events: 3,
        attach: 2,
        handover: 1,
        drop: 0,
        bytesUp: 10,
        bytesDown: 20,
        rsrpCount: 3,
        rsrpSumDbm: -270,
        rsrpMinDbm: -100,
        rsrpMaxDbm: -80,
        rsrpSketch: sketch.encode(),
      },
    ],
    from,
  )
  await core.plant(
    'usage',
    [
      {
        startMs: t0,
        widthMs: 10_000,
        part: 1,
        cell: '272-01-75893002',
        application: 'dns',
        protocol: 'udp',
        flows: 2,
        packetsUp: 4,
        packetsDown: 5,
        bytesUp: 400,
        bytesDown: 500,
        lossCount: 0,
        lossSum: 0,
      },
    ],
    from,
  )
  await core.plant(
    'loss',
    [{ key: '0a', timeMs: t0, lane: 'window', record: 'window', reason: 'quota', rows: 4, batches: 1, fromMs: t0, toMs: t0 + 10 }],
    from,
  )
  const heard = { epoch: 'e.1', timeMs: t0 + 1000, enrolled: 1, lastSeenMs: t0, completeThroughMs: t0, received: 3, missing: 0 }
  await core.plant('progress', [
    { ...heard, agent: 'north-1' },
    { ...heard, agent: 'north-2', completeThroughMs: Date.now() + 3600_000 },
  ])
  await core.plant(
    'tally',
    [
      {
        minuteMs: t0,
        family: 'network',
        source: 's',
        eventType: 'attach',
        revision: 1,
        accepted: 3,
        rejected: 0,
        duplicate: 0,
        late: 0,
        lost: 0,
      },
    ],
    from,
  )
  await core.until(
    () => core.ask<{ items: unknown[] }>('/v1/events/counts'),
    ({ body }) => body.items.length === 1,
  )
})
after(() => core?.end())

test('every operation answers its own examples with what it promises', async () => {
  const { body: document } = await core.ask<Document & { paths: Record<string, Record<string, Operation>> }>('/openapi.json')
  assert.equal(document.openapi, '3.1.0')
  const called: string[] = []
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const method of ['get', 'post', 'put', 'patch', 'delete'].filter((one) => one in operations)) {
      const operation = operations[method]!
      const schema = operation.requestBody?.content['application/json']?.schema
      const body = schema === undefined ? undefined : sample(document, schema, path)
      const query = (operation.parameters ?? [])
        .filter((one) => one.in === 'query')
        .map((one) => [one.name, sample(document, one.schema, one.name)] as const)
      const search = new URLSearchParams(
        Object.fromEntries(query.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))),
      )
      const id = path.includes('alerts') ? hex(6) : 'harbour'
      const answer = await core.ask(`${path.replace('{id}', id)}?${search}`, body, { method: method.toUpperCase() })
      const words = `${method} ${path}?${search} ${JSON.stringify(body)} → ${answer.status} ${JSON.stringify(answer.body)}`
      assert.ok(answer.status < 300 || (method === 'get' && path.includes('fences') && answer.status === 404), words)
      const promised = operation.responses[String(answer.status)]
      assert.ok(promised !== undefined, words)
      const content = Object.values(promised.content ?? {})[0]
      if (content !== undefined) assert.deepEqual(problemsOf(document, content.schema, answer.body), [], words)
      called.push(`${method} ${path}`)
    }
  }
  assert.ok(called.length >= 20, called.join(', '))
})

/** The example a schema shows; where it shows none, the smallest thing that makes sense for the name. */
function sample(document: Document, schema: Schema, name: string): unknown {
  if (typeof schema.$ref === 'string')
    return sample(
      document,
      schema.$ref
        .split('/')
        .slice(1)
        .reduce<unknown>((at, part) => (at as Schema)[part], document) as Schema,
      name,
    )
  if (name === 'phoneNumber') return phone
  if (schema.example !== undefined) return schema.example
  if (schema.default !== undefined) return schema.default
  if (Array.isArray(schema.enum)) return schema.enum[0]
  if (schema.type === 'object') {
    const wanted = Object.entries((schema.properties ?? {}) as Record<string, Schema>).filter(
      ([key]) => ((schema.required ?? []) as string[]).includes(key) || key === 'phoneNumber' || key === 'device',
    )
    return Object.fromEntries(wanted.map(([key, inner]) => [key, sample(document, inner, key)]))
  }
  return ['by', 'reason'].includes(name) ? 'somebody' : undefined
}

test('KPIs, usage, population and completeness say what was planted', async () => {
  const list = async (path: string) => (await core.ask<{ items: Record<string, unknown>[]; suppressedTiles?: number }>(path)).body
  const range = `from=${iso(t0)}&to=${iso(t0 + 60_000)}`
  const [kpi] = (await list(`/v1/cells/kpis?${range}&bucket=1m&groupBy=cell,region&cell=272-001-75893002`)).items
  assert.deepEqual(
    [kpi!.bucket, kpi!.cell, kpi!.region, kpi!.events, kpi!.attaches, kpi!.handovers],
    [iso(t0), '272-01-75893002', 'north', 3, 2, 1],
  )
  assert.ok(Math.abs((kpi!.rsrp_dbm_p50 as number) + 90) < 0.5)
  assert.equal((await core.ask(`/v1/cells/kpis?bucket=7s`)).status, 400)
  assert.equal((await core.ask(`/v1/cells/kpis?bucket=2d`)).status, 400)
  const [usage] = (await list(`/v1/applications/usage?${range}&groupBy=application,protocol`)).items
  assert.deepEqual(
    [usage!.application, usage!.protocol, usage!.flows, usage!.packets_up, usage!.bytes_down, usage!.rtt_ms_p50],
    ['dns', 'udp', 2, 4, 500, null],
  )
  const population = await list(`/v1/population?${range}&tileM=1000`)
  assert.deepEqual(
    population.items.map(({ count, tileM }) => ({ count, tileM })),
    [{ count: 25, tileM: 1000 }],
  )
  assert.equal(population.suppressedTiles, 1)
  assert.deepEqual((await list(`/v1/population?${range}&region=south`)).items, [])
  const rows = (await list(`/v1/completeness?from=${iso(Date.now() - 60_000)}&to=${iso(Date.now())}`)).items
  assert.deepEqual(
    rows.map(({ region, agent, completeness, silent }) => ({ region, agent, completeness, silent })),
    [
      { region: 'north', agent: undefined, completeness: 0.5, silent: ['north-1'] },
      { region: 'north', agent: 'north-1', completeness: 0, silent: true },
      { region: 'north', agent: 'north-2', completeness: 1, silent: false },
    ],
  )
  const lossy = (await list(`/v1/completeness?from=${iso(t0 - 60_000)}&to=${iso(t0 + 5)}`)).items
  assert.deepEqual(
    (lossy[1]!.losses as { reason: string; rows: number }[]).map(({ reason, rows }) => ({ reason, rows })),
    [{ reason: 'quota', rows: 4 }],
  )
})

test('without a key 401, without the scope 403, another tenant sees nothing, a revoked key is refused at once', async () => {
  const as = (key: string) => ({ headers: { authorization: `Bearer ${key}` } })
  const none = await core.ask('/v1/alerts', undefined, { headers: { authorization: '' } })
  assert.equal(none.status, 401)
  assert.equal(none.headers.get('content-type'), 'application/problem+json')
  assert.equal(none.body.type, 'urn:tributary:problem:unauthenticated')
  for (const authorization of ['Basic abc', `Bearer ${core.apiKey}x`, core.apiKey])
    assert.equal((await core.ask('/v1/alerts', undefined, { headers: { authorization } })).status, 401)
  const narrow = core.makeKey({ scopes: ['events:read', 'sim-swap'] })
  assert.equal((await core.ask('/v1/events/counts', undefined, as(narrow))).status, 200)
  assert.equal((await core.ask('/v1/alerts', undefined, as(narrow))).status, 403)
  assert.equal((await core.ask('/sim-swap/v2/check', { phoneNumber: phone }, as(narrow))).status, 200)
  assert.equal((await core.ask('/device-swap/v1/check', { phoneNumber: phone }, as(narrow))).body.code, 'PERMISSION_DENIED')
  const other = core.makeKey({ tenant: 'other' })
  for (const path of ['/v1/alerts', '/v1/events/counts', '/v1/completeness', '/v1/applications/usage', '/v1/fences']) {
    const { body } = await core.ask<{ items: unknown[] }>(path, undefined, as(other))
    assert.deepEqual(body.items, [], path)
  }
  assert.equal((await core.ask(`/v1/alerts/${hex(6)}`, undefined, as(other))).status, 404)
  assert.equal((await core.ask('/v1/subscribers/location', { phoneNumber: phone }, as(other))).status, 404)
  const own = core.makeKey({ phoneNumber: '+353850000099' })
  assert.equal((await core.ask('/v1/subscribers/location', { phoneNumber: phone }, as(own))).status, 403)
  core.revokeKey(narrow)
  assert.equal((await core.ask('/v1/events/counts', undefined, as(narrow))).status, 401)
})

test('bad input is named, too much is refused, and a rate has a limit that is told', async () => {
  const bad = await core.ask<{ errors: { field: string }[] }>('/v1/events/counts?from=yesterday&groupBy=family,colour')
  assert.equal(bad.status, 400)
  assert.deepEqual(bad.body.errors.map(({ field }) => field).sort(), ['from', 'groupBy'])
  assert.equal((await core.ask('/v1/subscribers/location', { phoneNumber: '353851234567' })).status, 400)
  assert.equal((await core.ask('/v1/subscribers/location', { phoneNumber: phone, at: '2026-11-21 12:00' })).status, 400)
  assert.equal((await core.ask('/v1/subscribers/track', { phoneNumber: phone, cursor: 'AAAA' })).status, 400)
  assert.equal((await core.ask('/v1/subscribers/track', { phoneNumber: phone, filler: 'x'.repeat(70_000) })).status, 413)
  const raw = (init: RequestInit) => core.ask('/v1/subscribers/location', undefined, { method: 'POST', ...init })
  assert.equal((await raw({ body: '{', headers: { 'content-type': 'application/json' } })).status, 400)
  assert.equal((await raw({ body: '{}', headers: { 'content-type': 'text/plain' } })).status, 415)
  assert.equal((await core.ask('/v1/nothing')).status, 404)

  const limited = await startCoreOnNats({ requestsPerMinute: 3 })
  try {
    const answers = []
    for (let at = 0; at < 4; at++) answers.push(await limited.ask('/v1/fences'))
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 429],
    )
    assert.match(answers[0]!.headers.get('ratelimit')!, /limit=3, remaining=2/)
    assert.ok(Number(answers[3]!.headers.get('retry-after')) > 0)
    assert.equal((await limited.ask('/sim-swap/v2/check', { phoneNumber: phone })).body.code, 'TOO_MANY_REQUESTS')
  } finally {
    await limited.end()
  }
})

test('the docs page asks no other host, and its policy forbids it', async () => {
  const page = await core.ask<string>('/docs')
  assert.equal(page.status, 200)
  assert.doesNotMatch(page.body, /https?:\/\//)
  assert.match(page.headers.get('content-security-policy')!, /default-src 'none'/)
  for (const asset of ['swagger-ui.css', 'swagger-ui-bundle.js', 'start.js']) assert.equal((await core.ask(`/docs/${asset}`)).status, 200)
  assert.equal((await core.ask('/docs/..%2f..%2fpackage.json')).status, 404)
  assert.equal((await core.ask('/health')).body.status, 'ok')
})

test('a number that was asked for is in no file, no log line and no metric; the look-up is audited by pseudonym', async () => {
  await core.ask('/v1/subscribers/location', { phoneNumber: phone })
  await core.ask(`/v1/alerts?subscriber=${encodeURIComponent(phone)}`)
  await core.ask('/v1/subscribers/location', { phoneNumber: `${phone}x` })
  const digits = phone.slice(1)
  const texts = [core.logLines.join(''), await (await fetch(`${core.adminUrl}/metrics`)).text()]
  for (const file of readdirSync(join(core.dir, 'core'), { recursive: true, withFileTypes: true })) {
    if (file.isFile()) texts.push(readFileSync(join(file.parentPath, file.name), 'latin1'))
  }
  for (const text of texts) assert.ok(!text.includes(digits))
  const pseudonym = core.pseudonymiser.text(core.pseudonymiser.words('msisdn', digits))
  assert.ok(core.logLines.some((line) => line.includes('"audit":"look-up"') && line.includes(pseudonym)))
})
