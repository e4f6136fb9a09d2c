import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { accepted, duplicate, EventBatch } from '../event-batch.ts'
import type { JournalFacts } from '../ports.ts'
import { SqliteJournal } from './sqlite-journal.ts'

const dir = mkdtempSync(join(tmpdir(), 'journal-losses-'))
after(() => rmSync(dir, { recursive: true, force: true }))

function open(directory: string): SqliteJournal {
  const report = { segmentQuarantined() {}, idsQuarantined() {}, ballastDropped() {}, ballastRestored() {} }
  return new SqliteJournal({ directory, ballastBytes: 0 }, { clock: systemClock, report })
}

function batchOf(mark: number): EventBatch {
  const batch = new EventBatch(4)
  for (let at = 0; at < mark; at++) {
    const row = batch.add()
    batch.columns.verdict[row] = at === 0 ? duplicate : accepted
    batch.columns.family[row] = 2
    batch.columns.timeMs[row] = mark * 1_000 + at
  }
  return batch
}

function replayed(journal: SqliteJournal): { positions: number[]; lost: JournalFacts[] } {
  const lost: JournalFacts[] = []
  const positions = Array.from(
    journal.replay(0, (facts) => lost.push(facts)),
    ({ position }) => position,
  )
  return { positions, lost }
}

function live(name: string): { directory: string; segment: string; whole: number } {
  const first = open(join(dir, name))
  for (let mark = 1; mark <= 3; mark++) first.append(batchOf(mark))
  const segment = readdirSync(join(dir, name)).find((one) => one.endsWith('.db'))!
  const whole = statSync(join(dir, name, `${segment}-wal`)).size
  for (let mark = 4; mark <= 6; mark++) first.append(batchOf(mark))
  const directory = join(dir, `${name}-crashed`)
  cpSync(join(dir, name), directory, { recursive: true, filter: (one) => !one.endsWith('-shm') })
  first.close()
  return { directory, segment, whole }
}

test('the end of a log that is cut off: each lost row is told with its events and times, and no position is given again', () => {
  const { directory, segment, whole } = live('cut')
  truncateSync(join(directory, `${segment}-wal`), whole)
  const journal = open(directory)
  const { positions, lost } = replayed(journal)
  assert.deepEqual(positions, [1, 2, 3])
  assert.deepEqual(
    lost.map(({ position, accepted: counts, duplicate: repeated, fromMs, toMs }) => [position, counts[2], repeated, fromMs, toMs]),
    [4, 5, 6].map((mark) => [mark, mark - 1, 1, mark * 1_000 + 1, mark * 1_000 + mark - 1]),
  )
  assert.equal(journal.append(batchOf(1)), 7)
  journal.close()
})

test('a segment that is no database at all: its facts know every row of it', () => {
  const { directory, segment } = live('garbage')
  rmSync(join(directory, `${segment}-wal`))
  writeFileSync(join(directory, segment), 'this was a database '.repeat(500))
  const journal = open(directory)
  const { positions, lost } = replayed(journal)
  assert.deepEqual(positions, [])
  assert.deepEqual(
    lost.map(({ position }) => position),
    [1, 2, 3, 4, 5, 6],
  )
  journal.close()
})
