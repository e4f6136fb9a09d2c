import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { BatchBuilder } from '#shared/batch-builder.ts'
import { decodeBatch } from '#shared/batch-codec.ts'
import { type Batch, type Lane, lanes } from '#shared/records.ts'
import type { OutboxRow } from '../ports.ts'
import { SqliteOutbox, type SqliteOutboxOptions } from './sqlite-outbox.ts'

const dir = mkdtempSync(join(tmpdir(), 'outbox-'))
const open = new Set<SqliteOutbox>()
after(() => {
  for (const one of open) one.close()
  rmSync(dir, { recursive: true, force: true })
})

const storeId = 'aa'.repeat(16)
const meta = { tenant: '', region: '', agent: '', epoch: '', lane: '', seq: 0 } as const
const clock = { ms: 1_800_000_000_000, nowMs: () => clock.ms, monotonicMs: () => clock.ms }
let files = 0

function outbox(options: Partial<SqliteOutboxOptions> = {}): SqliteOutbox {
  const one = new SqliteOutbox({
    file: join(dir, `${++files}.db`),
    tenant: 'default',
    region: 'north',
    agent: 'north-1',
    storeId,
    epoch: `${storeId}.1`,
    quotaBytes: 1 << 26,
    backfillAfterMs: 60_000,
    maxFrameBytes: 1 << 19,
    batchRows: 1_000,
    clock,
    online: () => true,
    ...options,
  })
  open.add(one)
  return one
}

function close(one: SqliteOutbox): void {
  open.delete(one)
  one.close()
}

/** One window row per cell, starting at `startMs`, each of `events` events. */
function windows(startMs: number, cells: number, events = 1, part = 1): Batch {
  const builder = new BatchBuilder('window', cells)
  for (let cell = 0; cell < cells; cell++) {
    const row = builder.add()
    const { columns } = builder
    columns.startMs[row] = startMs
    columns.widthMs[row] = 10_000
    columns.part[row] = part
    columns.cell[row] = builder.code(`272-01-${cell}`)
    columns.family[row] = 0
    for (const [name, column] of Object.entries(columns)) {
      if (column instanceof Float64Array && name !== 'startMs') column[row] = 0
    }
    columns.events[row] = events
    columns.rsrpMinDbm[row] = -100 - cell
  }
  return builder.finish(meta) as unknown as Batch
}

function sightings(rows: number): Batch {
  const builder = new BatchBuilder('sighting', rows)
  for (let at = 0; at < rows; at++) {
    const row = builder.add()
    builder.columns.timeMs[row] = clock.ms
    builder.columns.key.set([at, 1], row * 2)
  }
  return builder.finish(meta) as unknown as Batch
}

function put(to: SqliteOutbox, ...entries: { lane: Lane; batch: Batch }[]): void {
  to.commit({ entries, tallies: [], coverage: { ...to.coverage, boundaryMs: clock.ms } })
}

function drain(from: SqliteOutbox): OutboxRow[] {
  const rows: OutboxRow[] = []
  for (let row = from.next(); row !== undefined; row = from.next()) rows.push(row)
  return rows
}

function events(rows: readonly OutboxRow[]): number {
  let sum = 0
  for (const { frame, record } of rows) {
    if (record !== 'window') continue
    const { columns, rows: count } = decodeBatch(frame) as unknown as Batch<'window'>
    for (let row = 0; row < count; row++) sum += columns.events[row]!
  }
  return sum
}

test('rows come highest lane first, numbered from 1 without a gap, and stay until the watermark has passed', () => {
  const box = outbox()
  for (const lane of [...lanes].reverse().filter((one) => one !== 'backfill')) {
    put(
      box,
      { lane, batch: lane === 'window' ? windows(0, 1) : sightings(1) },
      { lane, batch: lane === 'window' ? windows(0, 1) : sightings(1) },
    )
  }
  const rows = drain(box)
  assert.deepEqual(
    rows.map(({ lane, seq }) => `${lane} ${seq}`),
    ['alarm', 'movement', 'ledger', 'sighting', 'window'].flatMap((lane) => [`${lane} 1`, `${lane} 2`]),
  )
  assert.equal(box.next(), undefined)
  assert.ok(box.free({ region: 'north', hubEpoch: 3, lanes: [{ epoch: box.epoch, lane: 'ledger', seq: 1 }] }))
  box.rewind('ledger')
  assert.deepEqual(
    drain(box).map(({ lane, seq }) => [lane, seq]),
    [['ledger', 2]],
  )
  const { lanes: held } = box.beat(0)
  assert.deepEqual(
    held.find(({ lane }) => lane === 'ledger'),
    { epoch: box.epoch, lane: 'ledger', highestSeq: 2, oldestSeq: 2 },
  )
})

