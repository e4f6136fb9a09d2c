/**
 * 20,000 events published with QoS 1 while agent, hub, core and every nats-server are killed with -9 in turn:
 * the core counts 20,000 accepted, no more and no less, and still does a minute later.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually, type Network, rfc3339, startNetwork } from './network.ts'

const events = 20_000
/** How often each process is killed. */
const rounds = 3

test('nothing acknowledged is lost or counted twice while every process is killed', async (t) => {
  const network = await startNetwork(t, { args: ['--no-simulator', '--agents', '1'] })
  const fromMs = Date.now() - 60_000
  const publishing = publish(network)
  let killed = 0
  const done = publishing.then(() => true)
  while (!(await Promise.race([done, sleep(2500, false)]))) {
    const victims = pids(network)
    if (killed >= rounds * victims.length) continue
    const [name, pid] = victims[killed % victims.length]!
    if (!kill(pid)) continue // it is just being started again
    killed++
    t.diagnostic(`killed ${name} (${pid})`)
  }
  assert.ok(killed >= 10, `only ${killed} processes were killed while publishing`)
  await eventually(
    'all 20,000 are counted',
    async () => assert.deepEqual(await counts(network, fromMs), { accepted: events, rejected: 0 }),
    90_000,
    1000,
  )
  await sleep(60_000)
  assert.deepEqual(await counts(network, fromMs), { accepted: events, rejected: 0 })
})

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}

async function publish(network: Network): Promise<void> {
  const group = 400
  for (let at = 0; at < events; at += group) {
    const payloads = Array.from({ length: group }, (_, index) => event(at + index))
    await network.publish('north-1', 'network', 'probe-1', payloads, 'never-lost')
    await sleep(250)
  }
}

function event(number: number) {
  return {
    event_id: `e-${number}`,
    timestamp: Date.now(),
    event_type: 'measurement',
    payload: {
      imsi: `27201${String(number % 500).padStart(10, '0')}`,
      cell: `272-01-${1000 + (number % 40)}`,
      rat: 'LTE',
      rsrp_dbm: -80 - (number % 40),
    },
  }
}

function pids(network: Network): [name: string, pid: number][] {
  const { regions, core } = network.ready
  const north = regions[0]!
  return [
    ['agent', north.agents[0]!.pid],
    ['hub', north.hub.pid],
    ['core', core.pid],
    ['region nats-server', north.nats.pid],
    ['core nats-server', core.nats.pid],
  ]
}

async function counts(network: Network, fromMs: number) {
  const { items } = await network.api<{ items: { accepted: number; rejected: number; duplicate: number }[] }>(
    `/v1/events/counts?from=${rfc3339(fromMs)}&to=${rfc3339(Date.now() + 60_000)}`,
  )
  const total = { accepted: 0, rejected: 0 }
  for (const row of items) {
    total.accepted += row.accepted
    total.rejected += row.rejected
  }
  return total
}
