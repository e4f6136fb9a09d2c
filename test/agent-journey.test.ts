/** A real agent process, a real nats-server, a small hub: what devices were told is stored arrives once, whatever is killed in between. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import mqtt from 'mqtt'
import { sleep } from '#shared/retry.ts'
import { freePort, killChild, RegionalServer } from './rigs/regional-server.ts'
import { distinctKeys, SmallHub, sumOf, tallyTotals } from './rigs/small-hub.ts'

const dir = mkdtempSync(join(tmpdir(), 'agent-journey-'))
const agents = new Set<ChildProcess>()
const closing: (() => Promise<unknown>)[] = []
after(async () => {
  for (const close of closing.reverse()) await close()
  await Promise.all([...agents].map(killChild))
  rmSync(dir, { recursive: true, force: true })
})

interface Site {
  readonly server: RegionalServer
  readonly hub: SmallHub
  readonly mqttPort: number
  readonly adminUrl: string
  startAgent(): ChildProcess
}

async function site(name: string, settings: Record<string, unknown> = {}): Promise<Site> {
  const server = await RegionalServer.create()
  server.start()
  const hub = new SmallHub(server.url)
  hub.start()
  closing.push(
    () => server.remove(),
    () => hub.stop(),
  )
  const [mqttPort, adminPort] = [await freePort(), await freePort()]
  const keyFile = join(dir, 'identity.key')
  writeFileSync(keyFile, `k1:${'5a'.repeat(32)}\n`, { mode: 0o600 })
  const file = join(dir, `${name}.yaml`)
  const config = {
    agent: 'north-1',
    region: 'north',
    dataDir: join(dir, name),
    identity: { keyFile },
    hub: { natsUrl: server.url },
    mqtt: { port: mqttPort },
    netflow: { enabled: false },
    admin: { port: adminPort },
    log: { level: 'error' },
    ...settings,
  }
  writeFileSync(file, JSON.stringify(config)) // JSON is YAML
  const startAgent = () => {
    const child = spawn(process.execPath, ['edge-agent/main.ts', 'run', '--config', file], { stdio: ['ignore', 'ignore', 'inherit'] })
    agents.add(child)
    return child
  }
  return { server, hub, mqttPort, adminUrl: `http://127.0.0.1:${adminPort}`, startAgent }
}

async function until(what: string, condition: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  const endMs = Date.now() + limitMs
  while (!(await condition())) {
    if (Date.now() > endMs) assert.fail(`not within ${limitMs} ms: ${what}`)
    await sleep(50)
  }
}

async function isReady(adminUrl: string): Promise<boolean> {
  return fetch(`${adminUrl}/ready`).then(
    (response) => response.ok,
    () => false,
  )
}

async function backlog(adminUrl: string): Promise<number> {
  const { checks } = (await (await fetch(`${adminUrl}/health`)).json()) as { checks: { id: string; value: number }[] }
  return checks.filter(({ id }) => id.startsWith('outbox.')).reduce((sum, { value }) => sum + value, 0)
}

function event(at: number): string {
  const family = at % 10 === 9 ? 'interaction' : 'network'
  const imsi = `27201${String(1_000_000_000 + (at % 40))}`
  const payload =
    family === 'network'
      ? { imsi, imei: '35824005111111', cell: `272-01-${100 + (at % 7)}`, rsrp_dbm: -80 - (at % 30), latency_ms: 10 + (at % 50) }
      : { imsi, channel: 'app', action: 'open' }
  return JSON.stringify({ event_id: `e${at}`, timestamp: Date.now(), event_type: family === 'network' ? 'measurement' : 'open', payload })
}

function topic(at: number): string {
  return at % 10 === 9 ? 'tributary/v1/interaction/shop' : 'tributary/v1/network/enb-1'
}

test('one event: from MQTT to the region, and out of the outbox when the watermark has passed', { timeout: 60_000 }, async () => {
  const { hub, mqttPort, adminUrl, startAgent } = await site('one')
  const agent = startAgent()
  await until('the agent is ready', () => isReady(adminUrl))
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${mqttPort}`, { clientId: 'one' })
  await client.publishAsync(topic(0), event(0), { qos: 1 })
  await client.publishAsync(topic(0), '{"event_type":"attach"', { qos: 1 })
  await client.endAsync()
  await until('its sighting is at the hub', () => sumRows(hub, 'sighting') === 1, 5_000)
  await until('its window is at the hub', () => sumOf(hub.of('window'), 'events') === 1, 15_000)
  assert.deepEqual(tallyTotals(hub.of('tally')), { accepted: 1, rejected: 1, duplicate: 0, late: 0, lost: 0 })
  assert.equal(sumRows(hub, 'dead-letter'), 1)
  await until('the outbox is empty', async () => (await backlog(adminUrl)) === 0, 5_000)
  await until('a beat tells a watermark within 15 s of now', () => Date.now() - (hub.beats.at(-1)?.watermarkMs ?? 0) < 15_000, 5_000)
  agent.kill('SIGTERM')
  const code = await new Promise((resolve) => agent.once('exit', resolve))
  assert.equal(code, 0)
})

test('the agent killed with -9 again and again: nothing lost, nothing doubled', { timeout: 240_000 }, async () => {
  const { hub, mqttPort, adminUrl, startAgent } = await site('killed')
  const published = 2_000
  let agent = startAgent()
  await until('the agent is ready', () => isReady(adminUrl))
  const client = mqtt.connect(`mqtt://127.0.0.1:${mqttPort}`, { clientId: 'device', clean: false, reconnectPeriod: 100 })
  client.on('error', () => {})
  closing.push(() => client.endAsync(true))
  let acknowledged = 0
  const publishing = (async () => {
    for (let at = 0; at < published; at += 20) {
      const group = Array.from({ length: 20 }, (_, one) => client.publishAsync(topic(at + one), event(at + one), { qos: 1 }))
      await Promise.all(group)
      acknowledged += group.length
      await sleep(10)
    }
  })()
  const kills = 4
  for (let kill = 1; kill <= kills; kill++) {
    await until('devices are acknowledged', () => acknowledged >= (published / (kills + 1)) * kill, 60_000)
    await sleep(Math.random() * 300)
    await killChild(agent)
    agent = startAgent()
  }
  await publishing
  await client.endAsync()
  assert.equal(acknowledged, published)
  const events = () => sumOf(hub.of('window'), 'events')
  await until('every event is in a window', () => events() >= published, 30_000)
  await until('the outbox is empty', async () => (await backlog(adminUrl)) === 0, 20_000)
  assert.equal(events(), published, `after ${kills} kills`)
  const { accepted, rejected, late, lost } = tallyTotals(hub.of('tally'))
  assert.deepEqual({ accepted, rejected, lost }, { accepted: published, rejected: 0, lost: 0 }, `after ${kills} kills`)
  assert.ok(late <= accepted)
  assert.deepEqual(distinctKeys(hub.of('event')), { rows: published / 10, keys: published / 10 })
  const sightings = distinctKeys(hub.of('sighting'))
  assert.equal(sightings.rows, sightings.keys)
})

function sumRows(hub: SmallHub, kind: 'sighting' | 'dead-letter'): number {
  return hub.of(kind).reduce((sum, { rows }) => sum + rows, 0)
}
