import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { headers as natsHeaders } from '@nats-io/transport-node'
import { connectNats, ensureStream, type NatsConnection } from '#shared/adapters/nats-connection.ts'
import { decodeBatch } from '#shared/batch-codec.ts'
import { systemClock } from '#shared/clock.ts'
import { type Beat, headers, subjects, type Watermark } from '#shared/control.ts'
import { createLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics.ts'
import type { Batch } from '#shared/records.ts'
import { sleep } from '#shared/retry.ts'
import { configSchema, type HubConfig } from './config.ts'
import { createReport } from './events.ts'
import { openEnds } from './open-ends.ts'
import { HubPipeline } from './pipeline.ts'
import { type Sent, StandInDetector, sightingsOf, TestRegion } from './test-region.ts'

const region = new TestRegion(process.env.TRIBUTARY_NATS_SERVER ?? 'nats-server')
const abort = new AbortController()
let client: NatsConnection
let coreClient: NatsConnection
const watermarks: Watermark[] = []

before(async () => {
  await region.start()
  client = await connectNats({ url: region.url, name: 'test', signal: abort.signal })
  coreClient = await connectNats({ url: region.coreUrl, name: 'test-core', signal: abort.signal })
  for (const stream of ['TRUNK', 'CLAIMS', 'CONTROL'] as const) {
    await ensureStream(coreClient, stream, { maxBytes: 64 << 20, signal: abort.signal })
  }
  client.subscribe(subjects.watermark('default', 'north', 'north-1'), {
    callback: (_, message) => {
      watermarks.push(message.json())
    },
  })
})
after(async () => {
  abort.abort()
  await sleep(100)
  await region.stop()
})

test('batches reach the trunk with what was found in them, and the watermark follows snapshot and trunk', { timeout: 60_000 }, async () => {
  const hub = await startHub()
  for (let seq = 1; seq <= 20; seq++) await publish(sightingsOf('north', 'north-1', 'e1', 'sighting', seq, 5))
  await publish(sightingsOf('north', 'north-1', 'e1', 'sighting', 7, 5)) // a repeat under another stream sequence
  beat(20)
  await until(() => latest('e1') === 20, 'watermark 20')
  const found = await trunkRows('location.updates.north')
  assert.equal(found.length, 100)
  assert.equal(new Set(found).size, 100)
  let last: Batch<'progress'> | undefined
  for (let attempt = 0; attempt < 60 && last?.columns.received[0] !== 100; attempt++) {
    await sleep(50)
    last = (await trunkBatches('ledger.north')).at(-1) as Batch<'progress'> | undefined
  }
  assert.ok(last)
  assert.equal(last.texts[last.columns.agent[0]!], 'north-1')
  assert.equal(last.columns.received[0], 100)
  assert.equal(last.columns.enrolled[0], 1)
  assert.equal(last.columns.completeThroughMs[0], 1_800_000_000_020)
  await hub.stop(5_000)
})

test('a hub that begins again continues where its snapshot stands: nothing lost, nothing twice, a higher epoch', {
  timeout: 60_000,
}, async () => {
  const before = watermarks.at(-1)!.hubEpoch
  for (let seq = 21; seq <= 30; seq++) await publish(sightingsOf('north', 'north-1', 'e1', 'sighting', seq, 5))
  const hub = await startHub()
  await until(() => latest('e1') === 30, 'watermark 30')
  assert.ok(watermarks.at(-1)!.hubEpoch > before)
  const found = await trunkRows('location.updates.north')
  assert.equal(found.length, 150)
  assert.equal(new Set(found).size, 150)
  await hub.stop(5_000)
})

test('while the core is away detection goes on and no watermark moves; when it is back everything follows in order', {
  timeout: 60_000,
}, async () => {
  const hub = await startHub()
  await region.kill('core')
  for (let seq = 31; seq <= 60; seq++) await publish(sightingsOf('north', 'north-1', 'e1', 'sighting', seq, 5))
  await until(() => hub.state.ledger.totals('north-1').rows === 300, 'all rows taken')
  await sleep(700)
  assert.equal(latest('e1'), 30)
  await region.startCore()
  await until(() => latest('e1') === 60, 'watermark 60', 30_000)
  const found = await trunkRows('location.updates.north')
  assert.equal(new Set(found).size, 300)
  await hub.stop(5_000)
})

test('a server of the region that is killed and comes back: what was published before and after arrives', { timeout: 60_000 }, async () => {
  const hub = await startHub()
  await publish(sightingsOf('north', 'north-1', 'e1', 'sighting', 61, 5))
  await region.kill('region')
  await region.startRegion()
  await publish(sightingsOf('north', 'north-1', 'e1', 'sighting', 62, 5))
  await until(() => latest('e1') === 62, 'watermark 62', 40_000)
  assert.equal(new Set(await trunkRows('location.updates.north')).size, 310)
  await hub.stop(5_000)
})

test('a second hub of the same region ends the first with a clear line; a bad frame is a dead letter and stops nobody', {
  timeout: 60_000,
}, async () => {
  const ends: unknown[] = []
  const first = await startHub('first', (error) => ends.push(error))
  const second = await startHub('second')
  await until(() => ends.length > 0, 'the first hub ends')
  assert.match(String(ends[0]), /Another instance has taken over.*epoch/)
  await first.stop(2_000)

  const good = sightingsOf('north', 'north-1', 'e2', 'sighting', 2, 5)
  await publish({ ...sightingsOf('north', 'north-1', 'e2', 'sighting', 1, 5), frame: new Uint8Array([1, 2, 3]) })
  await publish(good)
  await until(() => latest('e2') === 2, 'watermark 2 of e2')
  const letters = await trunkBatches('deadletter.north')
  assert.equal(letters.length, 1)
  await second.stop(5_000)
})

test('a server that lost what it had not synced: the cursor starts again at the stream’s state, the ledger drops what was seen', {
  timeout: 60_000,
}, async () => {
  const hub = await startHub('second')
  const before = new Set(await trunkRows('location.updates.north')).size
  for (let seq = 1; seq <= 50; seq++) await publish(sightingsOf('north', 'north-1', 'e3', 'sighting', seq, 5))
  await until(() => latest('e3') === 50, 'watermark 50 of e3')
  await region.kill('region')
  rmSync(`${region.dir}/region`, { recursive: true }) // more than a power cut takes: all of it
  await region.startRegion()
  await ensureStream(client, 'INBOX', { subjects: ['ing.default.north.>'], maxBytes: 64 << 20, signal: abort.signal })
  await publish(sightingsOf('north', 'north-1', 'e3', 'sighting', 50, 5)) // what the agent still held
  await publish(sightingsOf('north', 'north-1', 'e3', 'sighting', 51, 5))
  await until(() => latest('e3') === 51, 'watermark 51 of e3', 40_000)
  assert.equal(new Set(await trunkRows('location.updates.north')).size, before + 255)
  await hub.stop(5_000)
})

test('a spool that cannot be opened is set aside, and what the agents still hold comes through again', { timeout: 60_000 }, async () => {
  const hub = await startHub('spoiled')
  await publish(sightingsOf('north', 'north-1', 'e4', 'sighting', 1, 5))
  await until(() => latest('e4') === 1, 'watermark 1 of e4')
  await hub.stop(5_000)
  for (const suffix of ['-wal', '-shm']) rmSync(`${region.dir}/spoiled/spool.db${suffix}`, { force: true })
  writeFileSync(`${region.dir}/spoiled/spool.db`, 'this was a database '.repeat(1000))
  const again = await startHub('spoiled')
  await publish(sightingsOf('north', 'north-1', 'e4', 'sighting', 1, 5)) // it was not freed for sure: the agent may send it again
  await publish(sightingsOf('north', 'north-1', 'e4', 'sighting', 2, 5))
  await until(() => latest('e4') === 2, 'watermark 2 of e4')
  assert.equal(existsSync(`${region.dir}/spoiled/spool.db.broken`), true)
  await again.stop(5_000)
})

test('stream and snapshot lost: a hub hears from a beat which epoch agents have followed, goes above it, and is followed', {
  timeout: 60_000,
}, async () => {
  const followed = watermarks.at(-1)!.hubEpoch + 40
  await region.kill('region')
  rmSync(`${region.dir}/region`, { recursive: true })
  await region.startRegion()
  const hub = await startHub('all-new')
  assert.ok(hub.state.hubEpoch < followed, 'it cannot know')
  await publish(sightingsOf('north', 'north-1', 'e5', 'sighting', 1, 5))
  beat(20, followed)
  await until(() => (watermarks.at(-1)?.hubEpoch ?? 0) > followed && latest('e5') === 1, 'a watermark that agents follow')
  const { hubEpoch } = hub.state
  await publish(sightingsOf('north', 'north-1', 'e5', 'sighting', 2, 5))
  await until(() => latest('e5') === 2, 'it goes on')
  assert.equal(hub.state.hubEpoch, hubEpoch, 'once')
  await hub.stop(5_000)
  const next = await startHub('all-new')
  assert.ok(next.state.hubEpoch > hubEpoch, 'and the stream knows it')
  await next.stop(5_000)
})

test('a hub that was overtaken hears of its successor from a beat, and ends instead of overtaking it', { timeout: 60_000 }, async () => {
  const ends: unknown[] = []
  const first = await startHub('overtaken', (error) => ends.push(error))
  const second = await startHub('successor')
  const { hubEpoch } = second.state
  beat(20, hubEpoch)
  await until(() => ends.length > 0, 'the first hub ends')
  assert.match(String(ends[0]), /Another instance has taken over.*epoch/)
  await sleep(1_200)
  assert.equal(second.state.hubEpoch, hubEpoch, 'the second goes on unchanged')
  await first.stop(2_000)
  await second.stop(5_000)
})

function latest(epoch: string): number {
  return watermarks.at(-1)?.lanes.find((one) => one.epoch === epoch)?.seq ?? 0
}

async function startHub(data = 'hub', die: (error: unknown) => void = (error) => assert.fail(String(error))): Promise<HubPipeline> {
  const config: HubConfig = configSchema.parse({
    region: 'north',
    dataDir: `${region.dir}/${data}`,
    identity: { keyFile: 'unused' },
    nats: { url: region.url, inboxMaxBytes: 64 << 20 },
    roster: ['north-1'],
  })
  mkdirSync(config.dataDir, { recursive: true })
  const log = createLog({ service: 'hub', level: process.env.TEST_LOG === undefined ? 'silent' : 'debug' })
  const report = createReport(log, createMetrics('hub', { processMetrics: false }))
  const hub = new HubPipeline(
    { tenant: 'default', region: 'north', roster: config.roster, snapshotIntervalMs: 200, trunkInFlight: 16 },
    {
      connect: (signal) => openEnds(config, report, signal),
      createDetector: () => new StandInDetector(),
      observer: { batch() {}, triage() {}, tick() {}, hasRoom: () => true, flush: async () => {} },
      clock: systemClock,
      report,
      die,
    },
  )
  await hub.start(abort.signal)
  return hub
}

async function publish({ subject, header, frame }: Sent): Promise<void> {
  const set = natsHeaders()
  for (const [name, value] of Object.entries(header)) set.set(name, value)
  for (let attempt = 0; ; attempt++) {
    try {
      await jetstream(client, { timeout: 2_000 }).publish(subject, frame, { headers: set })
      return
    } catch (error) {
      if (attempt > 100) throw error
      await sleep(100)
    }
  }
}

function beat(highestSeq: number, hubEpoch?: number): void {
  const word: Beat = {
    agent: 'north-1',
    epoch: 'e1',
    timeMs: Date.now(),
    watermarkMs: 1_800_000_000_000 + highestSeq,
    hubEpoch,
    lanes: [{ epoch: 'e1', lane: 'sighting', highestSeq, oldestSeq: 1 }],
  }
  client.publish(subjects.beat('default', 'north', 'north-1'), JSON.stringify(word))
}

async function trunkBatches(topic: string): Promise<Batch[]> {
  const manager = await jetstreamManager(coreClient)
  const { state } = await manager.streams.info('TRUNK')
  const batches: Batch[] = []
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage('TRUNK', { seq })
    if (message?.header.get(headers.topic) === topic) batches.push(decodeBatch(message.data))
  }
  return batches
}

async function trunkRows(topic: string): Promise<string[]> {
  const rows: string[] = []
  for (const batch of (await trunkBatches(topic)) as Batch<'position'>[]) {
    for (let row = 0; row < batch.rows; row++) rows.push(`${batch.columns.key[row * 2]}.${batch.columns.key[row * 2 + 1]}`)
  }
  return rows
}

async function until(condition: () => boolean, what: string, ms = 15_000): Promise<void> {
  const endMs = performance.now() + ms
  while (!condition()) {
    if (performance.now() > endMs) assert.fail(`not within ${ms} ms: ${what}`)
    await sleep(20)
  }
}
