/** The claim directory, fences and triage between a real core and regions, over a real nats-server, and what survives its death. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { ensureStream } from '../shared/adapters/nats-connection.ts'
import { type Claim, type Notice, subjects } from '../shared/control.ts'
import { sleep } from '../shared/retry.ts'
import { type CoreOnNats, startCoreOnNats } from './fixtures/core-on-nats.ts'

const key = 'ab'.repeat(16)
let core: CoreOnNats

before(async () => {
  core = await startCoreOnNats()
})
after(() => core?.end())

function claim(region: string, timeMs: number): Claim {
  const sighting = {
    region,
    timeMs,
    subscriber: key,
    number: '',
    device: 'cd'.repeat(16),
    model: 35824005,
    cell: `${region}-1`,
    latitude: 1,
    longitude: 2,
    radiusM: 300,
  }
  return { id: `${region}.${timeMs}`, kind: 'sim', key, hubEpoch: 1, sighting }
}

async function send(one: Claim): Promise<void> {
  const connection = await core.client()
  await ensureStream(connection, 'CLAIMS')
  await jetstream(connection).publish(subjects.claim('default', one.sighting.region), JSON.stringify(one))
}

async function stored(stream: string, subject: string): Promise<unknown[]> {
  const manager = await jetstreamManager(await core.client())
  const found: unknown[] = []
  const { state } = await manager.streams.info(stream)
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage(stream, { seq }).catch(() => null)
    if (message?.subject === subject) found.push(message.json())
  }
  return found
}

test('two regions that saw one SIM hear of each other, also when the core was away, and its server dead, in between', {
  timeout: 60_000,
}, async () => {
  await send(claim('north', 1_000))
  await core.stopCore()
  await send(claim('south', 2_000))
  await core.startCore()
  const north = () => stored('CLAIMS', subjects.notice('default', 'north')) as Promise<Notice[]>
  const south = () => stored('CLAIMS', subjects.notice('default', 'south')) as Promise<Notice[]>
  const [toNorth] = await core.until(north, (notices) => notices.length === 1)
  assert.deepEqual(
    { released: toNorth!.released, region: toNorth!.sighting.region, timeMs: toNorth!.sighting.timeMs },
    { released: true, region: 'south', timeMs: 2_000 },
  )
  assert.deepEqual(
    (await south()).map(({ released, sighting }) => [released, sighting.region]),
    [[false, 'north']],
  )

  await core.killNats()
  await core.startNats()
  await core.until(
    () =>
      send(claim('north', 3_000)).then(
        () => true,
        () => false,
      ),
    (sent) => sent,
    15_000,
  )
  await core.until(south, (notices) => notices.some(({ released, sighting }) => released && sighting.timeMs === 3_000), 30_000)
  await core.plant('tally', [{ minuteMs: 0, family: 'network', source: 's', eventType: 'x', revision: 1, accepted: 1 }])
  await core.until(
    () => core.ask<{ items: unknown[] }>('/v1/events/counts'),
    ({ body }) => body.items.length === 1,
    30_000,
  )
})

test('a trunk that was made anew under a running core is read from its beginning', { timeout: 40_000 }, async () => {
  const manager = await jetstreamManager(await core.client())
  await manager.streams.delete('TRUNK')
  await sleep(50)
  await core.plant('tally', [{ minuteMs: 0, family: 'dpi', source: 's', eventType: 'x', revision: 1, accepted: 5 }])
  await core.until(
    () => core.ask<{ items: { family: string }[] }>('/v1/events/counts'),
    ({ body }) => body.items.some(({ family }) => family === 'dpi'),
    25_000,
  )
})

test('a fence reaches the hubs and goes again; triage travels both ways, the highest revision holds', { timeout: 20_000 }, async () => {
  const fence = { name: 'harbour', geometry: { type: 'Circle', center: [-6.2, 53.34], radiusM: 400 }, dwellS: 300 }
  const put = (body: unknown) => core.ask<Record<string, unknown>>('/v1/fences/harbour', body, { method: 'PUT' })
  assert.equal((await put(fence)).status, 201)
  const changed = await put({ ...fence, dwellS: 60 })
  assert.deepEqual({ status: changed.status, revision: changed.body.revision }, { status: 200, revision: 2 })
  const heard = () => stored('CONTROL', subjects.fence('default', 'harbour')) as Promise<Record<string, unknown>[]>
  await core.until(heard, (words) => words.length === 1 && words[0]!.revision === 2 && words[0]!.dwellS === 60)
  assert.equal((await core.ask<{ items: unknown[] }>('/v1/fences')).body.items.length, 1)
  assert.equal((await core.ask('/v1/fences/harbour', undefined, { method: 'DELETE' })).status, 204)
  assert.equal((await core.ask('/v1/fences/harbour')).status, 404)
  await core.until(heard, ([word]) => word?.deleted === true && word.revision === 3)
  for (const geometry of [
    { type: 'Circle', center: [200, 0], radiusM: 5 },
    {
      type: 'Polygon',
      coordinates: [
        [
          [0, 0],
          [1, 1],
          [1, 0],
          [2, 2],
        ],
      ],
    },
    { type: 'Point' },
  ]) {
    assert.equal((await put({ geometry })).status, 400, JSON.stringify(geometry))
  }

  const id = 'ef'.repeat(16)
  await core.plant('alert', [{ id, type: 'clone', severity: 'major', timeMs: 1, detectedMs: 1, revision: 1, retracted: 0 }])
  await core.until(
    () => core.ask(`/v1/alerts/${id}`),
    ({ status }) => status === 200,
  )
  await core.ask(`/v1/alerts/${id}`, { status: 'acknowledged', by: 'ann', reason: 'mine' }, { method: 'PATCH' })
  const words = () => stored('CONTROL', subjects.triage('default', id)) as Promise<Record<string, unknown>[]>
  await core.until(words, ([word]) => word?.status === 'acknowledged')
  const fromHub = { alertId: id, revision: 5, status: 'closed', by: 'bob', reason: 'done', atMs: Date.now() }
  await jetstream(await core.client()).publish(subjects.triage('default', id), JSON.stringify(fromHub))
  await core.until(
    () => core.ask<{ status: string }>(`/v1/alerts/${id}`),
    ({ body }) => body.status === 'closed',
  )
  await core.append('triage.north', Buffer.from(JSON.stringify({ ...fromHub, revision: 6, status: 'active' })))
  await core.until(
    () => core.ask<{ status: string }>(`/v1/alerts/${id}`),
    ({ body }) => body.status === 'active',
  )
})
