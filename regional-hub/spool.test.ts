/** The spool and its drain: in order through memory, disk, failures and restarts. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Trunk, type TrunkItem, Unavailable } from '#shared/ports.ts'
import { sleep } from '#shared/retry.ts'
import { SqliteSpool } from './adapters/sqlite-spool.ts'
import { SpoolDrain } from './drain-spool.ts'

const dir = mkdtempSync(join(tmpdir(), 'tributary-spool-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const octet = (value: number) => Uint8Array.of(value, ...new Uint8Array(99))

function openSpool(name: string, head?: number, memoryBytes = 1000): SqliteSpool {
  const spool = new SqliteSpool({ file: join(dir, `${name}.db`), quotaBytes: 1 << 20, memoryBytes })
  spool.open(head)
  return spool
}

function ids(spool: SqliteSpool): number[] {
  const found: number[] = []
  for (let item = spool.after(spool.acknowledged); item !== undefined; item = spool.after(item.id)) found.push(item.id)
  return found
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)

test('items come out in order, whether they stayed in memory or went to disk', () => {
  const spool = openSpool('order')
  for (let at = 1; at <= 1000; at++) spool.push('t', octet(at % 250), `k${at}`)
  assert.deepEqual(ids(spool), range(1, 1000))
  spool.acknowledge(700)
  for (let at = 1001; at <= 1010; at++) spool.push('t', octet(at % 250), `k${at}`)
  assert.deepEqual(ids(spool), range(701, 1010))
  assert.equal(spool.after(1009)!.frame[0], 1010 % 250)
  assert.equal(spool.after(1010), undefined)
  spool.close()
})

test('after a crash it holds what the snapshot knew of; what came later is made again under the same numbers', () => {
  const before = openSpool('crash', undefined, 1 << 20)
  for (let at = 1; at <= 30; at++) before.push('t', octet(at), '')
  ids(before)
  before.acknowledge(10)
  before.persist()
  for (let at = 31; at <= 40; at++) before.push('t', octet(at), '')
  before.persist()
  before.close()
  const again = openSpool('crash', 30, 1 << 20)
  assert.equal(again.head, 30)
  assert.deepEqual(ids(again), range(11, 30))
  again.push('t', octet(99), '')
  assert.equal(again.head, 31)
  again.close()
})

test('a full spool says so and has room again once the trunk took enough', () => {
  const spool = openSpool('full')
  while (!spool.full) spool.push('t', new Uint8Array(50_000), '')
  ids(spool)
  spool.acknowledge(spool.head)
  spool.persist()
  assert.equal(spool.full, false)
  assert.equal(spool.bytes, 0)
  spool.close()
})

test('when one of several in flight fails, it and all after it go again; a barrier waits for everything before it', async () => {
  const spool = openSpool('drain', undefined, 1 << 20)
  for (let at = 1; at <= 40; at++) spool.push(at === 20 ? 'barrier' : 't', octet(at), String(at), at === 20)
  const sent: number[] = []
  const there: number[] = []
  let inFlight = 0
  let barrierSawOthers = false
  const toFail = new Set([7, 20, 33])
  const trunk: Trunk = {
    append: async ({ frame, topic }: TrunkItem) => {
      const id = frame[0]!
      sent.push(id)
      if (topic === 'barrier' && inFlight > 0) barrierSawOthers = true
      inFlight++
      await sleep(Math.random() * 4)
      inFlight--
      if (toFail.delete(id)) throw new Unavailable('nobody there')
      there.push(id)
    },
  }
  const drain = new SpoolDrain({
    spool,
    trunk,
    address: { tenant: 't', region: 'r', hubEpoch: 1 },
    maxInFlight: 8,
    maxBytesInFlight: 1 << 20,
    onAcknowledged: (id) => {
      for (let one = 1; one <= id; one++) assert.ok(there.includes(one), `${one} was acknowledged and is not there`)
    },
    onUnavailable: () => {},
    onRefused: () => assert.fail('nothing is refused'),
  })
  const abort = new AbortController()
  drain.start(abort.signal)
  assert.ok(await drain.drained(5_000))
  abort.abort()
  await drain.stopped()
  assert.equal(barrierSawOthers, false)
  assert.equal(sent.filter((id) => id === 7).length, 2)
  const lastPlaces = range(1, 40).map((id) => sent.lastIndexOf(id))
  assert.deepEqual(
    lastPlaces,
    [...lastPlaces].sort((a, b) => a - b),
  )
  spool.close()
})

test('a disk without room: what was pushed stays in memory, the spool says it is full, and goes on once there is room', () => {
  const spool = new SqliteSpool({ file: join(dir, 'room.db'), quotaBytes: 100_000, memoryBytes: 1000 })
  spool.open(undefined)
  for (let at = 1; at <= 10; at++) spool.push('t', new Uint8Array(60_000).fill(at), '')
  assert.equal(spool.full, true)
  assert.throws(() => spool.persist(), /no room/)
  assert.deepEqual(ids(spool), range(1, 10))
  spool.acknowledge(9)
  spool.persist()
  assert.equal(spool.full, false)
  assert.deepEqual(ids(spool), [10])
  spool.close()
})

test('a frame that no trunk can take is reported and passed', async () => {
  const spool = openSpool('refused')
  for (let at = 1; at <= 3; at++) spool.push('t', octet(at), '')
  const refused: number[] = []
  const trunk: Trunk = { append: async ({ frame }) => (frame[0] === 2 ? Promise.reject(new Error('too large')) : undefined) }
  const drain = new SpoolDrain({
    spool,
    trunk,
    address: { tenant: 't', region: 'r', hubEpoch: 1 },
    maxInFlight: 2,
    maxBytesInFlight: 1 << 20,
    onAcknowledged: () => {},
    onUnavailable: () => {},
    onRefused: ({ id }) => refused.push(id),
  })
  const abort = new AbortController()
  drain.start(abort.signal)
  assert.ok(await drain.drained(2_000))
  abort.abort()
  await drain.stopped()
  assert.deepEqual(refused, [2])
  spool.close()
})
