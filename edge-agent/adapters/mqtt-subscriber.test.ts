import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Aedes } from 'aedes'
import { connectAsync } from 'mqtt'
import { systemClock } from '#shared/clock.ts'
import { openFront } from './front-rig.ts'
import { MqttSubscriber } from './mqtt-subscriber.ts'

const dir = mkdtempSync(join(tmpdir(), 'mqtt-subscriber-'))
const closing: (() => unknown)[] = []
after(async () => {
  for (const close of closing.reverse()) await close()
  rmSync(dir, { recursive: true, force: true })
})

async function eventually(holds: () => boolean, withinMs = 5_000): Promise<void> {
  const endMs = performance.now() + withinMs
  while (!holds()) {
    assert.ok(performance.now() < endMs, `not within ${withinMs} ms: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const event = (at: number) => JSON.stringify({ timestamp: Date.now(), event_type: 'measurement', cell: '272-01-1', event_id: `e-${at}` })

/** A broker on site, of another make than ours in its role: plain aedes that fans out. */
async function siteBroker() {
  const broker = await Aedes.createBroker({})
  const acknowledged: number[] = []
  broker.on('ack', (packet) => acknowledged.push((packet as { messageId?: number }).messageId ?? 0))
  const server = createServer(broker.handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  closing.push(() => new Promise<void>((resolve) => broker.close(() => server.close(() => resolve()))))
  return { url: `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`, broker, acknowledged }
}

test('many messages share a commit, each is acknowledged after it, and the session brings what came meanwhile', async () => {
  const site = await siteBroker()
  const front = openFront({ journal: { directory: join(dir, 'group') }, intake: { maxWaitMs: 20 } })
  await front.intake.start()
  closing.push(() => front.stop())
  const open = () =>
    new MqttSubscriber(
      { url: site.url, tenant: 'default', clientId: 'agent-1', reconnectMs: 50 },
      { intake: front.intake, clock: systemClock, report: front.report },
    )
  const subscriber = open()
  await subscriber.start()
  await eventually(() => front.reports.some(({ what }) => what === 'brokerConnected'))

  const tap = await connectAsync(site.url)
  closing.push(() => tap.endAsync(true))
  await Promise.all(Array.from({ length: 200 }, (_, at) => tap.publishAsync('tributary/v1/network/tap-1', event(at), { qos: 1 })))
  await eventually(() => site.acknowledged.length === 200)
  assert.equal(front.taken.length, 200)
  assert.ok(front.journal.head < 100, `${front.journal.head} commits`)

  await subscriber.stop()
  await Promise.all(Array.from({ length: 50 }, (_, at) => tap.publishAsync('tributary/v1/network/tap-1', event(1000 + at), { qos: 1 })))
  const again = open()
  await again.start()
  closing.push(() => again.stop())
  await eventually(() => front.taken.length === 250)
  assert.ok(front.taken.every(({ verdict }) => verdict === 'accepted'))
})

test('what the journal refused is sent again by the broker', async () => {
  const site = await siteBroker()
  const front = openFront({ journal: { directory: join(dir, 'refused'), quotaBytes: 1, segmentBytes: 4_000 }, intake: { pauseMs: 10 } })
  await front.intake.start()
  const subscriber = new MqttSubscriber(
    { url: site.url, tenant: 'default', clientId: 'agent-2', reconnectMs: 30 },
    { intake: front.intake, clock: systemClock, report: front.report },
  )
  await subscriber.start()
  await eventually(() => front.reports.some(({ what }) => what === 'brokerConnected'))
  const tap = await connectAsync(site.url)
  closing.push(() => tap.endAsync(true))
  await tap.publishAsync('tributary/v1/network/tap-1', event(1), { qos: 1 })
  await eventually(() => front.reports.some(({ what }) => what === 'journalFull'))
  assert.equal(site.acknowledged.length, 0)
  await subscriber.stop()
  await front.stop()

  const roomy = openFront({ journal: { directory: join(dir, 'refused') } })
  await roomy.intake.start()
  closing.push(() => roomy.stop())
  const next = new MqttSubscriber(
    { url: site.url, tenant: 'default', clientId: 'agent-2' },
    { intake: roomy.intake, clock: systemClock, report: roomy.report },
  )
  await next.start()
  closing.push(() => next.stop())
  await eventually(() => roomy.taken.length === 1 && site.acknowledged.length === 1)
})
