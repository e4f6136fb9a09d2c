/**
 * Fault row 5: octets of outbox, journal or what lies beside them change or are cut off at random places, between two lives of an agent's stores
 * (the real adapters, on real files; the first life ends as a crash does, with its logs as they lie there).
 *
 * Oracle: every event that was acknowledged is in a window once, or is counted as lost; none twice, none in silence.
 *   events in windows + lost in the tallies = acknowledged,   and what loss records say of the journal and of windows agrees with the tallies.
 * Nothing has left for a hub before the damage in half of the trials; in the others all that was handed out until then counts as arrived, once
 * by (epoch, lane, number), as a hub takes it: there a loss may be told of what had arrived, never the other way.
 */
import assert from 'node:assert/strict'
import {
  closeSync,
  cpSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { decodeBatch } from '#shared/batch-codec.ts'
import type { Batch } from '#shared/records.ts'
import { SqliteJournal } from '../../edge-agent/adapters/sqlite-journal.ts'
import { SqliteOutbox } from '../../edge-agent/adapters/sqlite-outbox.ts'
import { JournalCover } from '../../edge-agent/cover-journal.ts'
import { accepted, duplicate, EventBatch } from '../../edge-agent/event-batch.ts'
import { tallyTotals } from '../rigs/small-hub.ts'

const trials = Number(process.env.TRIBUTARY_DAMAGES ?? 48)
const firstSeed = Number(process.env.TRIBUTARY_SEED ?? 20_261_121)
const dir = mkdtempSync(join(tmpdir(), 'stores-damaged-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const storeId = 'dd'.repeat(16)
const startMs = Date.UTC(2026, 0, 1)

/** mulberry32: a trial is repeated by its seed alone. */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

interface Life {
  readonly journal: SqliteJournal
  readonly outbox: SqliteOutbox
  readonly cover: JournalCover
  readonly told: { salvaged: string[]; segments: string[] }
}

function begin(folder: string, boot: number, online: boolean): Life {
  mkdirSync(folder, { recursive: true })
  const told: Life['told'] = { salvaged: [], segments: [] }
  const clock = { nowMs: () => startMs + boot * 120_000, monotonicMs: () => 0 }
  const outbox = new SqliteOutbox({
    file: join(folder, 'outbox.db'),
    tenant: 'default',
    region: 'north',
    agent: 'north-1',
    storeId,
    epoch: `${storeId}.${boot}`,
    quotaBytes: 1 << 26,
    backfillAfterMs: 60_000,
    maxFrameBytes: 1 << 19,
    batchRows: 200,
    clock,
    online: () => online,
    report: { outboxSalvaged: ({ why }) => void told.salvaged.push(why), outboxRowsLost() {}, ballastDropped() {}, ballastRestored() {} },
  })
  const journal = new SqliteJournal(
    { directory: join(folder, 'journal'), segmentBytes: 65_536, ballastBytes: 0 },
    {
      clock,
      report: {
        segmentQuarantined: ({ why }) => void told.segments.push(why),
        idsQuarantined() {},
        ballastDropped() {},
        ballastRestored() {},
      },
    },
  )
  const cover = new JournalCover(
    { graceMs: 250, fastCutMs: 1_000_000, batchRows: 200, subscribers: 1_024, keepAliveMs: 900_000, deadLetterRows: 1_000 },
    {
      journal,
      outbox,
      storeId,
      clock,
      onCommit() {},
      onDiskFull: (error) => assert.fail(String(error)),
      onLoss: () => assert.fail('the quota is wide'),
      onJournalLoss() {},
      onFailure: (error) => assert.fail(String(error)),
    },
  )
  return { journal, outbox, cover, told }
}

function batchOf(random: (below: number) => number, boot: number): { batch: EventBatch; events: number } {
  const batch = new EventBatch(64)
  let events = 0
  for (let rows = 1 + random(120); rows > 0; rows--) {
    const row = batch.add()
    const { columns } = batch
    columns.verdict[row] = random(10) === 0 ? duplicate : accepted
    if (columns.verdict[row] === accepted) events++
    columns.family[row] = random(3)
    columns.timeMs[row] = startMs + boot * 120_000 + random(60_000)
    columns.arrivalMs[row] = startMs + boot * 120_000 + 60_000
    columns.cell[row] = batch.code(`272-01-${random(400)}`)
    columns.eventType[row] = batch.code('measurement')
    columns.source[row] = batch.code('tap-1')
    columns.subscriber.set([random(300) + 1, 7, 7, 7], row * 4)
    columns.idHash.set([random(2 ** 32), random(2 ** 32)], row * 2)
  }
  return { batch, events }
}

/** As a hub takes them: each (epoch, lane, number) once, the first that came. */
function deliver(outbox: SqliteOutbox, to: Map<string, Batch>): void {
  for (let row = outbox.next(); row !== undefined; row = outbox.next()) {
    const key = `${row.epoch} ${row.lane} ${row.seq}`
    if (!to.has(key)) to.set(key, decodeBatch(row.frame))
  }
}

function eventsOf(hub: Map<string, Batch>): number {
  let events = 0
  for (const batch of hub.values()) {
    for (let row = 0; row < batch.rows; row++) {
      if (batch.kind === 'window') events += (batch as unknown as Batch<'window'>).columns.events[row]!
      if (batch.kind === 'usage') events += (batch as unknown as Batch<'usage'>).columns.flows[row]!
    }
  }
  return events
}

/** One place of one file: some bits, a block, or everything from there on. Returns what was done. */
function damage(folder: string, random: (below: number) => number): string {
  const files = ['outbox.db', 'outbox.db-wal', ...readdirSync(join(folder, 'journal')).map((name) => join('journal', name))].filter(
    (name) => /outbox\.db|journal-.*\.db(-wal)?$/.test(name) && statSync(join(folder, name), { throwIfNoEntry: false })?.size,
  )
  const name = random(3) === 0 ? files[random(files.length)]! : files[random(Math.min(2, files.length))]!
  const descriptor = openSync(join(folder, name), 'r+')
  try {
    const { size } = fstatSync(descriptor)
    const at = random(size)
    const way = random(3)
    if (way === 0) {
      ftruncateSync(descriptor, at)
      return `${name}: cut at ${at} of ${size}`
    }
    const length = way === 1 ? 1 : Math.min(4_096, size - at)
    const octets = Buffer.alloc(length)
    readSync(descriptor, octets, 0, length, at)
    for (let octet = 0; octet < length; octet++) octets[octet]! ^= 1 << random(8)
    writeSync(descriptor, octets, 0, length, at)
    return `${name}: ${length} octets changed at ${at} of ${size}`
  } finally {
    closeSync(descriptor)
  }
}

test(`${trials} damages, seeds from ${firstSeed}: it starts, what is lost is told, nothing counts twice`, {
  timeout: 300_000,
}, async (t) => {
  const sum = { acknowledged: 0, lost: 0, silent: 0, twice: 0, salvaged: 0, segments: 0, toldInVain: 0 }
  for (let trial = 0; trial < trials; trial++) {
    const seed = firstSeed + trial
    const random = randomOf(seed)
    const online = random(2) === 0
    const live = join(dir, `${trial}-live`)
    const hub = new Map<string, Batch>()
    let acknowledged = 0
    const first = begin(live, 1, online)
    for (let step = 30 + random(40); step > 0; step--) {
      const { batch, events } = batchOf(random, 1)
      first.cover.take(batch, first.journal.append(batch))
      acknowledged += events
      if (random(4) === 0) first.cover.cutFast()
      if (random(9) === 0) first.cover.cutSlow(startMs)
      if (online && random(3) === 0) deliver(first.outbox, hub)
    }
    const folder = join(dir, String(trial))
    cpSync(live, folder, { recursive: true, filter: (name) => !name.endsWith('-shm') }) // as a crash leaves it
    first.cover.abandon()
    first.journal.close()
    first.outbox.close()
    const done = damage(folder, random)
    const context = `seed ${seed}, ${online ? 'online' : 'away'}, ${done}`
    const second = begin(folder, 2, true)
    const { signal } = new AbortController()
    await second.cover.start(signal)
    const { batch, events } = batchOf(random, 2)
    second.cover.take(batch, second.journal.append(batch))
    acknowledged += events
    second.cover.abandon()
    second.cover.cutSlow(startMs)
    deliver(second.outbox, hub)
    second.journal.close()
    second.outbox.close()
    const third = begin(folder, 3, true)
    await third.cover.start(signal)
    third.cover.abandon()
    deliver(third.outbox, hub)
    assert.deepEqual(third.told.salvaged, [], `${context}: mended for good`)
    third.journal.close()
    third.outbox.close()
    rmSync(live, { recursive: true })
    rmSync(folder, { recursive: true })

    const counted = eventsOf(hub)
    const { lost } = tallyTotals([...hub.values()].filter(({ kind }) => kind === 'tally') as unknown as Batch<'tally'>[])
    const difference = counted + lost - acknowledged
    assert.ok(counted <= acknowledged, `${context}: ${counted - acknowledged} events count twice`)
    assert.ok(difference >= 0, `${context}: ${-difference} events are lost in silence`)
    if (!online) assert.equal(difference, 0, `${context}: ${difference} events are said to be lost and are not`)
    sum.acknowledged += acknowledged
    sum.lost += acknowledged - counted
    sum.toldInVain += difference
    sum.salvaged += second.told.salvaged.length
    sum.segments += second.told.segments.length
  }
  t.diagnostic(`n ${trials}, seeds ${firstSeed} to ${firstSeed + trials - 1}: ${JSON.stringify(sum)}`)
})