test('a watermark of an older hub frees nothing, also after a restart', () => {
  const file = join(dir, 'stale.db')
  const first = outbox({ file })
  put(first, { lane: 'movement', batch: sightings(1) })
  assert.ok(first.free({ region: 'north', hubEpoch: 7, lanes: [] }))
  close(first)
  const second = outbox({ file, epoch: `${storeId}.2` })
  const passed = [{ epoch: `${storeId}.1`, lane: 'movement' as const, seq: 1 }]
  assert.ok(!second.free({ region: 'north', hubEpoch: 6, lanes: passed }))
  assert.equal(second.backlog().length, 1)
  assert.ok(second.free({ region: 'north', hubEpoch: 7, lanes: passed }))
  assert.equal(second.backlog().length, 0)
  assert.equal(second.bytes, 0)
})

test('what may be shed has no number while the link is away; then live windows go before old ones, and those newest first', () => {
  let online = false
  const box = outbox({ online: () => online })
  const startMs = clock.ms
  for (let at = 0; at < 5; at++) {
    put(box, { lane: 'window', batch: windows(startMs + at * 10_000, 1) })
    clock.ms += 30_000
  }
  assert.ok(box.beat(clock.ms).watermarkMs <= startMs, 'the watermark stands while a row waits for its number')
  assert.ok(box.beat(0).lanes.every(({ highestSeq }) => highestSeq === 0))
  online = true
  const order = drain(box).map(({ lane, seq, frame }) => {
    const { columns } = decodeBatch(frame) as unknown as Batch<'window'>
    return `${lane} ${seq} +${(columns.startMs[0]! - startMs) / 10_000}`
  })
  assert.deepEqual(order, ['window 1 +3', 'window 2 +4', 'backfill 1 +2', 'backfill 2 +1', 'backfill 3 +0'])
  assert.ok(box.beat(clock.ms).watermarkMs > startMs)
})

test('parts of an earlier epoch that never had a number get one of this epoch, and a part number of their own', () => {
  const file = join(dir, 'epochs.db')
  const first = outbox({ file, online: () => false })
  put(first, { lane: 'window', batch: windows(0, 2, 1, first.nextPart()) })
  close(first)
  const second = outbox({ file, epoch: `${storeId}.2` })
  put(second, { lane: 'window', batch: windows(0, 2, 1, second.nextPart()) })
  const parts = drain(second).map(({ epoch, frame }) => `${epoch} ${(decodeBatch(frame) as unknown as Batch<'window'>).columns.part[0]}`)
  assert.equal(new Set(parts).size, 2)
  assert.ok(parts.every((part) => part.startsWith(`${storeId}.2 `)))
})

test('a frame too large for the link is halved until it fits', () => {
  const box = outbox({ maxFrameBytes: 4_000 })
  put(box, { lane: 'window', batch: windows(0, 1_000) })
  const rows = drain(box)
  assert.ok(rows.length > 1 && rows.every(({ frame }) => frame.length <= 4_000))
  assert.equal(events(rows), 1_000)
  assert.deepEqual(
    rows.map(({ seq }) => seq),
    rows.map((_, at) => at + 1),
  )
})

test('a batch that can never be taken leaves an empty one under its number, and a loss on record', () => {
  const box = outbox()
  put(box, { lane: 'movement', batch: sightings(3) })
  const [row] = drain(box)
  box.giveUp(row!, 'refused-by-the-server')
  box.rewind()
  const rows = drain(box)
  assert.deepEqual(
    rows.map(({ lane, seq, rows: count, record }) => [lane, seq, count, record]),
    [
      ['movement', 1, 0, 'sighting'],
      ['ledger', 1, 1, 'loss'],
    ],
  )
  assert.equal(decodeBatch(rows[0]!.frame).rows, 0)
})

test('short of room it merges before it gives up, never gives up alarm, movement or ledger, and accounts for every event', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 30, maxLength: 80 }), fc.boolean(), (cells, tight) => {
      const box = outbox({ online: () => false, quotaBytes: tight ? 12_000 : 60_000 })
      let published = 0
      let lost = 0
      const startMs = Math.floor(clock.ms / 300_000) * 300_000
      for (const [at, count] of cells.entries()) {
        put(
          box,
          { lane: 'window', batch: windows(startMs + at * 10_000, count, 2) },
          ...(at % 20 === 0 ? [{ lane: 'movement' as const, batch: sightings(2) }] : []),
        )
        published += 2 * count
        for (const { family, events: given } of box.relieve()) {
          assert.equal(family, 'network')
          lost += given
        }
        assert.ok(box.bytes <= (tight ? 12_000 : 60_000) || tight)
      }
      const rows = drain(box)
      assert.equal(events(rows) + lost, published)
      assert.equal(rows.filter(({ lane }) => lane === 'movement').length, Math.ceil(cells.length / 20))
      const losses = rows.filter(({ record }) => record === 'loss')
      assert.equal(losses.length > 0, lost > 0)
      if (!tight) assert.equal(lost, 0, 'merging alone made the room')
      close(box)
    }),
    { numRuns: 12 },
  )
})
