/** What the console's page asks of a running hub, with the uplink there and without. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { headers as natsHeaders } from '@nats-io/transport-node'
import { parquetReadObjects } from 'hyparquet'
import { connectNats, ensureStream, type NatsConnection } from '#shared/adapters/nats-connection.ts'
import { BatchBuilder } from '#shared/batch-builder.ts'
import { type Beat, type Fence, subjects } from '#shared/control.ts'
import { Pseudonymiser, readIdentityKey } from '#shared/pseudonym.ts'
import { sleep } from '#shared/retry.ts'
import type * as api from './console-api.ts'
import { decodeCells, expandLive } from './console-wire.ts'
import { inScript } from './incident-page.ts'
import { emptyLive, reduceLive } from './reduce-live.ts'
import { freePort, killed, type Sent, sent, TestRegion } from './test-region.ts'

const region = new TestRegion(process.env.TRIBUTARY_NATS_SERVER ?? 'nats-server')
const abort = new AbortController()
const phoneNumber = '+353871234567'
const cell = '272-01-101'
let client: NatsConnection
let coreClient: NatsConnection
let hub: ChildProcess | undefined
let url = ''
let pseudonyms: Pseudonymiser
let log = ''
const startedMs = Date.now()

before(async () => {
  await region.start()
  client = await connectNats({ url: region.url, name: 'test', signal: abort.signal })
  coreClient = await connectNats({ url: region.coreUrl, name: 'test-core', signal: abort.signal })
  for (const stream of ['TRUNK', 'CLAIMS', 'CONTROL'] as const) {
    await ensureStream(coreClient, stream, { maxBytes: 64 << 20, signal: abort.signal })
  }
  const [port, admin] = await Promise.all([freePort(), freePort()])
  url = `http://127.0.0.1:${port}`
  const keyFile = `${region.dir}/key`
  writeFileSync(keyFile, `k1:${'5a'.repeat(32)}\n`, { mode: 0o600 })
  pseudonyms = new Pseudonymiser(readIdentityKey(keyFile), 100)
  const rows = Array.from({ length: 3 }, (_, at) => `LTE,272,1,1,${100 + at},0,${-6 + at / 10},53,800,${at * 120}`)
  writeFileSync(`${region.dir}/cells.csv`, `radio,mcc,net,area,cell,unit,lon,lat,range,azimuth\n${rows.join('\n')}\n`)
  const settings = {
    region: 'north',
    dataDir: `${region.dir}/hub`,
    identity: { keyFile },
    nats: { url: region.url, inboxMaxBytes: 64 << 20 },
    api: { port },
    admin: { port: admin },
    roster: ['north-1', 'north-2', 'north-3'],
    cells: { file: `${region.dir}/cells.csv` },
    snapshot: { intervalS: 0.3 },
    log: { level: 'debug' },
  }
  writeFileSync(`${region.dir}/hub.yaml`, JSON.stringify(settings))
  hub = spawn(process.execPath, ['regional-hub/main.ts', 'run', '--config', `${region.dir}/hub.yaml`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  hub.stderr!.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  await until(
    async () => (await fetch(`http://127.0.0.1:${admin}/ready`).catch(() => undefined))?.status === 200,
    'the hub is ready',
    60_000,
  )
  for (const [at, device] of [11, 12, 12, 12].entries()) await publish(sighting(at, device))
  await publish(losses())
  beat('north-1')
  await until(async () => (await get<api.AlertsAnswer>('/api/alerts')).items.length > 0, 'an alert')
})
after(async () => {
  await killed(hub)
  abort.abort()
  await sleep(100)
  await region.stop()
})

test('the page starts from cells in octets and one snapshot, and the stream goes on behind it', { timeout: 30_000 }, async () => {
  const first = await fetch(`${url}/api/cells.bin`)
  const table = decodeCells(await first.arrayBuffer())
  assert.deepEqual(table.names.slice(0, 3), ['272-01-100', '272-01-101', '272-01-102'])
  assert.deepEqual([...table.azimuthDeg.slice(0, 3)], [0, 120, 240])
  const again = await fetch(`${url}/api/cells.bin`, { headers: { 'if-none-match': first.headers.get('etag')! } })
  assert.equal(again.status, 304)
  await until(async () => (await get<api.LiveSnapshot>('/api/live/state')).subscribers.subscriber.length > 0, 'a subscriber in motion')
  const snapshot = await get<api.LiveSnapshot>('/api/live/state')
  const stream = await fetch(`${url}/api/stream?lastEventId=${snapshot.id}`, { signal: AbortSignal.timeout(5_000) })
  const { value } = await stream.body!.getReader().read()
  assert.doesNotMatch(Buffer.from(value!).toString('utf8'), /event: state/)
  const state = expandLive(snapshot)
  assert.equal(Object.keys(state.alerts).length, (await get<api.AlertsAnswer>('/api/alerts')).items.length)
})

test('any minute comes back as it was: the same as replay leads to', { timeout: 30_000 }, async () => {
  await sleep(6_000)
  const nowMs = Date.now()
  await sleep(300)
  const at = await get<api.LiveSnapshot>(`/api/at?time=${nowMs}`)
  assert.equal(at.isKnown, true)
  const { messages } = await get<api.ReplayAnswer>(`/api/replay?from=${nowMs}&to=${nowMs + 1}&speed=60`)
  assert.deepEqual(expandLive(at), messages.reduce(reduceLive, emptyLive))
  assert.ok(Object.keys(expandLive(at).alerts).length > 0)
  const before = await get<api.LiveSnapshot>(`/api/at?time=${startedMs - 60_000}`)
  assert.equal(before.isKnown, false)
  assert.equal((await fetch(`${url}/api/at`)).status, 400)
})

test('situations: silent agents, what mutes them, and a snooze that wakes by itself', { timeout: 40_000 }, async () => {
  const find = async (id: string) => (await get<api.SituationsAnswer>('/api/situations')).items.find((one) => one.id === id)
  assert.equal((await find('upstream:north'))?.severity, 'critical')
  assert.equal((await find('agent:north-2'))?.muted?.by, 'parent')
  const until_ = new Date(Date.now() + 3600_000).toISOString()
  const scope = { kind: 'agent', key: 'north-2' }
  const made = await send<api.Maintenance>('POST', '/api/maintenance', { scope, by: 'ann', reason: 'mast work', until: until_ }, 201)
  assert.equal(made.matches, 1)
  assert.equal((await find('agent:north-2'))?.muted?.by, 'maintenance')
  await send('PATCH', `/api/maintenance/${made.id}`, { end: true, by: 'ann' })
  await send('PATCH', `/api/maintenance/${made.id}`, { end: true, by: 'ann' }, 409)
  assert.equal((await find('agent:north-2'))?.muted?.by, 'parent')
  await send('POST', '/api/maintenance', { scope, reason: 'no', until: '2020-01-01T00:00:00Z' }, 400)

  const [alert] = (await get<api.AlertsAnswer>('/api/alerts?status=active')).items
  const snooze = { status: 'snoozed', by: 'ann', reason: 'later', until: new Date(Date.now() + 1_500).toISOString() }
  const { items, unknown } = await send<api.TriageManyAnswer>('POST', '/api/alerts/triage', { ...snooze, ids: [alert!.id, '0'.repeat(32)] })
  assert.deepEqual([items[0]!.status, unknown.length], ['snoozed', 1])
  const snoozed = await get<api.SituationsAnswer>('/api/situations')
  assert.equal(snoozed.counts.snoozed, 1)
  assert.match(snoozed.grey.find(({ id }) => id === alert!.id)!.muted.words, /Snoozed until .* by ann: later/)
  await until(async () => (await get<api.AlertAnswer>(`/api/alerts/${alert!.id}`)).status === 'active', 'it woke')
  const { history } = await get<api.AlertAnswer>(`/api/alerts/${alert!.id}`)
  assert.deepEqual(
    history.map(({ by }) => by),
    ['ann', 'tributary'],
  )
})

test('a look-up by number answers by pseudonym, is in the audit log, and leaves the number nowhere', { timeout: 30_000 }, async () => {
  const asked = { phoneNumber, reason: 'stolen phone, case 7', role: 'fraud desk', by: 'ann' }
  await send('POST', '/api/lookup', { ...asked, reason: '' }, 400)
  await send('POST', '/api/lookup', { ...asked, pseudonym: 'x' }, 400)
  const found = await send<api.LookupAnswer>('POST', '/api/lookup', asked)
  assert.equal(found.isFound, true)
  assert.equal(found.asked, pseudonyms.text(pseudonyms.words('msisdn', phoneNumber.slice(1))))
  assert.deepEqual([found.sims.length, found.devices.length, found.regions.map(({ region }) => region)], [1, 2, ['north']])
  assert.ok(found.track.length > 0 && found.track.every(({ radiusM, latitude }) => radiusM! > 0 && latitude !== null))
  assert.ok(found.alerts.length > 0)
  const nobody = await send<api.LookupAnswer>('POST', '/api/lookup', { ...asked, phoneNumber: '+353870000000' })
  assert.deepEqual([nobody.isFound, nobody.entry.outcome, nobody.track], [false, 'not found', []])
  const same = await send<api.LookupAnswer>('POST', '/api/lookup', {
    pseudonym: found.sims[0]!.pseudonym,
    reason: 'again',
    role: 'fraud desk',
  })
  assert.deepEqual(same.devices, found.devices)
  const { items, verified } = await get<api.AuditAnswer>('/api/audit')
  assert.equal(verified.isWhole, true)
  assert.deepEqual(
    items.find(({ seq }) => seq === found.entry.seq),
    found.entry,
  )
  const files = ['audit.db', 'audit.db-wal', 'desk.db', 'alerts.db', 'alerts.db-wal'].map((name) => `${region.dir}/hub/${name}`)
  const kept = files.map((file) => {
    try {
      return readFileSync(file, 'latin1')
    } catch {
      return ''
    }
  })
  for (const text of [log, JSON.stringify([found, nobody, items]), ...kept]) assert.doesNotMatch(text, /353871234567|353870000000/)
})

test('a list as a file holds what the list shows, and no spreadsheet runs it', { timeout: 30_000 }, async () => {
  await send('POST', '/api/lookup', { phoneNumber, reason: '=HYPERLINK("http://evil.example")', role: '+desk', by: '@ann' })
  const csv = await (await fetch(`${url}/api/audit?format=csv&limit=1`)).text()
  assert.match(csv, /^seq,atMs,by,role,/)
  assert.match(csv, /,'@ann,'\+desk,lookup-number,/)
  assert.match(csv, /"'=HYPERLINK\(""http/)
  const { items } = await get<api.AlertsAnswer>('/api/alerts')
  const rows = await parquetReadObjects({ file: await (await fetch(`${url}/api/alerts?format=parquet`)).arrayBuffer() })
  assert.deepEqual(
    rows.map(({ id, timeMs, evidence }) => [id, (timeMs as Date).getTime(), JSON.parse(evidence as string)]),
    items.map(({ id, timeMs, evidence }) => [id, Math.floor(timeMs), evidence]),
  )
  for (const path of ['cells', 'agents', 'subscribers', 'kpis', `subscribers/${'1'.repeat(32)}/track`]) {
    for (const format of ['csv', 'parquet']) {
      const answer = await fetch(`${url}/api/${path}?format=${format}`)
      assert.equal(answer.status, 200, path)
      assert.match(answer.headers.get('content-disposition')!, /attachment/)
      assert.ok((await answer.arrayBuffer()).byteLength > 20, path)
    }
  }
})

test('what did this site lose: losses by reason, silences, gaps, in words and figures', { timeout: 30_000 }, async () => {
  await until(async () => (await get<api.LossesAnswer>('/api/agents/north-1/losses')).lostRows === 40, 'the losses')
  const lost = await get<api.LossesAnswer>('/api/agents/north-1/losses')
  assert.match(lost.words, /^40 rows were given up: 40 for quota \(window\)\./)
  const silent = await get<api.LossesAnswer>('/api/agents/north-2/losses')
  assert.match(silent.words, /^Nothing was given up\. It was silent once/)
  assert.equal(silent.silences[0]!.toMs, null)
  const page = await get<api.AgentPage>('/api/agents/north-1')
  assert.equal(page.health?.diskFreeBytes, 5)
  assert.ok(page.clockOffsetMs !== null && Math.abs(page.clockOffsetMs) < 60_000)
  assert.deepEqual(
    page.backlog.map(({ lane, batches, ageMs }) => [lane, batches, ageMs]),
    [['sighting', 9, 30_000]],
  )
  assert.equal((await fetch(`${url}/api/agents/nobody`)).status, 404)
})

test('an incident is a range with notes, and a file that needs no server and runs nothing it was given', { timeout: 30_000 }, async () => {
  const note = '</script><script>alert(1)</script>'
  const range = { from: new Date(startedMs - 3600_000).toISOString(), to: new Date().toISOString() }
  const made = await send<api.Incident>(
    'POST',
    '/api/incidents',
    { name: 'a <b>night</b>', ...range, note, by: 'ann', view: '/?time=1' },
    201,
  )
  await send('PATCH', `/api/incidents/${made.id}`, { note: 'looked again', by: 'bo' })
  const answer = await fetch(`${url}/api/incidents/${made.id}/export`)
  const html = await answer.text()
  assert.equal(html.match(/<script/g)?.length, 1)
  assert.doesNotMatch(html, /<b>night|src=|href=/)
  assert.match(html, /default-src 'none'; script-src 'none'/)
  const data = /id="tributary-incident">(.*?)<\/script>/s.exec(html)![1]!
  const file = JSON.parse(data) as api.IncidentFile
  assert.equal(inScript(JSON.stringify(file)), data)
  assert.deepEqual(
    file.incident.notes.map(({ words }) => words),
    [note, 'looked again'],
  )
  assert.ok(file.messages.length > 0 && file.alerts.length > 0 && file.cells.names.length === 3)
  assert.equal((await fetch(`${url}/api/incidents/${made.id}`, { method: 'DELETE' })).status, 204)
  assert.equal((await fetch(`${url}/api/incidents/${made.id}`)).status, 404)
})

test('a fence drawn while the uplink is cut is in force at once, and at the core when it is back', { timeout: 60_000 }, async () => {
  const geometry = { type: 'Circle', center: [-6, 53], radiusM: 400 }
  assert.equal((await send<api.FenceItem>('PUT', '/api/fences/harbour', { geometry, name: 'harbour' }, 201)).revision, 1)
  await until(async () => (await get<api.FenceItem>('/api/fences/harbour')).isTold, 'told')
  await region.kill('core')
  const changed = await send<api.FenceItem>('PUT', '/api/fences/harbour', { geometry: { ...geometry, radiusM: 900 }, dwellS: 60 })
  assert.deepEqual([changed.revision, changed.isTold, changed.name], [2, false, 'harbour'])
  assert.equal((await get<api.FencesAnswer>('/api/fences')).items[0]!.dwellS, 60)
  await region.startCore()
  await until(async () => (await get<api.FenceItem>('/api/fences/harbour')).isTold, 'told again', 40_000)
  const standing = async () => {
    const manager = await jetstreamManager(coreClient, { timeout: 1_000 })
    return (await manager.streams.getMessage('CONTROL', { last_by_subj: subjects.fence('default', 'harbour') }))?.json<Fence>()
  }
  await until(async () => (await standing().catch(() => undefined))?.revision === 2, 'the core answers again', 30_000)
  assert.equal((await standing())?.dwellS, 60)
  await jetstream(coreClient).publish(
    subjects.fence('default', 'harbour'),
    JSON.stringify({ id: 'harbour', name: 'core', revision: 9, geometry }),
  )
  await until(async () => (await get<api.FenceItem>('/api/fences/harbour')).revision === 9, 'the core’s word')
  assert.equal((await fetch(`${url}/api/fences/harbour`, { method: 'DELETE' })).status, 204)
  await until(async () => (await standing())?.deleted === true, 'gone at the core')
  await send('PUT', '/api/fences/bad', { geometry: { type: 'Circle', center: [999, 0], radiusM: 1 } }, 400)
})

function sighting(at: number, device: number): Sent {
  const builder = new BatchBuilder('sighting', 1)
  const row = builder.add()
  const { columns } = builder
  columns.key.set([77, at], row * 2)
  columns.subscriber.set([9, 9, 9, 9], row * 4)
  columns.number.set(pseudonyms.words('msisdn', phoneNumber.slice(1)), row * 4)
  columns.device.set([device, 1, 1, 1], row * 4)
  columns.model[row] = 35824005
  columns.timeMs[row] = Date.now() - 600_000 + at * 90_000
  columns.arrivalMs[row] = columns.timeMs[row]!
  columns.cell[row] = builder.code(cell)
  return sent(builder.finish({ tenant: 'default', region: 'north', agent: 'north-1', epoch: 'd', lane: 'movement', seq: at + 1 }))
}

function losses(): Sent {
  const builder = new BatchBuilder('loss', 1)
  const row = builder.add()
  const { columns } = builder
  columns.key.set([5, 5], row * 2)
  columns.timeMs[row] = Date.now() - 60_000
  columns.lane[row] = builder.code('window')
  columns.record[row] = builder.code('window')
  columns.reason[row] = builder.code('quota')
  columns.rows[row] = 40
  columns.batches[row] = 2
  return sent(builder.finish({ tenant: 'default', region: 'north', agent: 'north-1', epoch: 'd', lane: 'ledger', seq: 1 }))
}

function beat(agent: string): void {
  const timeMs = Date.now()
  const of: Beat = {
    agent,
    epoch: 'd',
    timeMs,
    watermarkMs: timeMs,
    lanes: [{ epoch: 'd', lane: 'sighting', highestSeq: 9, oldestSeq: 1 }],
    health: { diskFreeBytes: 5, oldestMs: { sighting: timeMs - 30_000 } },
  }
  client.publish(subjects.beat('default', 'north', agent), JSON.stringify(of))
}

async function get<T>(path: string): Promise<T> {
  const response = await fetch(`${url}${path}`)
  assert.equal(response.status, 200, path)
  return (await response.json()) as T
}

async function send<T>(method: string, path: string, body: unknown, status = 200): Promise<T> {
  const response = await fetch(`${url}${path}`, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const text = await response.text()
  assert.equal(response.status, status, `${method} ${path}: ${text}`)
  return JSON.parse(text) as T
}

async function publish({ subject, header, frame }: Sent): Promise<void> {
  const set = natsHeaders()
  for (const [name, value] of Object.entries(header)) set.set(name, value)
  await jetstream(client).publish(subject, frame, { headers: set })
}

async function until(condition: () => Promise<boolean>, what: string, ms = 15_000): Promise<void> {
  const endMs = performance.now() + ms
  while (!(await condition())) {
    if (performance.now() > endMs) assert.fail(`not within ${ms} ms: ${what}`)
    await sleep(50)
  }
}
