/** A SIM that moves from a phone in the north to another in the south raises one alert, known to both regions, to the core and to device-swap/check. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually, type Network, rfc3339, startNetwork } from './network.ts'

interface Alert {
  readonly id: string
  readonly type: string
  readonly region: string
  readonly status: string
}

const imsi = '272015550000001'
const msisdn = '+353861230001'

test('one device swap across regions, known everywhere', async (t) => {
  const network = await startNetwork(t, { args: ['--no-simulator', '--agents', '1', '--cells', cells(t)] })
  await moveSim(network)
  const swaps = await eventually(
    'the core has the alert',
    async () => {
      const found = await alerts(network)
      assert.equal(found.length, 1)
      return found
    },
    30_000,
    300,
  )
  await eventually('device-swap/check says so', async () => {
    assert.deepEqual(await network.api('/device-swap/v1/check', { phoneNumber: msisdn, maxAge: 240 }), { swapped: true })
  })
  for (const region of ['north', 'south']) {
    await eventually(`${region} knows it`, async () => {
      const response = await fetch(new URL('/api/alerts', network.region(region).console))
      const { items } = (await response.json()) as { items: Alert[] }
      assert.ok(
        items.some((alert) => alert.id === swaps[0]!.id),
        JSON.stringify(items),
      )
    })
  }
  await sleep(5000)
  assert.equal((await alerts(network)).length, 1, 'it stays one alert')
})

test('with the core’s link cut during the move, the same alert is there after it heals', async (t) => {
  const network = await startNetwork(t, { args: ['--no-simulator', '--agents', '1', '--cells', cells(t)] })
  const { pid } = network.ready.core.nats
  process.kill(pid, 'SIGSTOP')
  try {
    await moveSim(network)
    await sleep(4000)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await eventually('the core has the alert', async () => assert.equal((await alerts(network)).length, 1), 60_000, 500)
  await sleep(5000)
  assert.equal((await alerts(network)).length, 1)
})

async function moveSim(network: Network): Promise<void> {
  const now = Date.now()
  const registration = (timeMs: number, imei: string, cell: string) => ({
    event_id: `r-${timeMs}`,
    timestamp: timeMs,
    event_type: 'registration',
    payload: { imsi, msisdn, imei, cell, rat: 'LTE' },
  })
  // Four hours apart: far enough for a person to have travelled, so that nothing but the device is conspicuous.
  await network.publish('north-1', 'subscriber', 'hss-north', [registration(now - 4 * 3600_000, '35824005111111', '272-01-101')])
  await sleep(1500)
  await network.publish('south-1', 'subscriber', 'hss-south', [
    registration(now - 1000, '35911107222222', '272-01-202'),
    registration(now, '35911107222222', '272-01-202'),
  ])
}

async function alerts(network: Network): Promise<Alert[]> {
  const range = `from=${rfc3339(Date.now() - 24 * 3600_000)}&to=${rfc3339(Date.now() + 60_000)}`
  const { items } = await network.api<{ items: Alert[] }>(`/v1/alerts?${range}&type=device-swap`)
  return items
}

function cells(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'cells-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'cells.csv')
  writeFileSync(
    file,
    `radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal
LTE,272,1,100,101,0,-6.26,53.35,1200,40,1,1500000000,1700000000,-95
LTE,272,1,200,202,0,-8.47,51.90,1500,40,1,1500000000,1700000000,-95
`,
  )
  return file
}
