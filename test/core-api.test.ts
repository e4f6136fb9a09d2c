import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type CoreOnNats, startCoreOnNats } from './fixtures/core-on-nats.ts'

const sim = 'a1'.repeat(16)
const otherSim = 'b2'.repeat(16)
const device = 'c3'.repeat(16)
const phone = '+353851234567'
const t0 = Date.UTC(2026, 10, 20, 10)
const iso = (ms: number) => new Date(ms).toISOString()
let core: CoreOnNats

before(async () => {
  core = await startCoreOnNats()
})
after(() => core?.end())

test('counts are summed over agents and epochs, the highest revision of a key holds, and the range says what was answered', async () => {
  const key = { minuteMs: t0, family: 'network', source: 'site-7', eventType: 'attach' }
  await core.plant('tally', [{ ...key, revision: 1, accepted: 10, rejected: 1, duplicate: 0, late: 0, lost: 0 }], {
    agent: 'north-1',
    epoch: 'e.1',
  })
  await core.plant('tally', [{ ...key, revision: 3, accepted: 30, rejected: 2, duplicate: 5, late: 1, lost: 0 }], {
    agent: 'north-1',
    epoch: 'e.1',
  })
  await core.plant('tally', [{ ...key, revision: 2, accepted: 20, rejected: 1, duplicate: 0, late: 0, lost: 0 }], {
    agent: 'north-1',
    epoch: 'e.1',
  })
  await core.plant('tally', [{ ...key, revision: 1, accepted: 4, rejected: 0, duplicate: 0, late: 0, lost: 7 }], {
    agent: 'north-1',
    epoch: 'f.1',
  })
  await core.plant('tally', [{ ...key, minuteMs: t0 + 60_000, revision: 1, accepted: 100, rejected: 0, duplicate: 0, late: 0, lost: 0 }], {
    agent: 'north-2',
    epoch: 'e.1',
  })
  const path = `/v1/events/counts?from=${iso(t0 + 5_000)}&to=${iso(t0 + 61_000)}&groupBy=region`
  const { body } = await core.until(
    () => core.ask(path),
    ({ body }) => (body.items as { accepted: number }[])[0]?.accepted === 134,
  )
  assert.deepEqual(body.items, [{ region: 'north', accepted: 134, rejected: 2, duplicate: 5, late: 1, lost: 7 }])
  assert.deepEqual(body.range, { from: iso(t0), to: iso(t0 + 120_000) })
  const byAgent = await core.ask<{ items: unknown[] }>(`/v1/events/counts?to=${iso(t0 + 60_000)}&groupBy=agent,event_type`)
  assert.deepEqual(byAgent.body.items, [
    { agent: 'north-1', event_type: 'attach', accepted: 34, rejected: 2, duplicate: 5, late: 1, lost: 7 },
  ])
  assert.equal((await core.ask('/v1/events/counts?groupBy=cell')).status, 400)
})

test('a phone number is found through its binding; where the cell is not in the inventory the place is null', async () => {
  const seen = (key: string, timeMs: number, cell: string) => ({
    key,
    timeMs,
    arrivalMs: timeMs,
    subscriber: sim,
    device,
    cell,
    family: 0,
    reason: 1,
    eventType: 'attach',
  })
  await core.plant('binding', [
    { kind: 0, from: core.number(phone), to: sim, firstMs: t0, lastMs: t0 + 600_000, revision: 1, retracted: 0 },
  ])
  await core.plant('sighting', [seen('11', t0, '272-01-1'), seen('22', t0 + 60_000, '272-01-2'), seen('33', t0 + 120_000, '272-01-3')])
  await core.plant('position', [
    { key: '11', timeMs: t0, subscriber: sim, cell: '272-01-1', latitude: 53.3, longitude: -6.2, radiusM: 300, motion: 2 },
    { key: '22', timeMs: t0 + 60_000, subscriber: sim, cell: '272-01-2', latitude: 53.4, longitude: -6.3, radiusM: 400, motion: 3 },
  ])
  const location = (at?: number) => core.ask('/v1/subscribers/location', { phoneNumber: phone, ...(at && { at: iso(at) }) })
  const { body } = await core.until(
    () => location(),
    ({ status }) => status === 200,
  )
  assert.deepEqual(body, { position: null, cell: '272-01-3', region: 'north', time: iso(t0 + 120_000), motion: 'unknown' })
  assert.deepEqual((await location(t0 + 70_000)).body, {
    position: { latitude: 53.4, longitude: -6.3, radiusM: 400 },
    cell: '272-01-2',
    region: 'north',
    time: iso(t0 + 60_000),
    motion: 'vehicle',
  })
  assert.equal((await core.ask('/v1/subscribers/location', { phoneNumber: '+353850000000' })).status, 404)

  const track = (more: object) =>
    core.ask<{ items: { cell: string; position: unknown }[]; next: string | null }>('/v1/subscribers/track', {
      phoneNumber: phone,
      from: iso(t0),
      to: iso(t0 + 200_000),
      ...more,
    })
  const first = (await track({ limit: 2 })).body
  assert.deepEqual(
    first.items.map(({ cell }) => cell),
    ['272-01-1', '272-01-2'],
  )
  const rest = (await track({ limit: 2, cursor: first.next })).body
  assert.deepEqual(
    rest.items.map(({ cell, position }) => ({ cell, position })),
    [{ cell: '272-01-3', position: null }],
  )
  assert.equal(rest.next, null)
})

