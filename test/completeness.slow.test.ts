/** A stopped agent lowers its region's completeness within 30 s and is named; it comes back; a wiped one starts afresh under its name. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually, isAlive, type Network, rfc3339, startNetwork } from './network.ts'

interface Completeness {
  readonly items: readonly { readonly region: string; readonly agent?: string; readonly completeness: number }[]
}

test('a silent agent is named, and completeness comes back with it', async (t) => {
  const network = await startNetwork(t)
  await eventually('everything is complete', async () => assert.equal(await regionCompleteness(network, 'north'), 1), 60_000, 500)
  const { pid } = network.agent('north-2')
  process.kill(pid, 'SIGSTOP')
  try {
    await eventually(
      'the region is incomplete and north-2 is named',
      async () => {
        assert.ok((await regionCompleteness(network, 'north')) < 1)
        assert.equal(await agentCompleteness(network, 'north-2'), 0)
        assert.equal(await agentCompleteness(network, 'north-1'), 1)
      },
      30_000,
      500,
    )
    assert.equal(await regionCompleteness(network, 'south'), 1)
  } finally {
    if (isAlive(pid)) process.kill(pid, 'SIGCONT')
  }
  await eventually('it is complete again', async () => assert.equal(await regionCompleteness(network, 'north'), 1), 60_000, 500)
})

test('events of an agent whose data folder was wiped count as new', async (t) => {
  const network = await startNetwork(t, { args: ['--no-simulator', '--agents', '1'] })
  const fromMs = Date.now() - 60_000
  const events = (prefix: string) =>
    Array.from({ length: 50 }, (_, at) => ({
      event_id: `${prefix}-${at}`,
      timestamp: Date.now(),
      event_type: 'attach',
      payload: { imsi: '272011234567890', cell: '272-01-7', rat: 'LTE' },
    }))
  await network.publish('north-1', 'network', 'probe-1', events('before'))
  await eventually('50 are counted', async () => assert.equal(await accepted(network, fromMs), 50), 30_000, 500)
  const agent = network.agent('north-1')
  process.kill(agent.pid, 'SIGSTOP')
  rmSync(dataDirOf(network, 'north-1'), { recursive: true, force: true })
  process.kill(agent.pid, 'SIGKILL')
  await eventually('the agent was restarted', () => assert.notEqual(network.agent('north-1').pid, agent.pid))
  await network.publish('north-1', 'network', 'probe-1', events('after'))
  await eventually('100 are counted', async () => assert.equal(await accepted(network, fromMs), 100), 30_000, 500)
})

function dataDirOf(network: Network, agent: string): string {
  const config = network.agent(agent).config
  return /^dataDir:\s*"?([^"\n]+)"?/m.exec(readFileSync(config, 'utf8'))?.[1] ?? join(network.dataDir, agent)
}

async function completeness(network: Network): Promise<Completeness['items']> {
  const now = Date.now()
  return (await network.api<Completeness>(`/v1/completeness?from=${rfc3339(now - 60_000)}&to=${rfc3339(now)}`)).items
}

async function regionCompleteness(network: Network, region: string): Promise<number> {
  return (await completeness(network)).find((row) => row.region === region && row.agent === undefined)!.completeness
}

async function agentCompleteness(network: Network, agent: string): Promise<number> {
  return (await completeness(network)).find((row) => row.agent === agent)!.completeness
}

async function accepted(network: Network, fromMs: number): Promise<number> {
  const { items } = await network.api<{ items: { accepted: number }[] }>(
    `/v1/events/counts?from=${rfc3339(fromMs)}&to=${rfc3339(Date.now() + 60_000)}`,
  )
  return items.reduce((total, row) => total + row.accepted, 0)
}
