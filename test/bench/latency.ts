/**
 * From the device to the answer: a whole network by the launcher, a steady load on one agent, and probes among it, each a SIM that appears in another
 * phone. Measured for each probe from its publish to the alert in the core's API. `node24 test/bench/latency.ts [events/s] [probes]`.
 * The API is asked every 10 ms, so a figure may be up to that much too high. Prints one line of JSON.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { sleep } from '#shared/retry.ts'
import type { Ready } from '../network.ts'

const rate = Number(process.argv[2] ?? 2000)
const probes = Number(process.argv[3] ?? 60)
const root = join(import.meta.dirname, '../..')
const dir = mkdtempSync(join(tmpdir(), 'bench-latency-'))
const readyFile = join(dir, 'ready.json')
const portBase = 40_000 + Math.floor(Math.random() * 200) * 64

const launcher = spawn(
  process.execPath,
  [
    'deploy/launch.ts',
    '--data',
    join(dir, 'data'),
    '--port-base',
    String(portBase),
    '--ready-file',
    readyFile,
    '--no-simulator',
    '--agents',
    '1',
    '--regions',
    'north',
  ],
  { cwd: root, stdio: 'ignore' },
)
try {
  const ready = await networkReady()
  const client = await mqtt.connectAsync(ready.regions[0]!.agents[0]!.mqtt, { clientId: 'bench-latency' })
  const load = startLoad(client)
  await sleep(3000)
  const waits = await measureProbes(client, ready)
  const published = load()
  await client.endAsync(true)
  waits.sort((a, b) => a - b)
  const at = (share: number) => Math.round(waits[Math.min(waits.length - 1, Math.floor(share * waits.length))]!)
  console.log(
    JSON.stringify({
      bench: 'device to API',
      eventsPerS: Math.round(published),
      probes: waits.length,
      p50Ms: at(0.5),
      p90Ms: at(0.9),
      p99Ms: at(0.99),
      maxMs: at(1),
    }),
  )
} finally {
  await stop(launcher)
  rmSync(dir, { recursive: true, force: true })
}

/** Events of subscribers at home, in arrays of 20; returns a function that ends it and says how many a second were acknowledged. */
function startLoad(client: mqtt.MqttClient): () => number {
  const perMessage = 20
  let acknowledged = 0
  let sequence = 0
  const startedMs = performance.now()
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedMs) / 1000) * (rate / perMessage))
    while (sequence < due) {
      sequence++
      const events = Array.from({ length: perMessage }, (_, at) => {
        const who = (sequence * perMessage + at) % 20_000
        return {
          timestamp: Date.now(),
          event_type: 'measurement',
          imsi: `27202${String(who).padStart(10, '0')}`,
          cell: `272-01-${1000 + (who % 200)}`,
          rsrp_dbm: -95,
        }
      })
      client.publishAsync('tributary/v1/network/load', JSON.stringify(events), { qos: 1 }).then(
        () => {
          acknowledged += perMessage
        },
        () => {},
      )
    }
  }, 10)
  return () => {
    clearInterval(timer)
    return acknowledged / ((performance.now() - startedMs) / 1000)
  }
}

async function measureProbes(client: mqtt.MqttClient, ready: Ready): Promise<number[]> {
  const waits: number[] = []
  const register = (imsi: string, imei: string) =>
    client.publishAsync(
      'tributary/v1/subscriber/probe',
      JSON.stringify({ timestamp: Date.now(), event_type: 'registration', imsi, imei, cell: '272-01-1001', rat: 'LTE' }),
      { qos: 1 },
    )
  const run = Date.now() % 1e6
  for (let probe = 0; probe < probes; probe++) {
    const imsi = `27203${String(run * 1000 + probe).padStart(10, '0')}`
    await register(imsi, '35824005111111')
    await sleep(600 + Math.random() * 400)
    const before = await alerts(ready)
    const startedMs = performance.now()
    await register(imsi, '35911107222222')
    while ((await alerts(ready)) <= before) {
      if (performance.now() - startedMs > 30_000) throw new Error('a probe raised no alert within 30 s')
      await sleep(10)
    }
    waits.push(performance.now() - startedMs)
  }
  return waits
}

async function alerts(ready: Ready): Promise<number> {
  const response = await fetch(new URL('/v1/alerts?type=device-swap&limit=1000', ready.core.api), {
    headers: { authorization: `Bearer ${ready.core.apiKey}` },
  })
  return ((await response.json()) as { items: unknown[] }).items.length
}

async function networkReady(): Promise<Ready> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (existsSync(readyFile)) return JSON.parse(readFileSync(readyFile, 'utf8')) as Ready
    if (launcher.exitCode !== null) throw new Error('the launcher ended')
    await sleep(100)
  }
  throw new Error('the network was not ready within 60 s')
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}