test('a number that moved to another SIM is not followed on the old one, and its past stays its own', async () => {
  const moved = '+353851112223'
  const number = core.number(moved)
  const at = t0 + 3600_000
  await core.plant('binding', [
    { kind: 0, from: number, to: sim, firstMs: at, lastMs: at + 1_000, revision: 1, retracted: 0 },
    { kind: 0, from: number, to: otherSim, firstMs: at + 10_000, lastMs: at + 20_000, revision: 1, retracted: 0 },
  ])
  await core.plant('sighting', [
    { key: '44', timeMs: at, subscriber: sim, cell: '272-01-4' },
    { key: '55', timeMs: at + 15_000, subscriber: otherSim, cell: '272-01-5' },
    { key: '66', timeMs: at + 50_000, subscriber: sim, cell: '272-01-6' },
  ])
  const location = (ms: number) => core.ask<{ cell: string }>('/v1/subscribers/location', { phoneNumber: moved, at: iso(ms) })
  const { body } = await core.until(
    () => location(at + 60_000),
    ({ status }) => status === 200,
  )
  assert.equal(body.cell, '272-01-5')
  assert.equal((await location(at + 5_000)).body.cell, '272-01-4')
})

test('an alert is listed once, triaged with its history, and hidden when every region has taken it back', async () => {
  const id = 'd4'.repeat(16)
  const alert = {
    id,
    type: 'device-swap',
    severity: 'major',
    timeMs: t0 + 1_000,
    detectedMs: t0 + 2_000,
    retracted: 0,
    subscriber: sim,
    device,
    cell: '272-01-1',
    evidence: '{"regions":["north","south"]}',
  }
  await core.plant('alert', [{ ...alert, revision: 1 }])
  await core.plant('alert', [{ ...alert, revision: 2 }], { region: 'south' })
  const list = (query = '') => core.ask<{ items: Record<string, unknown>[] }>(`/v1/alerts?from=${iso(t0)}&to=${iso(t0 + 60_000)}${query}`)
  const { body } = await core.until(
    () => list(),
    ({ body }) => body.items[0]?.rev === 2,
  )
  assert.equal(body.items.length, 1)
  assert.equal(body.items[0]!.region, 'south')
  assert.equal(body.items[0]!.status, 'active')
  assert.match(String(body.items[0]!.subscriber), /^psn1\.t1\.[a-z2-7]{26}$/)
  assert.equal((await list('&region=north')).body.items.length, 1)
  assert.equal((await list('&type=clone')).body.items.length, 0)

  const patch = await core.ask(
    `/v1/alerts/${id}`,
    { status: 'acknowledged', by: 'ann', reason: 'calling the customer', ticket: 'T-1' },
    { method: 'PATCH' },
  )
  assert.equal(patch.status, 200)
  assert.equal(patch.body.status, 'acknowledged')
  assert.equal((await list('&status=active')).body.items.length, 0)
  assert.equal((await list('&status=acknowledged')).body.items.length, 1)

  await core.plant('alert', [{ ...alert, revision: 3, retracted: 1 }], { region: 'south' })
  await core.until(
    () => list(),
    ({ body }) => body.items[0]?.region === 'north',
  )
  await core.plant('alert', [{ ...alert, revision: 2, retracted: 1 }])
  await core.until(
    () => list(),
    ({ body }) => body.items.length === 0,
  )
  const history = await core.ask<{ items: { what: string; by: string }[] }>(`/v1/alerts/${id}/history`)
  assert.deepEqual(history.body.items.map(({ what }) => what).sort(), ['acknowledged', 'raised', 'raised', 'retracted', 'retracted'])
})

test('a frame that does not decode is set aside, one of an earlier hub refused; the lane goes on, and a restart continues', async () => {
  await core.append('ledger.north', Buffer.from('no batch'))
  const row = { family: 'dpi', source: 's', eventType: 'flow', revision: 1, accepted: 1, rejected: 0, duplicate: 0, late: 0, lost: 0 }
  await core.plant('tally', [{ ...row, minuteMs: t0 + 3600_000 }], { agent: 'north-1' }, 7)
  await core.plant('tally', [{ ...row, minuteMs: t0 + 7200_000 }], { agent: 'north-1' }, 6)
  const counts = () => core.ask<{ items: { accepted: number }[] }>(`/v1/events/counts?from=${iso(t0 + 3600_000)}&groupBy=family`)
  await core.until(counts, ({ body }) => body.items[0]?.accepted === 1)
  await core.stopCore()
  await core.startCore()
  await core.plant('tally', [{ ...row, minuteMs: t0 + 3 * 3600_000, accepted: 5 }], { agent: 'north-1' }, 7)
  await core.until(counts, ({ body }) => body.items[0]?.accepted === 6)
  const metrics = await (await fetch(`${core.adminUrl}/metrics`)).text()
  assert.match(metrics, /tributary_core_rows_total/)
})

test('the schema registry’s read side shows the schemas that ship', async () => {
  await core.plant(
    'progress',
    [{ agent: 'west-1', epoch: 'e.1', timeMs: t0, enrolled: 1, lastSeenMs: t0, completeThroughMs: t0, received: 1, missing: 0 }],
    { region: 'west' },
  )
  const { body } = await core.until(
    () => core.ask<string[]>('/subjects'),
    ({ body }) => body.includes('alerts.west-value'),
  )
  assert.ok(body.includes('location.updates.west-value'))
  const { body: latest } = await core.ask<{ id: number; schema: string }>('/subjects/alerts.west-value/versions/latest')
  const { body: byId } = await core.ask<{ schema: string }>(`/schemas/ids/${latest.id}`)
  assert.equal(byId.schema, latest.schema)
  assert.equal((JSON.parse(latest.schema) as { name: string }).name, 'Alert')
  const missing = await core.ask<{ error_code: number }>('/subjects/nothing-value/versions/1')
  assert.deepEqual([missing.status, missing.body.error_code], [404, 40401])
  assert.equal((await core.ask<{ error_code: number }>('/schemas/ids/999')).body.error_code, 40403)
})
