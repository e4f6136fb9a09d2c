/** The hub as a process: killed in mid-flow, asked over HTTP, followed over its stream. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { headers as natsHeaders } from '@nats-io/transport-node'
import { connectNats, ensureStream, type NatsConnection } from '#shared/adapters/nats-connection.ts'
import { BatchBuilder } from '#shared/batch-builder.ts'
import { decodeBatch } from '#shared/batch-codec.ts'
import { type Beat, type Fence, headers, subjects, type Triage, type Watermark } from '#shared/control.ts'
import { QuantileSketch } from '#shared/quantile-sketch.ts'
import type { Batch } from '#shared/records.ts'
import { sleep } from '#shared/retry.ts'
import { emptyLive, type LiveMessage, type LiveState, reduceLive } from './reduce-live.ts'
import { freePort, killed, type Sent, sent, sightingsOf, TestRegion } from './test-region.ts'

const region = new TestRegion(process.env.TRIBUTARY_NATS_SERVER ?? 'nats-server')
const abort = new AbortController()
const lanes: Watermark['lanes'][number][] = []
let client: NatsConnection
let coreClient: NatsConnection
let hub: ChildProcess | undefined
let apiUrl = ''
let adminUrl = ''
let configFile = ''

before(async () => {
  await region.start()
  client = await connectNats({ url: region.url, name: 'test', signal: abort.signal })
  coreClient = await connectNats({ url: region.coreUrl, name: 'test-core', signal: abort.signal })
  for (const stream of ['TRUNK', 'CLAIMS', 'CONTROL'] as const) {
    await ensureStream(coreClient, stream, { maxBytes: 64 << 20, signal: abort.signal })
  }
  client.subscribe(subjects.watermark('default', 'north', 'north-1'), {
    callback: (_, message) => {
      lanes.push(...message.json<Watermark>().lanes)
    },
  })
  const [api, admin] = await Promise.all([freePort(), freePort()])
  apiUrl = `http://127.0.0.1:${api}`
  adminUrl = `http://127.0.0.1:${admin}`
  writeFileSync(`${region.dir}/key`, `k1:${'5a'.repeat(32)}\n`, { mode: 0o600 })
  configFile = `${region.dir}/hub.yaml`
  const settings = {
    region: 'north',
    dataDir: `${region.dir}/hub`,
    identity: { keyFile: `${region.dir}/key` },
    nats: { url: region.url, inboxMaxBytes: 64 << 20 },
    api: { port: api },
    admin: { port: admin },
    roster: ['north-1', 'north-2'],
    snapshot: { intervalS: 0.3 },
    log: { level: process.env.TEST_LOG ?? 'warn' },
  }
  writeFileSync(configFile, JSON.stringify(settings))
  await startHub()
})
after(async () => {
  await killed(hub)
  abort.abort()
  await sleep(100)
  await region.stop()
})

test('a hub killed with -9 again and again in mid-flow loses nothing and frees nothing too early', { timeout: 120_000 }, async () => {
  let seq = 0
  for (let round = 0; round < 4; round++) {
    for (let at = 0; at < 60; at++) await publish(sightingsOf('north', 'north-1', 'e1', 'sighting', ++seq, 4))
    await sleep(round * 90)
    await killed(hub)
    const freed = latest('e1')
    const there = new Set(await sightingKeys())
    for (let one = 1; one <= freed; one++) assert.ok(there.has(`${one * 1000}`), `batch ${one} was freed and is not in the trunk`)
    await startHub()
  }
  await until(async () => latest('e1') === seq, `watermark ${seq}`)
  assert.equal(new Set(await sightingKeys()).size, seq * 4)
})

test('completeness: who was heard, through when, and who is silent', { timeout: 30_000 }, async () => {
  const watermarkMs = Date.now()
  const beat: Beat = {
    agent: 'north-1',
    epoch: 'e1',
    timeMs: watermarkMs,
    watermarkMs,
    lanes: [{ epoch: 'e1', lane: 'sighting', highestSeq: 240, oldestSeq: 1 }],
  }
  client.publish(subjects.beat('default', 'north', 'north-1'), JSON.stringify(beat))
  await until(async () => {
    const { items } = await get('/api/agents')
    return items.find((one) => one.agent === 'north-1')?.completeThroughMs === watermarkMs
  }, 'complete through the beat')
  const { items, silent, completeness } = await get('/api/agents')
  assert.deepEqual(silent, ['north-2'])
  assert.equal(completeness, 0.5)
  assert.equal(items[0]?.received, 960)
  const health = await fetch(`${adminUrl}/health`)
  assert.equal(((await health.json()) as { status: string }).status, 'degraded')
})

test('windows of two agents merge into KPIs with the quantiles of both', { timeout: 30_000 }, async () => {
  const startMs = Math.floor(Date.now() / 60_000) * 60_000 - 60_000
  for (const [agent, low] of [
    ['north-1', 70],
    ['north-2', 90],
  ] as const) {
    const builder = new BatchBuilder('window', 1)
    const row = builder.add()
    const sketch = new QuantileSketch()
    for (let at = 0; at < 100; at++) sketch.add(low + at / 10)
    builder.columns.startMs[row] = startMs
    builder.columns.widthMs[row] = 10_000
    builder.columns.part[row] = 0
    builder.columns.cell[row] = builder.code('272-01-75893002')
    builder.columns.family[row] = 0
    builder.columns.events[row] = 100
    builder.columns.drop[row] = 1
    builder.setBytes('rsrpSketch', sketch.encode())
    await publish(sent(builder.finish({ tenant: 'default', region: 'north', agent, epoch: 'w', lane: 'window', seq: 1 })))
  }
  const query = `from=${startMs}&to=${startMs + 60_000}&bucket=1m&cell=272-001-75893002`
  await until(async () => (await get(`/api/kpis?${query}`)).items[0]?.events === 200, 'both windows')
  const [row] = (await get(`/api/kpis?${query}`)).items
  assert.ok(row)
  assert.equal(row.drops, 2)
  assert.ok(Math.abs(row.rsrpDbm.p50 + 80) / 80 < 0.01, `${row.rsrpDbm.p50}`)
  assert.equal((await fetch(`${apiUrl}/api/kpis?bucket=3s`)).status, 400)
})

test('the stream resumes behind the last id; live and replay end in the same state', { timeout: 60_000 }, async () => {
  const first = await follow(undefined, 3)
  const missed = first.at(-1)!.id
  await sleep(2_200)
  const second = await follow(missed, 2)
  assert.notEqual(second[0]!.message.type, 'state')
  assert.deepEqual(
    second.map(({ id }) => Number(id.split('-')[1])),
    second.map((_, at) => Number(missed.split('-')[1]) + 1 + at),
  )
  const elsewhere = await follow('other-7', 1)
  assert.equal(elsewhere[0]!.message.type, 'state')

  const reduced = [...first, ...second].reduce((state: LiveState, { message }) => reduceLive(state, message), emptyLive)
  const lastMs = second.at(-1)!.message.timeMs
  await sleep(600)
  const { messages } = await get(`/api/replay?from=${lastMs}&to=${lastMs + 1}`)
  const replayed = messages.reduce(reduceLive, emptyLive)
  // History keeps what agents say of themselves every 5 s, so the replayed word may be that much older.
  assert.deepEqual(Object.keys(replayed.agents), Object.keys(reduced.agents))
  for (const [name, agent] of Object.entries(replayed.agents)) {
    const live = reduced.agents[name]!
    assert.equal(agent.enrolled, live.enrolled)
    assert.ok(
      (live.lastSeenMs ?? 0) - (agent.lastSeenMs ?? lastMs) <= 6_000,
      `${name}: ${agent.lastSeenMs} in the replay, ${live.lastSeenMs} live`,
    )
  }
  assert.deepEqual(replayed.cells, reduced.cells)
  assert.deepEqual(replayed.alerts, reduced.alerts)
})

test('an alert is triaged here, the word is kept with its history and reaches the core', { timeout: 30_000 }, async () => {
  for (const [at, device] of [11, 12, 12, 12].entries()) await publish(deviceSighting(at, device))
  await until(async () => (await get('/api/alerts')).items.length > 0, 'an alert')
  const [alert] = (await get('/api/alerts?status=active')).items
  assert.ok(alert)
  const patch = (body: unknown, type = 'application/json') =>
    fetch(`${apiUrl}/api/alerts/${alert.id}`, { method: 'PATCH', headers: { 'content-type': type }, body: JSON.stringify(body) })
  assert.equal((await patch({ status: 'acknowledged', by: 'ann' })).status, 400)
  assert.equal((await patch({ status: 'closed', by: 'x', reason: '' }, 'text/plain')).status, 415)
  const answer = await patch({ status: 'acknowledged', by: 'ann', reason: 'known phone change', ticket: 'T-1' })
  const { status, history } = (await answer.json()) as { status: string; history: Triage[] }
  assert.equal(status, 'acknowledged')
  assert.equal(history.length, 1)
  await until(async () => {
    const manager = await jetstreamManager(coreClient)
    const message = await manager.streams.getMessage('CONTROL', { last_by_subj: subjects.triage('default', alert.id) })
    return message?.json<Triage>().ticket === 'T-1'
  }, 'the core has the triage')
  assert.equal(
    (await get('/api/alerts?status=active')).items.some((one) => one.id === alert.id),
    false,
  )
})

test('what the core says holds here: a fence, and a triage of a later revision', { timeout: 30_000 }, async () => {
  const fence: Fence = { id: 'f1', name: 'harbour', revision: 1, geometry: { type: 'Circle', center: [-6, 53], radiusM: 500 } }
  const [alert] = (await get('/api/alerts')).items
  assert.ok(alert)
  const triage: Triage = { alertId: alert.id, revision: 7, status: 'closed', by: 'core', reason: 'done', atMs: Date.now() }
  const core = jetstream(coreClient)
  await core.publish(subjects.fence('default', 'f1'), JSON.stringify(fence))
  await core.publish(subjects.fence('default', 'bad'), 'no JSON')
  await core.publish(subjects.triage('default', alert.id), JSON.stringify(triage))
  await until(async () => (await get('/api/fences')).items.length === 1, 'the fence')
  await until(async () => (await get('/api/alerts?status=closed')).items.some(({ id }) => id === alert.id), 'the alert is closed')
  await core.publish(subjects.fence('default', 'f1'), JSON.stringify({ ...fence, revision: 2, deleted: true }))
  await until(async () => (await get('/api/fences')).items.length === 0, 'the fence is gone')
})

function deviceSighting(at: number, device: number): Sent {
  const builder = new BatchBuilder('sighting', 1)
  const row = builder.add()
  const { columns } = builder
  columns.key.set([77, at], row * 2)
  columns.subscriber.set([9, 9, 9, 9], row * 4)
  columns.device.set([device, 1, 1, 1], row * 4)
  columns.model[row] = 35824005
  columns.timeMs[row] = Date.now() - 600_000 + at * 90_000
  columns.arrivalMs[row] = columns.timeMs[row]!
  columns.cell[row] = builder.code('272-01-75893002')
  return sent(builder.finish({ tenant: 'default', region: 'north', agent: 'north-1', epoch: 'd', lane: 'movement', seq: at + 1 }))
}

async function startHub(): Promise<void> {
  hub = spawn(process.execPath, ['regional-hub/main.ts', 'run', '--config', configFile], {
    stdio: ['ignore', 'ignore', process.env.TEST_LOG === undefined ? 'ignore' : 'inherit'],
  })
  await until(async () => (await fetch(`${adminUrl}/ready`).catch(() => undefined))?.status === 200, 'the hub is ready', 30_000)
}

interface Item {
  readonly id: string
  readonly agent: string
  readonly received: number
  readonly completeThroughMs: number
  readonly events: number
  readonly drops: number
  readonly rsrpDbm: { readonly p50: number }
}
interface Answer {
  readonly items: readonly Item[]
  readonly silent: readonly string[]
  readonly completeness: number
  readonly messages: readonly LiveMessage[]
}

async function get(path: string): Promise<Answer> {
  const response = await fetch(`${apiUrl}${path}`)
  assert.equal(response.status, 200, path)
  return (await response.json()) as Answer
}

async function follow(lastId: string | undefined, atLeast: number): Promise<{ id: string; message: LiveMessage }[]> {
  const end = new AbortController()
  const response = await fetch(`${apiUrl}/api/stream`, {
    signal: end.signal,
    ...(lastId !== undefined && { headers: { 'last-event-id': lastId } }),
  })
  let text = ''
  const found = () =>
    [...text.matchAll(/id: (\S+)\nevent: \S+\ndata: (.*)\n\n/g)].map(([, id, data]) => ({
      id: id!,
      message: JSON.parse(data!) as LiveMessage,
    }))
  try {
    for await (const octets of response.body!) {
      text += Buffer.from(octets as Uint8Array).toString('utf8')
      if (found().length >= atLeast) break
    }
  } finally {
    end.abort()
  }
  return found()
}

async function publish({ subject, header, frame }: Sent): Promise<void> {
  const set = natsHeaders()
  for (const [name, value] of Object.entries(header)) set.set(name, value)
  await jetstream(client).publish(subject, frame, { headers: set })
}

function latest(epoch: string): number {
  return Math.max(0, ...lanes.filter((one) => one.epoch === epoch).map(({ seq }) => seq))
}

async function sightingKeys(): Promise<string[]> {
  const manager = await jetstreamManager(coreClient)
  const { state } = await manager.streams.info('TRUNK')
  const rows: string[] = []
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage('TRUNK', { seq })
    if (message?.header.get(headers.topic) !== 'subscriber.events.north.sighting') continue
    const batch = decodeBatch(message.data) as Batch<'sighting'>
    for (let row = 0; row < batch.rows; row++) rows.push(`${batch.columns.key[row * 2 + 1]}`)
  }
  return rows
}

async function until(condition: () => Promise<boolean>, what: string, ms = 15_000): Promise<void> {
  const endMs = performance.now() + ms
  while (!(await condition())) {
    if (performance.now() > endMs) assert.fail(`not within ${ms} ms: ${what}`)
    await sleep(50)
  }
}
