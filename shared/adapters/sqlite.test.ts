import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DiskFull, StoreFailed } from '../errors.ts'
import { guard, openDatabase } from './sqlite.ts'

const dir = mkdtempSync(join(tmpdir(), 'sqlite-'))
after(() => rmSync(dir, { recursive: true }))

test('is durable after the first write and after reopening, not only on paper', () => {
  const file = join(dir, 'durable.db')
  for (const round of [1, 2]) {
    const db = openDatabase(file)
    db.exec('CREATE TABLE IF NOT EXISTS t (x)')
    db.prepare('INSERT INTO t VALUES (?)').run(round)
    assert.equal(db.pragma('synchronous', { simple: true }), 2)
    assert.equal(db.pragma('journal_mode', { simple: true }), 'wal')
    assert.equal(db.pragma('trusted_schema', { simple: true }), 0)
    db.close()
  }
  const reader = openDatabase(file, { readonly: true })
  assert.deepEqual(reader.prepare('SELECT x FROM t').pluck().all(), [1, 2])
  assert.throws(() => guard(file, () => reader.exec('DELETE FROM t')), StoreFailed)
  reader.close()
})

test('at its quota a write is refused, what is stored stays, and there is room again after a delete', () => {
  const file = join(dir, 'full.db')
  const db = openDatabase(file, { quotaBytes: 128 << 10 })
  db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)')
  const insert = db.prepare('INSERT INTO t (x) VALUES (?)')
  let stored = 0
  const fill = () => {
    for (;;) {
      guard(file, () => insert.run(Buffer.alloc(4000)))
      stored++
    }
  }
  assert.throws(fill, (error) => error instanceof DiskFull && error.message.includes(file) && error.disposition === 'retry')
  assert.ok(stored > 10)
  assert.equal(db.prepare('SELECT count(*) FROM t').pluck().get(), stored)
  db.exec('DELETE FROM t WHERE id < 5')
  guard(file, () => insert.run(Buffer.alloc(4000)))
  db.close()
})

test('what is no database, or cannot be opened, is a failed store with the file named', () => {
  const garbage = join(dir, 'garbage.db')
  writeFileSync(garbage, Buffer.alloc(8192, 7))
  const folder = join(dir, 'folder.db')
  mkdirSync(folder)
  for (const file of [garbage, folder]) {
    assert.throws(
      () => openDatabase(file),
      (error) => error instanceof StoreFailed && error.message.includes(file),
    )
  }
  assert.throws(() => openDatabase(join(dir, 'absent.db'), { readonly: true }), StoreFailed)
})

test('other errors pass as they are', () => {
  const db = openDatabase(':memory:')
  assert.throws(() => guard('x', () => db.exec('nonsense')), /syntax error/)
  db.close()
})
