import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { systemClock } from '#shared/clock.ts'
import { EventBatch, type EventColumns, eventColumnSpecs } from '../event-batch.ts'
import type { JournalReport } from '../events.ts'
import { JournalFull } from '../ports.ts'
import { rowsOf } from './front-rig.ts'
import { type JournalConfig, SqliteJournal } from './sqlite-journal.ts'

const dir = mkdtempSync(join(tmpdir(), 'journal-'))
after(() => rmSync(dir, { recursive: true, force: true }))
let folder = 0

type Damage = Parameters<JournalReport['segmentQuarantined']>[0]

function open(options: Partial<JournalConfig> = {}) {
  const directory = options.directory ?? join(dir, String(folder++))
  const damages: Damage[] = []
  const idDamages: string[] = []
  const report: JournalReport = {
    segmentQuarantined: (damage) => damages.push(damage),
    idsQuarantined: (file) => idDamages.push(file),
    ballastDropped: () => {},
    ballastRestored: () => {},
  }
  const journal = new SqliteJournal({ ballastBytes: 0, ...options, directory }, { clock: systemClock, report })
  return { journal, directory, damages, idDamages }
}

/** `rows` rows that can be told apart, with ids. */
function batchOf(rows: number, mark: number): EventBatch {
  const batch = new EventBatch(4)
  for (let row = 0; row < rows; row++) {
    batch.add()
    batch.columns.timeMs[row] = mark * 1000 + row
    batch.columns.arrivalMs[row] = mark
    batch.columns.verdict[row] = 0
    batch.columns.cell[row] = batch.code(`272-01-${mark}`)
    batch.columns.idHash[2 * row] = mark
    batch.columns.idHash[2 * row + 1] = row + 1
    batch.columns.subscriber.set([1, 2, 3, row], 4 * row)
  }
  return batch
}

function replayed(journal: SqliteJournal, afterPosition = 0) {
  return Array.from(journal.replay(afterPosition), ({ position, batch }) => ({ position, rows: rowsOf(batch) }))
}

test('what was appended is replayed by the next process, above any position', () => {
  const first = open()
  const batches = [batchOf(3, 1), batchOf(5, 2), batchOf(1, 3)]
  const positions = batches.map((batch) => first.journal.append(batch))
  assert.deepEqual(positions, [1, 2, 3])
  first.journal.close()
  const { journal } = open({ directory: first.directory })
  assert.deepEqual(
    replayed(journal),
    batches.map((batch, at) => ({ position: at + 1, rows: rowsOf(batch) })),
  )
  assert.deepEqual(
    replayed(journal, 2).map(({ position }) => position),
    [3],
  )
  assert.equal(journal.append(batchOf(1, 4)), 4)
  journal.close()
})

test('any batch comes back as it was', () => {
  const { journal } = open()
  const names = eventColumnSpecs.map(({ name }) => name)
  const cell = fc.record({ row: fc.nat(6), name: fc.constantFrom(...names), word: fc.nat(3), value: fc.nat(200) })
  const texts = fc.array(fc.string({ unit: 'binary', maxLength: 8 }), { maxLength: 4 })
  fc.assert(
    fc.property(fc.nat(7), fc.array(cell, { maxLength: 30 }), texts, (rows, cells, words) => {
      const batch = new EventBatch(2)
      for (let row = 0; row < rows; row++) batch.add()
      for (const word of words) if (word.isWellFormed()) batch.code(word)
      for (const { row, name, word, value } of cells) {
        const { words: width } = eventColumnSpecs.find((spec) => spec.name === name)!
        if (row < rows) batch.columns[name][row * width + (word % width)] = value % batch.texts.length
      }
      const position = journal.append(batch)
      const back = [...journal.replay(position - 1)][0]?.batch
      if (rows === 0) return assert.equal(back, undefined)
      assert.equal(back!.rows, rows)
      assert.deepEqual(back!.texts, batch.texts)
      for (const { name, words: width } of eventColumnSpecs)
        assert.deepEqual(part(back!.columns, name, rows * width), part(batch.columns, name, rows * width))
    }),
    { numRuns: 60 },
  )
  journal.close()
})

function part(columns: EventColumns, name: keyof EventColumns, length: number) {
  return columns[name].slice(0, length)
}

test('covered segments are unlinked whole; their ids outlive them', () => {
  const { journal, directory } = open({ segmentBytes: 4_000 })
  for (let mark = 1; mark <= 30; mark++) journal.append(batchOf(10, mark))
  const files = () => readdirSync(directory).filter((name) => /^journal-.*\.db$/.test(name))
  const before = files().length
  assert.ok(before > 3)
  journal.release(25)
  assert.ok(files().length < before)
  assert.deepEqual(
    replayed(journal, 25).map(({ position }) => position),
    [26, 27, 28, 29, 30],
  )
  journal.close()
  const again = open({ directory, segmentBytes: 4_000 })
  const marks = new Set([...again.journal.recentIds()].map(({ ids }) => ids[0]))
  assert.equal(marks.size, 30)
  assert.equal(again.journal.head, 30)
  again.journal.close()
})

test('ids that are older than the window are not kept', () => {
  const { journal } = open({ segmentBytes: 2_000, idWindowEvents: 30 })
  for (let mark = 1; mark <= 40; mark++) journal.append(batchOf(10, mark))
  journal.release(40)
  assert.ok([...journal.recentIds()].length < 20)
  journal.close()
})

