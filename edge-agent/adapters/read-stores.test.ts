import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openDatabase } from '#shared/adapters/sqlite.ts'
import { accepted, EventBatch } from '../event-batch.ts'
import { JournalEncoder } from '../journal-codec.ts'
import { exportJournal, listStores, readOutbox, verifyStores } from './read-stores.ts'
import { rowChecksum, SqliteSegment } from './sqlite-segment.ts'

test('nothing is there yet: nothing is listed, nothing is damaged', (t) => {
  const dir = folder(t)
  assert.deepEqual(listStores(dir), { segments: [], outbox: [], outboxBytes: 0, quarantined: [] })
  assert.deepEqual(verifyStores(dir), { files: 0, rows: 0, bytes: 0, problems: [] })
  assert.deepEqual([...readOutbox(dir)], [])
})

test('a journal that is being written is listed, verified and exported beside its writer', (t) => {
  const dir = folder(t)
  const segment = journalOf(dir, 3)
  t.after(() => segment.close())
  const { segments } = listStores(dir)
  assert.deepEqual(
    segments.map(({ first, last, batches, events }) => [first, last, batches, events]),
    [[1, 3, 3, 3]],
  )
  assert.deepEqual(verifyStores(dir).problems, [])
  const lines = [...exportJournal(dir)].map((line) => JSON.parse(line) as { eventType: string })
  assert.deepEqual(
    lines.map(({ eventType }) => eventType),
    ['attach', 'attach', 'attach'],
  )
})

test('a row whose octets changed is named with its file and position; the others are exported', (t) => {
  const dir = folder(t)
  journalOf(dir, 3).close()
  const file = join(dir, 'journal', readdirSync(join(dir, 'journal')).find((name) => name.endsWith('.db'))!)
  const db = openDatabase(file)
  db.exec('UPDATE batch SET body = zeroblob(length(body)) WHERE position = 2')
  db.close()
  const { problems } = verifyStores(dir)
  assert.equal(problems.length, 1)
  assert.match(problems[0]!, /^journal-0+1\.db: row 2 \(1 events\): its checksum does not match/)
  assert.equal([...exportJournal(dir)].length, 2)
})

test('a file whose pages are damaged is told, and changes nothing for the others', (t) => {
  const dir = folder(t)
  const segment = journalOf(dir, 40)
  segment.seal()
  segment.close()
  const file = join(dir, 'journal', 'journal-000000000000001.db')
  const octets = readFileSync(file)
  octets.fill(0xff, 4096, 8192)
  writeFileSync(file, octets)
  const { problems } = verifyStores(dir)
  assert.ok(problems.length > 0)
  assert.match(problems[0]!, /^journal-0+1\.db: /)
})

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-stores-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

function journalOf(dir: string, rows: number): SqliteSegment {
  mkdirSync(join(dir, 'journal'))
  const segment = SqliteSegment.create(join(dir, 'journal'), 1, { batches: 0, rows: 0 }, [])
  const encoder = new JournalEncoder()
  for (let position = 1; position <= rows; position++) {
    const batch = new EventBatch(4)
    const row = batch.add()
    batch.columns.verdict[row] = accepted
    batch.columns.family[row] = 0
    batch.columns.timeMs[row] = 1_700_000_000_000
    batch.columns.arrivalMs[row] = 1_700_000_000_000
    batch.columns.eventType[row] = batch.code('attach')
    batch.columns.source[row] = batch.code('x')
    const body = Buffer.from(encoder.body(batch))
    segment.append(
      { position, arrivalMs: 1_700_000_000_000, rows: 1, crc: rowChecksum(body, null), body, ids: null },
      { taken: [], released: [] },
    )
  }
  return segment
}
