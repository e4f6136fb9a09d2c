import assert from 'node:assert/strict'
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openDatabase } from '#shared/adapters/sqlite.ts'
import { BatchBuilder } from '#shared/batch-builder.ts'
import { decodeBatch } from '#shared/batch-codec.ts'
import type { Batch, Lane } from '#shared/records.ts'
import type { OutboxRow } from '../ports.ts'
import { SqliteOutbox, type SqliteOutboxOptions } from './sqlite-outbox.ts'

const dir = mkdtempSync(join(tmpdir(), 'outbox-damage-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const storeId = 'cc'.repeat(16)
const meta = { tenant: '', region: '', agent: '', epoch: '', lane: '', seq: 0 } as const
const clock = { nowMs: () => 1_800_000_000_000, monotonicMs: () => 0 }
let boots = 0
let folders = 0

interface Told {
  readonly salvaged: { why: string; savedBatches: number; lostBatches: number }[]
  readonly lost: Record<string, number>[]
}

function boot(folder: string, options: Partial<SqliteOutboxOptions> = {}): { box: SqliteOutbox; told: Told } {
  const told: Told = { salvaged: [], lost: [] }
  const box = new SqliteOutbox({
    file: join(folder, 'outbox.db'),
    tenant: 'default',
    region: 'north',
    agent: 'north-1',
    storeId,
    epoch: `${storeId}.${++boots}`,
    quotaBytes: 1 << 26,
    backfillAfterMs: 60_000,
    maxFrameBytes: 1 << 19,
    batchRows: 1_000,
    clock,
    online: () => true,
    report: {
      outboxSalvaged: (damage) => void told.salvaged.push(damage),
      outboxRowsLost: (_reason, _batches, _rows, events) => void told.lost.push({ ...events }),
      ballastDropped() {},
      ballastRestored() {},
    },
    ...options,
  })
  return { box, told }
}

function folder(): string {
  const made = join(dir, String(++folders))
  mkdirSync(made)
  return made
}

function windows(events: number, cells = 40): Batch {
  const builder = new BatchBuilder('window', cells)
  for (let cell = 0; cell < cells; cell++) {
    const row = builder.add()
    const { columns } = builder
    columns.widthMs[row] = 10_000
    columns.cell[row] = builder.code(`272-01-${cell * 7919 + events}`)
    columns.family[row] = 0
    for (const column of Object.values(columns)) if (column instanceof Float64Array) column[row] = 0
    columns.startMs[row] = clock.nowMs()
    columns.events[row] = cell === 0 ? events : 0
  }
  return builder.finish(meta) as unknown as Batch
}

function put(box: SqliteOutbox, lane: Lane, batch: Batch, position: number): void {
  box.commit({ entries: [{ lane, batch }], tallies: [], coverage: { fast: position, slow: position, boundaryMs: position } })
}

function drain(box: SqliteOutbox): OutboxRow[] {
  const rows: OutboxRow[] = []
  for (let row = box.next(); row !== undefined; row = box.next()) rows.push(row)
  return rows
}

/** What a hub would add up: events of windows, and of the tallies what is lost. */
function totals(rows: readonly OutboxRow[]): { events: number; lost: number; lossRows: number } {
  const sum = { events: 0, lost: 0, lossRows: 0 }
  const lost = new Map<number, number>()
  for (const { frame, record } of rows) {
    const batch = decodeBatch(frame)
    for (let row = 0; row < batch.rows; row++) {
      if (record === 'window') sum.events += (batch as unknown as Batch<'window'>).columns.events[row]!
      if (record === 'loss') sum.lossRows += (batch as unknown as Batch<'loss'>).columns.rows[row]!
      const { columns } = batch as unknown as Batch<'tally'>
      if (record === 'tally') lost.set(columns.minuteMs[row]!, Math.max(lost.get(columns.minuteMs[row]!) ?? 0, columns.lost[row]!))
    }
  }
  for (const one of lost.values()) sum.lost += one
  return sum
}

const garbage = (file: string) => writeFileSync(file, 'this was a database '.repeat(1_000))

function flip(file: string, at: number, octets = 1): void {
  const descriptor = openSync(file, 'r+')
  writeSync(descriptor, Buffer.alloc(octets, 0xa5), 0, octets, at)
  closeSync(descriptor)
}

test('a garbage file: set aside, every lost event on record in loss and tally alike, coverage stands, no number is waited for', () => {
  const at = folder()
  const first = boot(at).box
  for (let position = 1; position <= 5; position++) put(first, 'window', windows(position), position)
  const { epoch } = first
  first.close()
  garbage(join(at, 'outbox.db'))
  const { box, told } = boot(at)
  assert.equal(box.coverage.fast, 5)
  assert.equal(told.salvaged[0]!.lostBatches, 5)
  assert.ok(readdirSync(join(at, 'quarantine')).length >= 1)
  const rows = drain(box)
  const numbers = rows.filter((row) => row.epoch === epoch).map(({ seq, rows: count }) => [seq, count])
  assert.deepEqual(
    numbers,
    [1, 2, 3, 4, 5].map((seq) => [seq, 0]),
    'empty batches under the lost numbers',
  )
  assert.deepEqual(totals(rows), { events: 0, lost: 15, lossRows: 200 })
  put(box, 'window', windows(9), 6)
  box.close()
  const again = boot(at)
  assert.deepEqual(again.told.salvaged, [], 'the new file is sound')
  assert.deepEqual(totals(drain(again.box)), { events: 9, lost: 15, lossRows: 200 }, 'told once')
  again.box.close()
})

test('a frame that changed on disk costs its own row, at the start and at run time', () => {
  const at = folder()
  const first = boot(at).box
  for (let position = 1; position <= 3; position++) put(first, 'window', windows(position, 400), position)
  first.close()
  const file = join(at, 'outbox.db')
  const middle = Math.floor(statSync(file).size / 2)
  flip(file, middle, 8)
  const { box, told } = boot(at)
  const sum = totals(drain(box))
  assert.equal(sum.events + sum.lost, 6)
  assert.equal(told.lost.length <= 1, true)
  assert.equal(sum.lost, told.lost[0]?.network ?? 0)
  box.close()
})

test('a log that lost its end: what was sent from it is not cut again, and not silently gone', () => {
  const at = folder()
  const first = boot(at).box
  for (let position = 1; position <= 4; position++) put(first, 'window', windows(position), position)
  const log = join(at, 'outbox.db-wal')
  const before = statSync(log).size
  for (let position = 5; position <= 8; position++) put(first, 'window', windows(position), position)
  const copy = folder()
  for (const name of ['outbox.db', 'outbox.db-wal', 'outbox.db.notes']) cpSync(join(at, name), join(copy, name))
  first.close()
  truncateSync(join(copy, 'outbox.db-wal'), before)
  const { box, told } = boot(copy)
  assert.match(told.salvaged[0]!.why, /the end of its log is lost/)
  assert.equal(box.coverage.fast, 8)
  assert.deepEqual(totals(drain(box)), { events: 10, lost: 26, lossRows: 160 })
  box.close()
})

test('a row that was given its number, and comes back without it, is not sent twice', () => {
  const at = folder()
  const first = boot(at, { online: () => false }).box
  put(first, 'window', windows(7), 1)
  const log = join(at, 'outbox.db-wal')
  const before = statSync(log).size
  assert.equal(drain(first).length, 1, 'sent')
  const copy = folder()
  for (const name of ['outbox.db', 'outbox.db-wal', 'outbox.db.notes']) cpSync(join(at, name), join(copy, name))
  first.close()
  truncateSync(join(copy, 'outbox.db-wal'), before)
  const { box } = boot(copy)
  assert.deepEqual(totals(drain(box)), { events: 0, lost: 7, lossRows: 40 })
  box.close()
})

test('damaged while it runs: the same work is done on the salvaged file, under the same epoch and numbers', () => {
  const at = folder()
  const { box, told } = boot(at)
  for (let position = 1; position <= 40; position++) put(box, 'window', windows(position, 300), position)
  const file = join(at, 'outbox.db')
  const other = openDatabase(file) // makes the first connection read from disk again
  other.pragma('wal_checkpoint(TRUNCATE)')
  flip(file, 8 * 4096, statSync(file).size - 8 * 4096)
  other.pragma('user_version = 1')
  other.close()
  for (let position = 41; position <= 60; position++) put(box, 'window', windows(position, 300), position)
  const rows = drain(box)
  const sum = totals(rows)
  assert.equal(sum.events + sum.lost, 1830)
  assert.equal(told.salvaged.length, 1)
  assert.ok(sum.lost > 0 && sum.events > 0)
  const seqs = rows.filter(({ lane }) => lane === 'window').map(({ seq }) => seq)
  assert.deepEqual(
    [...seqs].sort((a, b) => a - b),
    Array.from({ length: 60 }, (_, one) => one + 1),
  )
  box.close()
})

test('file and notes gone: it says that nobody knows how far the journal is covered', () => {
  const at = folder()
  const first = boot(at).box
  put(first, 'window', windows(1), 1)
  first.close()
  garbage(join(at, 'outbox.db'))
  garbage(join(at, 'outbox.db.notes'))
  const { box } = boot(at)
  assert.equal(box.coverageLost, true)
  put(box, 'window', windows(1), 9)
  assert.equal(box.coverageLost, false)
  box.close()
  const again = boot(at).box
  assert.equal(again.coverageLost, false)
  assert.equal(again.coverage.fast, 9)
  again.close()
})

test('damaged notes beside a sound file cost nothing', () => {
  const at = folder()
  const first = boot(at).box
  for (let position = 1; position <= 3; position++) put(first, 'window', windows(position), position)
  first.close()
  flip(join(at, 'outbox.db.notes'), 300)
  const { box, told } = boot(at)
  assert.deepEqual(told, { salvaged: [], lost: [] })
  assert.deepEqual(totals(drain(box)), { events: 6, lost: 0, lossRows: 0 })
  box.close()
})
