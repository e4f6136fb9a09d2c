import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { decodeBatch } from '#shared/batch-codec.ts'
import { DiskFull } from '#shared/errors.ts'
import { families, familyCode } from '#shared/families.ts'
import type { Batch, RecordKind } from '#shared/records.ts'
import { SqliteOutbox } from './adapters/sqlite-outbox.ts'
import { type CoverDeps, JournalCover } from './cover-journal.ts'
import { accepted, duplicate, EventBatch, rejected } from './event-batch.ts'
import type { Journal, Outbox } from './ports.ts'

const dir = mkdtempSync(join(tmpdir(), 'cover-'))
after(() => rmSync(dir, { recursive: true, force: true }))

interface Event {
  readonly family: number
  readonly verdict: number
  readonly timeMs: number
  readonly arrivalMs: number
  readonly cell: string
  readonly eventType: string
  readonly subscriber: number
  readonly device: number
  readonly rsrpDbm: number
}

const day = Date.UTC(2026, 0, 1)
const event = fc.record<Event>({
  family: fc.constantFrom(0, 1, 2, 3, 4),
  verdict: fc.constantFrom(accepted, accepted, accepted, rejected, duplicate),
  timeMs: fc.integer({ min: day - 90_000, max: day + 30_000 }),
  arrivalMs: fc.integer({ min: day, max: day + 130_000 }),
  cell: fc.constantFrom('', '272-01-1', '272-01-2', '272-01-3'),
  eventType: fc.constantFrom('attach', 'drop', 'sim_change', 'registration', 'fix'),
  subscriber: fc.integer({ min: 1, max: 5 }),
  device: fc.integer({ min: 0, max: 3 }),
  rsrpDbm: fc.integer({ min: -140, max: -40 }),
})

/** A journal in memory that outlives the crashes of a test. */
class MemoryJournal implements Journal {
  readonly rows: Event[][] = []
  released = 0
  get head(): number {
    return this.rows.length
  }
  append(): number {
    throw new Error('tests append rows themselves')
  }
  release(position: number): void {
    assert.ok(position >= this.released && position <= this.head)
    this.released = position
  }
  *replay(afterPosition: number): Iterable<{ position: number; batch: EventBatch }> {
    assert.ok(afterPosition >= this.released, 'what was released is never asked for')
    for (let position = afterPosition + 1; position <= this.head; position++) yield { position, batch: batchOf(this.rows[position - 1]!) }
  }
  raiseHead(): void {}
  reopen(): void {}
  recentIds(): [] {
    return []
  }
  holdsPacket(): boolean {
    return false
  }
  packetsOf(): [] {
    return []
  }
}

function batchOf(events: readonly Event[]): EventBatch {
  const batch = new EventBatch(4)
  for (const one of events) {
    const row = batch.add()
    const { columns } = batch
    columns.family[row] = one.family
    columns.verdict[row] = one.verdict
    columns.timeMs[row] = one.timeMs
    columns.arrivalMs[row] = one.arrivalMs
    columns.cell[row] = batch.code(one.cell)
    columns.eventType[row] = batch.code(one.eventType)
    columns.source[row] = batch.code('s')
    columns.rsrpDbm[row] = one.rsrpDbm
    columns.flows[row] = 1
    columns.subscriber.set([one.subscriber, 7, 7, 7], row * 4)
    if (one.device > 0) columns.device.set([one.device, 9, 9, 9], row * 4)
  }
  return batch
}

interface Life {
  readonly cover: JournalCover
  readonly outbox: SqliteOutbox
}

const clock = { nowMs: () => day + 200_000, monotonicMs: () => 0 }
const storeId = '00112233445566778899aabbccddeeff'

async function boot(file: string, journal: Journal, count: number, wrap: (outbox: Outbox) => Outbox = (outbox) => outbox): Promise<Life> {
  const outbox = new SqliteOutbox({
    file,
    tenant: 'default',
    region: 'north',
    agent: 'north-1',
    storeId,
    epoch: `${storeId}.${count}`,
    quotaBytes: 1 << 26,
    backfillAfterMs: 60_000,
    maxFrameBytes: 1 << 19,
    batchRows: 10,
    clock,
    online: () => count % 2 === 0,
  })
  const deps: CoverDeps = {
    journal,
    outbox: wrap(outbox),
    storeId,
    clock,
    onCommit: () => {},
    onDiskFull: () => {},
    onLoss: () => {},
    onJournalLoss: () => {},
    onFailure: (error) => assert.fail(String(error)),
  }
  const settings = { graceMs: 250, fastCutMs: 1_000_000, batchRows: 10, subscribers: 1_024, keepAliveMs: 900_000, deadLetterRows: 1_000 }
  return { cover: new JournalCover(settings, deps), outbox }
}

