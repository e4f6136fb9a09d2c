import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { type FrontOptions, openFront } from './front-rig.ts'
import { hashPassword } from './mqtt-credentials.ts'

const dir = mkdtempSync(join(tmpdir(), 'mqtt-broker-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
let folder = 0

async function front(options: Partial<FrontOptions> = {}) {
  const opened = openFront({ journal: { directory: join(dir, String(folder++)) }, ...options })
  await opened.start()
  closing.push(() => opened.stop())
  return opened
}

async function connect(port: number, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0, connectTimeout: 3_000, ...options })
  client.on('error', () => {})
  closing.push(() => client.endAsync(true))
  return client
}

const event = { timestamp: Date.now(), event_type: 'measurement', cell: '272-01-1', rsrp_dbm: -90 }

test('an event is in the journal when its PUBACK comes', async () => {
  const { broker, journal, taken } = await front()
  const client = await connect(broker.port)
  await client.publishAsync('tributary/v1/network/tap-1', JSON.stringify({ ...event, imsi: '272011234567890' }), { qos: 1 })
  assert.equal(journal.head, 1)
  assert.equal(taken.length, 1)
  assert.equal(taken[0]!.verdict, 'accepted')
  assert.equal(taken[0]!.cell, '272-01-1')
  assert.match(String(taken[0]!.subscriber), /^[0-9a-f]{32}$/)
})

test('what is merely wrong is acknowledged and dead-lettered, and its neighbours pass', async () => {
  const { broker, taken } = await front()
  const client = await connect(broker.port)
  await client.publishAsync('tributary/v1/nonsense/tap-1', JSON.stringify(event), { qos: 1 })
  await client.publishAsync('somewhere/else', '{}', { qos: 1 })
  await client.publishAsync('tributary/v1/network/tap-1', 'not json', { qos: 1 })
  await client.publishAsync('tributary/v1/network/tap-1', JSON.stringify([event, { ...event, rsrp_dbm: 5 }, event]), { qos: 1 })
  assert.ok(client.connected)
  assert.deepEqual(
    taken.map(({ verdict, reason }) => reason ?? verdict),
    ['bad-topic', 'bad-topic', 'not-json', 'accepted', 'out-of-bounds', 'accepted'],
  )
})

test('a repeated event id has no second effect, across a restart too', async () => {
  const directory = join(dir, 'repeat')
  const first = openFront({ journal: { directory } })
  await first.start()
  const message = JSON.stringify([
    { ...event, event_id: 'a' },
    { ...event, event_id: 'b' },
    { ...event, event_id: 'a' },
  ])
  const device = await connect(first.broker.port)
  await device.publishAsync('tributary/v1/network/tap-1', message, { qos: 1 })
  await device.publishAsync('tributary/v1/network/tap-2', message, { qos: 1 })
  assert.deepEqual(
    first.taken.map(({ verdict }) => verdict),
    ['accepted', 'accepted', 'duplicate', 'accepted', 'accepted', 'duplicate'],
  )
  await device.endAsync(true)
  await first.stop()

  const second = await front({ journal: { directory } })
  await (await connect(second.broker.port)).publishAsync('tributary/v1/network/tap-1', message, { qos: 1 })
  assert.deepEqual(
    second.taken.map(({ verdict }) => verdict),
    ['duplicate', 'duplicate', 'duplicate'],
  )
})

test('QoS 0 and 2 are taken as well', async () => {
  const { broker, taken, journal } = await front()
  const client = await connect(broker.port)
  client.publish('tributary/v1/network/tap-1', JSON.stringify(event), { qos: 0 })
  for (let time = 0; time < 3; time++) await client.publishAsync('tributary/v1/network/tap-1', JSON.stringify(event), { qos: 2 })
  assert.equal(taken.length, 4)
  assert.deepEqual(journal.packetsOf(''), [])
})

test('nobody subscribes, and nothing is retained', async () => {
  const { broker } = await front()
  const client = await connect(broker.port)
  await assert.rejects(client.subscribeAsync('tributary/v1/#', { qos: 1 }))
  await client.publishAsync('tributary/v1/network/tap-1', JSON.stringify(event), { qos: 1, retain: true })
  assert.ok(client.connected)
})

test('a last will is judged like any message', async () => {
  const { broker, taken } = await front()
  const client = await connect(broker.port, {
    will: { topic: 'tributary/v1/network/tap-1', payload: Buffer.from(JSON.stringify(event)), qos: 1, retain: true },
  })
  client.stream.destroy()
  await eventually(() => taken.length === 1)
  assert.equal(taken[0]!.verdict, 'accepted')
})

// ---- raw packets ----

