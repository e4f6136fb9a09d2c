import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openStoreIdentity } from './store-identity.ts'

const dir = mkdtempSync(join(tmpdir(), 'identity-'))
after(() => rmSync(dir, { recursive: true, force: true }))

test('every start is another epoch of the same store, even with a clock that has no battery', () => {
  const folder = join(dir, 'a')
  const first = openStoreIdentity(folder, 1_800_000_000_000)
  const second = openStoreIdentity(folder, 0)
  assert.match(first.epoch, /^[0-9a-f]{32}\.\d+$/)
  assert.equal(second.storeId, first.storeId)
  assert.equal(second.boot, first.boot + 1)
  assert.deepEqual([first.renewed, second.renewed], [true, false])
})

test('a wiped, a copied and a damaged folder is another store', () => {
  const folder = join(dir, 'b')
  const { storeId } = openStoreIdentity(folder, 0)
  const copy = join(dir, 'copy of b')
  cpSync(folder, copy, { recursive: true })
  assert.notEqual(openStoreIdentity(copy, 0).storeId, storeId)
  writeFileSync(join(folder, 'store.json'), '{')
  assert.notEqual(openStoreIdentity(folder, 0).storeId, storeId)
  rmSync(folder, { recursive: true })
  assert.notEqual(openStoreIdentity(folder, 0).storeId, storeId)
})