/** What a hub would have in the end: every row that the outbox ever hands out. */
function collect(outbox: SqliteOutbox, into: Map<string, Batch>): void {
  for (let row = outbox.next(); row !== undefined; row = outbox.next()) {
    const batch = decodeBatch(row.frame)
    assert.deepEqual([batch.meta.epoch, batch.meta.lane, batch.meta.seq], [row.epoch, row.lane, row.seq])
    into.set(`${row.epoch} ${row.lane} ${row.seq}`, batch)
  }
}

function of<K extends RecordKind>(batches: Map<string, Batch>, kind: K): Batch<K>[] {
  return [...batches.values()].filter((batch) => batch.kind === kind) as unknown as Batch<K>[]
}

function windowsOf(batches: Batch<'window'>[]) {
  const merged = new Map<string, { events: number; attach: number; rsrpCount: number; rsrpSum: number; min: number; max: number }>()
  const parts = new Set<string>()
  for (const { columns, texts, rows, meta } of batches) {
    for (let row = 0; row < rows; row++) {
      const key = [columns.startMs[row], families[columns.family[row]!], texts[columns.cell[row]!]].join('|')
      const part = `${meta.epoch}|${key}|${columns.part[row]}`
      assert.ok(!parts.has(part), `part ${part} twice`)
      parts.add(part)
      const one = merged.get(key) ?? { events: 0, attach: 0, rsrpCount: 0, rsrpSum: 0, min: 0, max: -999 }
      one.events += columns.events[row]!
      one.attach += columns.attach[row]!
      one.rsrpCount += columns.rsrpCount[row]!
      one.rsrpSum += columns.rsrpSumDbm[row]!
      one.min = Math.min(one.min, columns.rsrpMinDbm[row]!)
      one.max = Math.max(one.max, columns.rsrpMaxDbm[row]!)
      merged.set(key, one)
    }
  }
  return [...merged].sort()
}

function naiveWindows(events: readonly Event[]) {
  const merged = new Map<string, { events: number; attach: number; rsrpCount: number; rsrpSum: number; min: number; max: number }>()
  for (const one of events) {
    if (one.verdict !== accepted || one.family === familyCode.dpi) continue
    const key = [Math.floor(one.timeMs / 10_000) * 10_000, families[one.family], one.cell].join('|')
    const sum = merged.get(key) ?? { events: 0, attach: 0, rsrpCount: 0, rsrpSum: 0, min: 0, max: -999 }
    sum.events += 1
    sum.attach += one.family === familyCode.network && one.eventType === 'attach' ? 1 : 0
    sum.rsrpCount += 1
    sum.rsrpSum += one.rsrpDbm
    sum.min = Math.min(sum.min, one.rsrpDbm)
    sum.max = Math.max(sum.max, one.rsrpDbm)
    merged.set(key, sum)
  }
  return [...merged].sort()
}

function talliesOf(batches: Batch<'tally'>[]) {
  const newest = new Map<string, { revision: number; counts: number[] }>()
  for (const { columns, texts, rows, meta } of batches) {
    for (let row = 0; row < rows; row++) {
      const key = `${meta.epoch}|${columns.minuteMs[row]}|${texts[columns.family[row]!]}|${texts[columns.eventType[row]!]}`
      const revision = columns.revision[row]!
      if (revision <= (newest.get(key)?.revision ?? 0)) continue
      newest.set(key, { revision, counts: [columns.accepted[row]!, columns.rejected[row]!, columns.duplicate[row]!, columns.late[row]!] })
    }
  }
  const sums = new Map<string, number[]>()
  for (const [key, { counts }] of newest) {
    const plain = key.slice(key.indexOf('|') + 1)
    const sum = sums.get(plain) ?? [0, 0, 0, 0]
    sums.set(
      plain,
      sum.map((value, at) => value + counts[at]!),
    )
  }
  return [...sums].sort()
}

