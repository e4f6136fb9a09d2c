/** The agent's way to a real nats-server that is killed, loses what it had acknowledged, or is not there yet. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { BatchBuilder } from '#shared/batch-builder.ts'
import { systemClock } from '#shared/clock.ts'
import type { Batch, Lane } from '#shared/records.ts'
import { sleep } from '#shared/retry.ts'
import { NatsUplink } from '../edge-agent/adapters/nats-uplink.ts'
import { SqliteOutbox } from '../edge-agent/adapters/sqlite-outbox.ts'
import { UplinkPump } from '../edge-agent/uplink.ts'
import { RegionalServer } from './rigs/regional-server.ts'
import { SmallHub } from './rigs/small-hub.ts'

const dir = mkdtempSync(join(tmpdir(), 'agent-uplink-'))
const closing: (() => unknown)[] = []
after(async () => {
  for (const close of closing.reverse()) await close()
  rmSync(dir, { recursive: true, force: true })
})

const storeId = 'bb'.repeat(16)

async function link(name: string, settings: { stallMs?: number; bytesPerSecond?: number } = {}) {
  const server = await RegionalServer.create()
  closing.push(() => server.remove())
  const stalled: string[] = []
  let resent = 0
  const uplink = new NatsUplink({
    url: server.url,
    tenant: 'default',
    region: 'north',
    agent: 'north-1',
    publishTimeoutMs: 2_000,
    onStatus: () => {},
    onConnected: () => pump.reconnected(),
    onWatermark: (watermark) => pump.watermark(watermark),
  })
  const outbox = new SqliteOutbox({
    file: join(dir, `${name}.db`),
    tenant: 'default',
    region: 'north',
    agent: 'north-1',
    storeId,
    epoch: `${storeId}.1`,
    quotaBytes: 1 << 26,
    backfillAfterMs: 60_000,
    maxFrameBytes: 1 << 19,
    batchRows: 1_000,
    clock: systemClock,
    online: () => uplink.connected,
  })
  const report = {
    rowSent: () => void resent++,
    rowGivenUp: () => assert.fail('nothing is poison here'),
    laneStalled: (lane: string) => void stalled.push(lane),
    staleWatermark: () => {},
    watermarkNotStored: () => {},
  }
  const pump = new UplinkPump(
    { agent: 'north-1', maxInFlight: 16, bytesPerSecond: settings.bytesPerSecond ?? 0, stallMs: settings.stallMs ?? 30_000, beatMs: 100 },
    { outbox, uplink, clock: systemClock, report, onFailure: (error) => assert.fail(String(error)) },
  )
  const { signal } = new AbortController()
  await uplink.start(signal)
  await pump.start(signal)
  closing.push(async () => {
    await pump.stop(100)
    await uplink.stop()
    outbox.close()
  })
  const hub = new SmallHub(server.url)
  closing.push(() => hub.stop())
  const put = (lane: Lane, rows = 1) => {
    const builder = new BatchBuilder('sighting', rows)
    for (let row = 0; row < rows; row++) builder.columns.timeMs[builder.add()] = Date.now()
    const batch = builder.finish({ tenant: '', region: '', agent: '', epoch: '', lane: '', seq: 0 }) as unknown as Batch
    outbox.commit({ entries: [{ lane, batch }], tallies: [], coverage: { ...outbox.coverage, boundaryMs: Date.now() } })
    pump.poke()
  }
  return { server, uplink, outbox, pump, hub, put, stalled, sent: () => resent }
}

async function until(what: string, condition: () => boolean, limitMs = 40_000): Promise<void> {
  const endMs = Date.now() + limitMs
  while (!condition()) {
    if (Date.now() > endMs) assert.fail(`not within ${limitMs} ms: ${what}`)
    await sleep(20)
  }
}

function seqs(hub: SmallHub, lane: Lane): number[] {
  return [...hub.batches.values()]
    .filter(({ meta }) => meta.lane === lane)
    .map(({ meta }) => meta.seq)
    .sort((a, b) => a - b)
}

const through = (count: number) => Array.from({ length: count }, (_, at) => at + 1)

test('starts without a server, sends all once there is one, and beats', { timeout: 90_000 }, async () => {
  const { server, outbox, hub, put } = await link('offline')
  for (let at = 0; at < 20; at++) put('movement')
  for (let at = 0; at < 20; at++) put('sighting')
  await sleep(300)
  server.start()
  hub.start()
  await until('all arrived', () => seqs(hub, 'movement').length === 20 && seqs(hub, 'sighting').length === 20)
  assert.deepEqual(seqs(hub, 'sighting'), through(20))
  await until('the outbox is empty', () => outbox.backlog().length === 0)
  await until('a beat was heard', () =>
    hub.beats.some(({ lanes }) => lanes.some(({ lane, highestSeq }) => lane === 'movement' && highestSeq === 20)),
  )
})

test('the server killed with -9 while publishing, and its store lost: what it had acknowledged comes again', {
  timeout: 120_000,
}, async () => {
  const { server, outbox, hub, put, sent } = await link('killed')
  hub.sendsWatermarks = false
  server.start()
  hub.start()
  for (let at = 0; at < 100; at++) put('movement')
  await until('some are acknowledged', () => sent() >= 10)
  await server.kill()
  assert.equal(outbox.backlog()[0]?.rows, 100, 'an acknowledgement frees nothing')
  server.loseStore()
  hub.batches.clear()
  server.start()
  await until('all of them are there again', () => seqs(hub, 'movement').length === 100, 60_000)
  assert.deepEqual(seqs(hub, 'movement'), through(100))
  hub.sendsWatermarks = true
  await until('the outbox is empty', () => outbox.backlog().length === 0)
})

test('a watermark that stands still below acknowledged rows brings them again', { timeout: 90_000 }, async () => {
  const { server, outbox, hub, put, stalled } = await link('stalled', { stallMs: 400 })
  hub.sendsWatermarks = false
  server.start()
  hub.start()
  for (let at = 0; at < 5; at++) put('ledger')
  await until('they are there', () => seqs(hub, 'ledger').length === 5)
  hub.batches.clear() // the hub lost them after the server had acknowledged them
  await until('the agent noticed', () => stalled.length > 0)
  assert.deepEqual(new Set(stalled), new Set(['ledger']))
  hub.sendsWatermarks = true
  await until('the outbox is empty', () => outbox.backlog().length === 0)
  assert.deepEqual(seqs(hub, 'ledger'), through(5))
})

test('what is urgent overtakes a backlog on a narrow link', { timeout: 90_000 }, async () => {
  const { server, hub, put } = await link('narrow', { bytesPerSecond: 20_000 })
  server.start()
  hub.start()
  await sleep(1_000)
  for (let at = 0; at < 60; at++) put('sighting', 20)
  await until('the backlog moves', () => seqs(hub, 'sighting').length >= 3)
  put('alarm')
  await until('the alarm is there', () => seqs(hub, 'alarm').length === 1)
  assert.ok(seqs(hub, 'sighting').length < 60, 'the backlog was not sent first')
})
