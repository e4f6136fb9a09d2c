import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { type FrontOptions, openFront } from './front-rig.ts'

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