function naiveTallies(events: readonly Event[]) {
  const sums = new Map<string, number[]>()
  for (const one of events) {
    const key = `${Math.floor(one.arrivalMs / 60_000) * 60_000}|${families[one.family]}|${one.eventType}`
    const sum = sums.get(key) ?? [0, 0, 0, 0]
    sum[one.verdict]! += 1
    if (one.verdict === accepted && Math.floor(one.timeMs / 10_000) * 10_000 + 10_250 <= one.arrivalMs) sum[3]! += 1
    sums.set(key, sum)
  }
  return [...sums].sort()
}

function keysOf(batches: Batch<'event'>[] | Batch<'sighting'>[] | Batch<'dead-letter'>[]): string[] {
  return batches.flatMap(({ columns, rows }) =>
    Array.from({ length: rows }, (_, row) => `${columns.key[row * 2]} ${columns.key[row * 2 + 1]}`),
  )
}

type Step =
  | { kind: 'take'; events: Event[] }
  | { kind: 'fast' }
  | { kind: 'slow' }
  | { kind: 'crash' }
  | { kind: 'full' }
  | { kind: 'send' }
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.array(event, { minLength: 1, maxLength: 12 }).map((events) => ({ kind: 'take' as const, events })) },
  { weight: 2, arbitrary: fc.constantFrom({ kind: 'fast' as const }, { kind: 'slow' as const }, { kind: 'send' as const }) },
  { weight: 1, arbitrary: fc.constantFrom({ kind: 'crash' as const }, { kind: 'full' as const }) },
)

test('windows, tallies, events and dead letters are exact, whatever is cut, crashes, is replayed or finds the disk full', async () => {
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const file = join(dir, `exact-${++runs}.db`)
      const journal = new MemoryJournal()
      const arrived = new Map<string, Batch>()
      let boots = 1
      let full = false
      const refusing = (outbox: Outbox): Outbox =>
        new Proxy(outbox, {
          get: (target, name) => {
            if (name === 'commit' && full) {
              return () => {
                throw new DiskFull('no room')
              }
            }
            const value = Reflect.get(target, name)
            return typeof value === 'function' ? value.bind(target) : value
          },
        })
      let life = await boot(file, journal, boots, refusing)
      await life.cover.start(new AbortController().signal)
      const cut = (slow: boolean) => {
        try {
          if (slow) life.cover.cutSlow(clock.nowMs())
          else life.cover.cutFast()
        } catch (error) {
          assert.ok(error instanceof DiskFull)
        }
      }
      const crash = async () => {
        life.cover.abandon()
        life.outbox.close()
        full = false
        life = await boot(file, journal, ++boots, refusing)
        await life.cover.start(new AbortController().signal)
      }
      for (const one of steps) {
        if (one.kind === 'take') {
          journal.rows.push(one.events)
          life.cover.take(batchOf(one.events), journal.head)
        } else if (one.kind === 'crash') await crash()
        else if (one.kind === 'full') full = !full
        else if (one.kind === 'send') collect(life.outbox, arrived)
        else cut(one.kind === 'slow')
      }
      full = false
      cut(true)
      life.outbox.rewind()
      collect(life.outbox, arrived)
      life.cover.abandon()
      life.outbox.close()

      const events = journal.rows.flat()
      assert.deepEqual(windowsOf(of(arrived, 'window')), naiveWindows(events))
      assert.deepEqual(talliesOf(of(arrived, 'tally')), naiveTallies(events))
      assert.equal(sum(of(arrived, 'usage')), events.filter((one) => one.verdict === accepted && one.family === 4).length)
      const whole = events.filter(
        ({ verdict, family, eventType }) =>
          verdict === accepted && (family === 3 || (family === 0 && eventType === 'drop') || (family === 1 && eventType === 'sim_change')),
      )
      const keys = keysOf(of(arrived, 'event'))
      assert.equal(keys.length, whole.length)
      assert.equal(new Set(keys).size, keys.length)
      assert.equal(keysOf(of(arrived, 'dead-letter')).length, events.filter(({ verdict }) => verdict === rejected).length)
      const sightings = keysOf(of(arrived, 'sighting'))
      assert.equal(new Set(sightings).size, sightings.length)
      const watermark = life.outbox.coverage
      assert.deepEqual([watermark.fast, watermark.slow], [journal.head, journal.head])
      assert.equal(journal.released, journal.head)
    }),
    { numRuns: 60 },
  )
})

function sum(batches: Batch<'usage'>[]): number {
  let flows = 0
  for (const { columns, rows } of batches) for (let row = 0; row < rows; row++) flows += columns.flows[row]!
  return flows
}