test('at its quota it refuses, keeps what it has, and takes again after a release', () => {
  const { journal } = open({ segmentBytes: 8_000, quotaBytes: 40_000 })
  assert.throws(() => {
    for (let mark = 1; ; mark++) journal.append(batchOf(20, mark))
  }, JournalFull)
  const { head } = journal
  assert.equal(replayed(journal).length, head)
  journal.release(head)
  assert.equal(journal.append(batchOf(20, 99)), head + 1)
  journal.close()
})

test('open QoS 2 packets survive segments and restarts until they are released', () => {
  const first = open({ segmentBytes: 2_000 })
  first.journal.append(batchOf(1, 1), { taken: ['a\x001', 'a\x002', 'b\x001'], released: [] })
  for (let mark = 2; mark < 30; mark++) first.journal.append(batchOf(10, mark))
  first.journal.append(batchOf(0, 0), { taken: [], released: ['a\x001'] })
  first.journal.release(20)
  first.journal.close()
  const { journal } = open({ directory: first.directory })
  assert.deepEqual([...journal.packetsOf('a')], ['a\x002'])
  assert.ok(journal.holdsPacket('b\x001'))
  assert.ok(!journal.holdsPacket('a\x001'))
  journal.close()
})

test('a damaged sealed segment is set aside, what can be read of it is saved, the rest is counted', () => {
  const first = open({ segmentBytes: 60_000 })
  for (let mark = 1; mark <= 60; mark++) first.journal.append(batchOf(50, mark))
  first.journal.close()
  const file = readdirSync(first.directory)
    .filter((name) => /^journal-.*\.db$/.test(name))
    .sort()[0]!
  const path = join(first.directory, file)
  const octets = readFileSync(path)
  octets.fill(0xff, 5 * 4096, 8 * 4096)
  writeFileSync(path, octets)

  const { journal, damages } = open({ directory: first.directory })
  const saved = replayed(journal)
  const lost = damages.reduce((sum, { lostEvents }) => sum + lostEvents, 0)
  assert.ok(damages.length > 0)
  assert.equal(saved.reduce((sum, { rows }) => sum + rows.length, 0) + lost, 60 * 50, 'nothing is lost in silence')
  assert.ok(saved.length >= 40)
  for (const { position, rows } of saved) assert.deepEqual(rows, rowsOf(batchOf(50, position)))
  assert.equal(journal.append(batchOf(1, 61)), 61)
  journal.close()
})

test('a flipped bit in a row costs that row and is reported', () => {
  const first = open()
  for (let mark = 1; mark <= 5; mark++) first.journal.append(batchOf(30, mark))
  first.journal.close()
  const file = join(first.directory, readdirSync(first.directory).find((name) => /^journal-.*\.db$/.test(name))!)
  const octets = readFileSync(file)
  const at = octets.indexOf('272-01-3')
  octets[at]! ^= 1
  writeFileSync(file, octets)
  const { journal, damages } = open({ directory: first.directory })
  assert.deepEqual(
    replayed(journal).map(({ position }) => position),
    [1, 2, 4, 5],
  )
  assert.deepEqual(
    damages.map(({ lostEvents }) => lostEvents),
    [30],
  )
  journal.close()
})

test('a newest segment that is no database at all is set aside, and no position is given twice', () => {
  const first = open()
  for (let mark = 1; mark <= 5; mark++) first.journal.append(batchOf(3, mark))
  first.journal.close()
  const file = join(first.directory, readdirSync(first.directory).find((name) => /^journal-.*\.db$/.test(name))!)
  truncateSync(file, 100)
  const { journal, damages } = open({ directory: first.directory })
  assert.equal(damages.length, 1)
  assert.ok(existsSync(damages[0]!.file))
  assert.ok(journal.append(batchOf(1, 6)) > 5)
  assert.equal(replayed(journal).length, 1)
  journal.close()
})

test('a damaged file of ids is set aside and the journal opens', () => {
  const first = open({ segmentBytes: 2_000 })
  for (let mark = 1; mark <= 20; mark++) first.journal.append(batchOf(10, mark))
  first.journal.release(20)
  first.journal.close()
  const file = join(first.directory, readdirSync(first.directory).find((name) => name.startsWith('ids-'))!)
  const octets = readFileSync(file)
  octets[20]! ^= 255
  writeFileSync(file, octets)
  const { journal, idDamages } = open({ directory: first.directory })
  assert.ok([...journal.recentIds()].length > 0)
  assert.equal(idDamages.length, 1)
  journal.close()
})

test('positions never fall below what the outbox covers', () => {
  const { journal, directory } = open()
  journal.append(batchOf(1, 1))
  journal.raiseHead(500)
  assert.equal(journal.append(batchOf(1, 2)), 501)
  journal.close()
  const again = open({ directory })
  assert.deepEqual(
    replayed(again.journal).map(({ position }) => position),
    [1, 501],
  )
  again.journal.close()
})

test('the ballast lies there, is made of octets, and is put back', () => {
  const { journal, directory } = open({ ballastBytes: 1 << 20 })
  assert.ok(statSync(join(directory, 'ballast')).size >= 1 << 20)
  assert.ok(statSync(join(directory, 'ballast')).blocks * 512 >= 1 << 20)
  journal.close()
})
