/**
 * Fault row 3: the volume is full. An agent's stores on a tmpfs of a few MiB, without a link: devices fill it until they are refused. It must
 * not crash, also not when it is started again on the full volume; what was acknowledged must come out once the link is there; and then it must
 * take events again without help. Needs a user who may mount.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { decodeBatch } from '#shared/batch-codec.ts'
import type { Batch } from '#shared/records.ts'
import { SqliteJournal } from '../../edge-agent/adapters/sqlite-journal.ts'
import { SqliteOutbox } from '../../edge-agent/adapters/sqlite-outbox.ts'
import { JournalCover } from '../../edge-agent/cover-journal.ts'
import { accepted, EventBatch } from '../../edge-agent/event-batch.ts'
import { JournalFull } from '../../edge-agent/ports.ts'
import { tallyTotals } from '../rigs/small-hub.ts'

const mebibyte = 2 ** 20
const dir = mkdtempSync(join(tmpdir(), 'disk-full-'))
const isMounted = mount()
after(() => {
  closeAll()
  if (isMounted) execFileSync('umount', [dir])
  rmSync(dir, { recursive: true, force: true })
})

let closeAll = () => {}
const storeId = 'ee'.repeat(16)
const clock = { nowMs: () => Date.now() + clock.aheadMs, monotonicMs: () => performance.now() + clock.aheadMs, aheadMs: 0 }

test('a full volume: refuses, survives a restart, drains, and takes events again', {
  skip: isMounted ? false : 'no small volume could be mounted here (needs root)',
  timeout: 120_000,
}, async (t) => {
  const hub = new Map<string, Batch>()
  let online = false
  let boots = 0
  let [acknowledged, refused, refusedCuts] = [0, 0, 0]
  const begin = async () => {
    const report = {
      outboxSalvaged: (told: unknown) => assert.fail(JSON.stringify(told)),
      outboxRowsLost() {},
      ballastDropped() {},
      ballastRestored() {},
    }
    const outbox = new SqliteOutbox({
      file: join(dir, 'outbox.db'),
      tenant: 'default',
      region: 'north',
      agent: 'north-1',
      storeId,
      epoch: `${storeId}.${++boots}`,
      quotaBytes: 64 * mebibyte,
      ballastBytes: 3 * mebibyte,
      backfillAfterMs: 60_000,
      maxFrameBytes: 1 << 19,
      batchRows: 1_000,
      clock,
      online: () => online,
      report,
    })
    const journal = new SqliteJournal(
      { directory: join(dir, 'journal'), quotaBytes: 64 * mebibyte, segmentBytes: 256 * 1024, ballastBytes: 2 * mebibyte, idWindowMs: 0 },
      {
        clock,
        report: {
          segmentQuarantined: (told) => assert.fail(JSON.stringify(told)),
          idsQuarantined() {},
          ballastDropped() {},
          ballastRestored() {},
        },
      },
    )
    const cover = new JournalCover(
      { graceMs: 0, fastCutMs: 1_000_000, batchRows: 1_000, subscribers: 1_024, keepAliveMs: 900_000, deadLetterRows: 1_000 },
      {
        journal,
        outbox,
        storeId,
        clock,
        onCommit() {},
        onDiskFull: () => void refusedCuts++,
        onLoss: (family, events) => assert.fail(`${events} events of ${family} given up`),
        onJournalLoss: (family, events) => assert.fail(`${events} events of ${family} lost`),
        onFailure: (error) => assert.fail(String(error)),
      },
    )
    await cover.start(new AbortController().signal)
    cover.abandon()
    return { outbox, journal, cover }
  }
  let agent = await begin()
  closeAll = () => {
    agent.journal.close()
    agent.outbox.close()
  }
  const offer = (mark: number): boolean => {
    const batch = batchOf(mark)
    try {
      agent.cover.take(batch, agent.journal.append(batch))
      acknowledged += batch.rows
      return true
    } catch (error) {
      assert.ok(error instanceof JournalFull, String(error))
      refused++
      return false
    }
  }
  const cut = () => {
    try {
      agent.cover.cutSlow(clock.nowMs())
      return true
    } catch (error) {
      assert.match(String(error), /no room/)
      refusedCuts++
      return false
    }
  }
  const deliver = () => {
    for (let row = agent.outbox.next(); row !== undefined; row = agent.outbox.next()) {
      const key = `${row.epoch} ${row.lane} ${row.seq}`
      if (!hub.has(key)) hub.set(key, decodeBatch(row.frame))
      agent.outbox.free({ region: 'north', hubEpoch: 1, lanes: [{ epoch: row.epoch, lane: row.lane, seq: row.seq }] })
    }
  }

  let mark = 0
  for (let step = 0; step < 4_000 && refused < 20; step++) {
    offer(++mark)
    cut()
    clock.aheadMs += 200
  }
  assert.ok(refused >= 20, `refused ${refused} times`)
  const free = freeBytes()
  closeAll()
  clock.aheadMs += 2_000
  agent = await begin()
  offer(++mark)

  online = true
  const startMs = performance.now()
  const recovers = () => {
    let takes = 0
    for (let attempt = 0; attempt < 60 && takes < 20; attempt++) {
      clock.aheadMs += 1_100
      deliver()
      cut()
      if (offer(++mark)) takes++
    }
    assert.equal(takes, 20, `takes events again; ${freeBytes()} bytes are free`)
  }
  recovers()

  online = false // now suddenly, by somebody else's file, with events that no cut has covered yet
  for (let at = 0; at < 20; at++) assert.ok(offer(++mark))
  const filler = join(dir, 'filler')
  const descriptor = openSync(filler, 'w')
  assert.throws(() => {
    for (;;) writeSync(descriptor, Buffer.alloc(4_096, 1))
  }, /ENOSPC/)
  closeSync(descriptor)
  const before = refused
  for (let step = 0; step < 3_000 && refused < before + 20; step++) {
    clock.aheadMs += 200
    offer(++mark)
    if (step % 4 === 0) cut()
  }
  assert.ok(refused >= before + 20, 'devices are refused')
  closeAll()
  agent = await begin()
  rmSync(filler)
  online = true
  recovers()
  for (let attempt = 0; attempt < 20; attempt++) {
    clock.aheadMs += 1_100
    cut()
    deliver()
  }
  closeAll()
  let events = 0
  for (const batch of hub.values()) {
    for (let row = 0; row < batch.rows; row++)
      if (batch.kind === 'window') events += (batch as unknown as Batch<'window'>).columns.events[row]!
  }
  const tallies = tallyTotals([...hub.values()].filter(({ kind }) => kind === 'tally') as unknown as Batch<'tally'>[])
  assert.deepEqual({ events, lost: tallies.lost, accepted: tallies.accepted }, { events: acknowledged, lost: 0, accepted: acknowledged })
  t.diagnostic(
    JSON.stringify({
      acknowledged,
      lost: 0,
      refused,
      refusedCuts,
      freeBytesWhenFull: free,
      drainedMs: Math.round(performance.now() - startMs),
    }),
  )
})

function batchOf(mark: number): EventBatch {
  const batch = new EventBatch(256)
  for (let at = 0; at < 200; at++) {
    const row = batch.add()
    const { columns } = batch
    columns.verdict[row] = accepted
    columns.family[row] = 0
    columns.timeMs[row] = clock.nowMs()
    columns.arrivalMs[row] = clock.nowMs()
    columns.cell[row] = batch.code(`272-01-${(mark * 200 + at) % 5_000}`)
    columns.eventType[row] = batch.code('measurement')
    columns.source[row] = batch.code('tap-1')
    columns.subscriber.set([mark * 200 + at + 1, Math.imul(mark, 0x9e3779b1) >>> 0, Math.imul(at, 0x85ebca6b) >>> 0, 7], row * 4)
    columns.idHash.set([mark, at + 1], row * 2)
  }
  return batch
}

function freeBytes(): number {
  const { bavail, bsize } = statfsSync(dir)
  return bavail * bsize
}

function mount(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=14m', 'tmpfs', dir], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
