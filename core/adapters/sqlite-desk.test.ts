import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { BadFrame } from '#shared/batch-codec.ts'
import type { Fence } from '#shared/control.ts'
import { parseFence } from '../triage.ts'
import { SqliteDesk } from './sqlite-desk.ts'

const fence: Fence = { id: 'f', name: 'harbour', revision: 4, geometry: { type: 'Circle', center: [-6, 53], radiusM: 400 } }

test('a fence drawn at a region is taken over when it is newer, and what waited to be told of an older one no longer waits', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-desk-'))
  const desk = new SqliteDesk(dir)
  try {
    const { revision: _revision, ...drawn } = fence
    assert.equal(desk.saveFence('t', { ...drawn, name: 'core' }).revision, 1)
    assert.equal(desk.adoptFence('t', fence), true)
    assert.deepEqual(desk.waiting(10), [])
    assert.deepEqual(desk.fence('t', 'f'), fence)
    assert.equal(desk.adoptFence('t', { ...fence, revision: 3, name: 'older' }), false)
    assert.equal(desk.adoptFence('t', { ...fence, name: 'as new' }), false)
    assert.equal(desk.saveFence('t', drawn).revision, 5)
    assert.equal(desk.adoptFence('t', { ...fence, revision: 6, deleted: true }), true)
    assert.equal(desk.fence('t', 'f'), undefined)
  } finally {
    desk.close()
    rmSync(dir, { recursive: true, force: true })
  }
})

test('a message that is no fence is refused with a word', () => {
  const octets = (value: unknown) => Buffer.from(JSON.stringify(value))
  assert.deepEqual(parseFence('f', octets(fence)), fence)
  for (const value of [null, { ...fence, id: 'g' }, { ...fence, revision: '4' }, { ...fence, geometry: { type: 'Point' } }]) {
    assert.throws(() => parseFence('f', octets(value)), BadFrame)
  }
  assert.throws(() => parseFence('f', Buffer.from('{')), BadFrame)
})