const raw = {
  connect: (clientId: string, { clean = true, version = 4, flags = 0 } = {}) => {
    const id = Buffer.from(clientId)
    const body = Buffer.concat([
      Buffer.from([0, 4, 77, 81, 84, 84, version, (clean ? 2 : 0) | flags, 0, 0, id.length >> 8, id.length & 255]),
      id,
    ])
    return Buffer.concat([Buffer.from([0x10, body.length]), body])
  },
  publish: (qos: number, packetId: number, topic: string, payload: string, dup = false) => {
    const head = Buffer.concat([Buffer.from([topic.length >> 8, topic.length & 255]), Buffer.from(topic)])
    const body = Buffer.concat([head, Buffer.from(qos > 0 ? [packetId >> 8, packetId & 255] : []), Buffer.from(payload)])
    return Buffer.concat([Buffer.from([0x30 | (qos << 1) | (dup ? 8 : 0)]), length(body.length), body])
  },
  pubrel: (packetId: number) => Buffer.from([0x62, 2, packetId >> 8, packetId & 255]),
}

function length(value: number): Buffer {
  const octets: number[] = []
  do {
    octets.push((value & 127) | (value > 127 ? 128 : 0))
    value >>>= 7
  } while (value > 0)
  return Buffer.from(octets)
}

