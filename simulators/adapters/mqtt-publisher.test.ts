import assert from 'node:assert/strict'
import { createServer, type Server, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { Aedes } from 'aedes'
import { Fleet } from '../fleet.ts'
import { Run } from '../run.ts'
import { loadScenario } from '../scenario.ts'
import { Simulation } from '../simulation.ts'
import { MqttPublisher } from './mqtt-publisher.ts'

/** A bare broker whose acceptance of messages can be counted, held back and cut off. */
class Broker {
  readonly accepted: { topic: string; event: { event_id: string } }[] = []
  answering = true
  port = 0
  #server: Server | undefined
  #aedes: Aedes | undefined
  readonly #sockets = new Set<Socket>()

  async open(): Promise<void> {
    const aedes = await Aedes.createBroker()
    aedes.authorizePublish = (_client, packet, done) => {
      if (!this.answering) return
      const parsed = JSON.parse(packet.payload.toString())
      for (const event of Array.isArray(parsed) ? parsed : [parsed]) this.accepted.push({ topic: packet.topic, event })
      done(null)
    }
    const server = createServer((socket) => {
      this.#sockets.add(socket)
      aedes.handle(socket)
    })
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve))
    this.port = (server.address() as { port: number }).port
    this.#server = server
    this.#aedes = aedes
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
    await new Promise<void>((resolve) => (this.#server === undefined ? resolve() : this.#server.close(() => resolve())))
    await new Promise<void>((resolve) => (this.#aedes === undefined ? resolve() : this.#aedes.close(() => resolve())))
    this.#server = undefined
    this.#aedes = undefined
  }
}

const brokers: Broker[] = []
after(async () => {
  for (const broker of brokers) await broker.close()
})

async function openBroker(): Promise<Broker> {
  const broker = new Broker()
  brokers.push(broker)
  await broker.open()
  return broker
}

function fleetOf(broker: Broker, arraySize = 1): Fleet {
  return new Fleet(['north'], [{ region: 'north', mqtt: [`mqtt://127.0.0.1:${broker.port}`] }], {
    connectionsPerAgent: 3,
    holdPerAgent: 10_000,
    arraySize,
    connect: (url, clientId) => new MqttPublisher({ url, clientId, maxInFlight: 50, random: Math.random }),
  })
}

async function until(condition: () => boolean, patienceMs = 10_000): Promise<void> {
  const end = performance.now() + patienceMs
  while (!condition()) {
    assert.ok(performance.now() < end, 'waited too long')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const message = (nth: number) => ({
  sendAtMs: 0,
  region: 0,
  site: nth % 40,
  family: 'network' as const,
  source: `site-${nth % 40}`,
  text: JSON.stringify({ event_id: `e${nth}` }),
  duplicate: false,
})

test('a run reaches a real broker, every event acknowledged', async () => {
  const broker = await openBroker()
  const scenario = { ...loadScenario('quiet-town'), subscribers: 100, ratePerS: 400 }
  const simulation = new Simulation({ scenario, regions: ['north'], epochMs: Date.now() })
  const fleet = fleetOf(broker)
  const over = Promise.withResolvers<void>()
  const run = new Run({ simulation, fleet, speed: 10, durationS: undefined, finished: over.resolve, failed: over.reject })
  await run.start()
  await until(() => fleet.counts.acknowledged > 1000)
  await run.stop(4_000)
  const summary = run.summary()
  assert.equal(summary.unacknowledged, 0)
  assert.equal(summary.acknowledged, summary.published)
  assert.equal(broker.accepted.length, summary.published)
  assert.equal(new Set(broker.accepted.map(({ event }) => event.event_id)).size, summary.distinct)
  assert.ok(broker.accepted.every(({ topic }) => /^tributary\/v1\/(network|subscriber|location|interaction|dpi)\/[\w.-]+$/.test(topic)))
})

test('a killed broker loses nothing: the unacknowledged is sent again under the same id and counted once', async () => {
  const broker = await openBroker()
  const fleet = fleetOf(broker)
  fleet.open()
  for (let nth = 0; nth < 400; nth++) fleet.send(message(nth))
  await until(() => fleet.counts.acknowledged === 400)
  broker.answering = false
  for (let nth = 400; nth < 900; nth++) fleet.send(message(nth))
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(fleet.held, 500)
  await broker.close()
  for (let nth = 900; nth < 1000; nth++) fleet.send(message(nth))
  broker.answering = true
  await broker.open()
  await until(() => fleet.counts.acknowledged === 1000)
  await fleet.close()
  assert.equal(fleet.held, 0)
  assert.equal(fleet.counts.published, 1000)
  assert.ok(fleet.resent >= 100, `${fleet.resent} sent again`)
  assert.equal(new Set(broker.accepted.map(({ event }) => event.event_id)).size, 1000)
})

test('arrays carry several events of one source', async () => {
  const broker = await openBroker()
  const fleet = fleetOf(broker, 10)
  fleet.open()
  for (let nth = 0; nth < 205; nth++) fleet.send({ ...message(nth), source: 'one', site: 1 })
  fleet.flush()
  await until(() => fleet.counts.acknowledged === 205)
  await fleet.close()
  assert.equal(broker.accepted.length, 205)
})

test('an agent that is away too long costs events, and they are counted', async () => {
  const fleet = new Fleet(['north'], [{ region: 'north', mqtt: ['mqtt://127.0.0.1:1'] }], {
    connectionsPerAgent: 1,
    holdPerAgent: 100,
    arraySize: 1,
    connect: (url, clientId) => new MqttPublisher({ url, clientId, maxInFlight: 50, random: Math.random }),
  })
  fleet.open()
  for (let nth = 0; nth < 150; nth++) fleet.send(message(nth))
  assert.equal(fleet.counts.dropped, 50)
  assert.equal(fleet.held, 100)
  await fleet.close()
})