/** A device that speaks octets: `got` is what came back so far, `closed` whether the connection is gone. */
async function device(port: number) {
  const socket = createConnection({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  closing.push(async () => socket.destroy())
  const state = { got: Buffer.alloc(0), closed: false, send: (octets: Uint8Array) => socket.write(octets), socket }
  socket.on('data', (chunk) => {
    state.got = Buffer.concat([state.got, chunk])
  })
  socket.on('close', () => {
    state.closed = true
  })
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
  return state
}

async function eventually(holds: () => boolean, withinMs = 3_000): Promise<void> {
  const endMs = performance.now() + withinMs
  while (!holds()) {
    assert.ok(performance.now() < endMs, `not within ${withinMs} ms: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('a repeated QoS 2 PUBLISH has one effect: on the connection, after a reconnect, after a restart', async () => {
  const directory = join(dir, 'qos2')
  const first = openFront({ journal: { directory } })
  await first.start()
  const payload = JSON.stringify(event)
  const topic = 'tributary/v1/network/tap-1'
  const one = await device(first.broker.port)
  one.send(raw.connect('imsi-272011234567890', { clean: false }))
  one.send(raw.publish(2, 7, topic, payload))
  one.send(raw.publish(2, 7, topic, payload, true))
  await eventually(() => one.got.length >= 4 + 4 + 4)
  assert.deepEqual([...one.got.subarray(4)], [0x50, 2, 0, 7, 0x50, 2, 0, 7])
  one.socket.destroy()
  const two = await device(first.broker.port)
  two.send(raw.connect('imsi-272011234567890', { clean: false }))
  two.send(raw.publish(2, 7, topic, payload, true))
  await eventually(() => two.got.length >= 8)
  assert.equal(first.taken.length, 1)
  two.socket.destroy()
  await first.stop()

  const second = await front({ journal: { directory } })
  const three = await device(second.broker.port)
  three.send(raw.connect('imsi-272011234567890', { clean: false }))
  three.send(raw.publish(2, 7, topic, payload, true))
  await eventually(() => three.got.length >= 8)
  assert.equal(second.taken.length, 0)
  three.send(raw.pubrel(7))
  await eventually(() => three.got.length >= 12)
  assert.deepEqual([...three.got.subarray(8)], [0x70, 2, 0, 7])
  three.send(raw.publish(2, 7, topic, payload))
  await eventually(() => three.got.length >= 16)
  assert.equal(second.taken.length, 1, 'after PUBREL the packet id stands for something new')
})

test('a clean session forgets the open QoS 2 packets of its client id', async () => {
  const { broker, taken } = await front()
  const topic = 'tributary/v1/network/tap-1'
  const one = await device(broker.port)
  one.send(raw.connect('device', { clean: false }))
  one.send(raw.publish(2, 9, topic, JSON.stringify(event)))
  await eventually(() => one.got.length >= 8)
  one.socket.destroy()
  const two = await device(broker.port)
  two.send(raw.connect('device', { clean: true }))
  await eventually(() => two.got.length >= 4)
  two.send(raw.publish(2, 9, topic, JSON.stringify(event)))
  await eventually(() => two.got.length >= 8)
  assert.equal(taken.length, 2)
})

test('breaches close the connection before anything is buffered, and say why', async () => {
  const { broker, reports } = await front({ mqtt: { limits: { maxPublishBytes: 4096 } } })
  const breaches: [string, Buffer[]][] = [
    ['not-connect', [raw.publish(1, 1, 'a', 'b')]],
    ['packet-too-large', [Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f])]],
    ['packet-too-large', [raw.connect('device-1'), Buffer.from([0x30, 0xff, 0xff, 0x7f])]],
    ['malformed-length', [Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0xff])]],
    ['packet-id-0', [raw.connect('device-2'), raw.publish(1, 0, 'tributary/v1/network/a', '{}')]],
    ['empty-client-id', [raw.connect('', { clean: false })]],
    ['bad-client-id', [raw.connect('a\u0001b')]],
    ['protocol', [Buffer.from('GET / HTTP/1.1\r\n\r\n')].map(() => Buffer.from([0x10, 4, 0, 2, 1, 1]))],
  ]
  for (const [reason, packets] of breaches) {
    reports.length = 0
    const attacker = await device(broker.port)
    for (const packet of packets) attacker.send(packet)
    await eventually(() => attacker.closed)
    assert.ok(
      reports.some(({ args }) => args[1] === reason),
      `${reason}: ${JSON.stringify(reports)}`,
    )
  }
  const fine = await connect(broker.port)
  await fine.publishAsync('tributary/v1/network/tap-1', JSON.stringify(event), { qos: 1 })
})

test('a packet in single octets is the same packet', async () => {
  const { broker, taken } = await front()
  const slow = await device(broker.port)
  slow.socket.setNoDelay(true)
  const octets = Buffer.concat([raw.connect('slow'), raw.publish(1, 3, 'tributary/v1/network/tap-1', JSON.stringify(event))])
  for (const octet of octets) {
    slow.send(Uint8Array.of(octet))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await eventually(() => slow.got.length >= 8)
  assert.deepEqual([...slow.got.subarray(4)], [0x40, 2, 0, 3])
  assert.equal(taken.length, 1)
})

test('connections are bounded, and who does not say CONNECT is let go', async () => {
  const { broker, reports } = await front({ mqtt: { limits: { maxConnectionsPerAddress: 2 }, connectTimeoutMs: 200 } })
  const idle = [await device(broker.port), await device(broker.port)]
  const third = await device(broker.port)
  await eventually(() => third.closed)
  assert.ok(reports.some(({ args }) => args[1] === 'too-many-connections'))
  await eventually(() => idle.every(({ closed }) => closed))
  await connect(broker.port)
})

test('users and passwords are asked for where they are configured, and carry the tenant', async () => {
  const passwordHash = await hashPassword('river')
  const { broker, taken, reports } = await front({ mqtt: { users: [{ name: 'site', passwordHash, tenant: 'acme' }] } })
  await assert.rejects(connect(broker.port, { username: 'site', password: 'lake' }))
  await assert.rejects(connect(broker.port, { username: 'other', password: 'river' }))
  await assert.rejects(connect(broker.port))
  assert.ok(reports.some(({ args }) => args[1] === 'bad-credentials'))
  const client = await connect(broker.port, { username: 'site', password: 'river' })
  const message = JSON.stringify([
    { ...event, tenant_id: 'acme' },
    { ...event, tenant_id: 'default' },
  ])
  await client.publishAsync('tributary/v1/network/tap-1', message, { qos: 1 })
  assert.deepEqual(
    taken.map(({ verdict, reason }) => reason ?? verdict),
    ['accepted', 'tenant-mismatch'],
  )
})

test('an open address without users is refused at start', async () => {
  const opened = openFront({ journal: { directory: join(dir, 'open') }, mqtt: { host: '0.0.0.0' } })
  await assert.rejects(opened.start(), /mqtt\.users/)
  await opened.stop()
})

test('a full journal acknowledges nothing, closes with a reason, and goes on once it has room', async () => {
  const { broker, taken, journal, reports } = await front({
    journal: { directory: join(dir, 'full'), quotaBytes: 20_000, segmentBytes: 4_000 },
    intake: { pauseMs: 20 },
  })
  const topic = 'tributary/v1/interaction/shop'
  let acknowledged = 0
  const publish = async () => {
    const client = await connect(broker.port)
    try {
      for (;;) {
        const events = Array.from({ length: 40 }, (_, at) => ({
          timestamp: Date.now(),
          event_type: 'visit',
          msisdn: '+353851234567',
          action: `${at}`,
        }))
        await Promise.race([
          client.publishAsync(topic, JSON.stringify(events), { qos: 1 }),
          new Promise((_, reject) => client.once('close', () => reject(new Error('closed')))),
        ])
        acknowledged += 40
      }
    } catch {
      // the broker closed it
    }
  }
  await publish()
  assert.ok(acknowledged > 0)
  assert.equal(taken.length, acknowledged)
  assert.ok(reports.some(({ what, args }) => what === 'connectionClosed' && args[1] === 'journal-full'))
  journal.release(journal.head)
  await new Promise((resolve) => setTimeout(resolve, 30))
  const before = acknowledged
  await publish()
  assert.ok(acknowledged > before)
})

test('while too much is in flight reading waits, and everything is acknowledged in the end', async () => {
  const { broker, taken } = await front({ intake: { maxPendingBytes: 300, maxWaitMs: 5 } })
  const clients = await Promise.all(Array.from({ length: 5 }, () => connect(broker.port)))
  await Promise.all(
    clients.flatMap((client, tap) =>
      Array.from({ length: 60 }, (_, at) =>
        client.publishAsync(`tributary/v1/network/tap-${tap}`, JSON.stringify({ ...event, pci: at }), { qos: 1 }),
      ),
    ),
  )
  assert.equal(taken.length, 300)
})

test('a strange topic is dead-lettered without its digits and control characters', async () => {
  const { broker, taken } = await front()
  const client = await device(broker.port)
  client.send(raw.connect('device'))
  client.send(raw.publish(1, 5, 'of/272011234567890/\u0001x', '{}'))
  await eventually(() => client.got.length >= 8)
  assert.equal(taken[0]!.field, 'of/###############/.x')
})
