import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Beat } from '#shared/control.ts'
import { Ledger } from './ledger.ts'

const id = (seq: number, epoch = 'e1') => ({ agent: 'a', epoch, lane: 'sighting' as const, seq })
const beat = (highestSeq: number, oldestSeq = 1, epoch = 'e1'): Beat => ({
  agent: 'a',
  epoch,
  timeMs: 0,
  watermarkMs: 0,
  lanes: [{ epoch, lane: 'sighting', highestSeq, oldestSeq }],
})

test('any order and repetition of the same batches gives the same marks, gaps and totals as the plain set of them', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 200 }), (arrivals) => {
      let ledger = new Ledger()
      const model = new Set<number>()
      for (const [at, seq] of arrivals.entries()) {
        assert.equal(ledger.take(id(seq), at), model.has(seq) ? 'duplicate' : 'new')
        model.add(seq)
        if (at % 7 === 0) ledger = Ledger.decode(ledger.encode())
      }
      let complete = 0
      while (model.has(complete + 1)) complete++
      if (arrivals.length > 0) assert.deepEqual(ledger.marks('a'), [{ epoch: 'e1', lane: 'sighting', seq: complete }])
      const missing = new Set<number>()
      for (const { from, to } of ledger.gaps('a')) for (let seq = from; seq <= to; seq++) missing.add(seq)
      const expected = [...Array(Math.max(0, ...model)).keys()].map((at) => at + 1).filter((seq) => !model.has(seq))
      assert.deepEqual([...missing], expected)
      assert.equal(ledger.totals('a').batches, model.size)
    }),
  )
})

test('a beat is covered once everything up to its highest number is here', () => {
  const ledger = new Ledger()
  ledger.take(id(1), 0)
  ledger.take(id(3), 0)
  assert.equal(ledger.covers(beat(3)), false)
  ledger.take(id(2), 0)
  assert.equal(ledger.covers(beat(3)), true)
})

test('what an agent no longer holds is passed over, counted, and the numbers above it count on', () => {
  const ledger = new Ledger()
  ledger.take(id(500), 0)
  ledger.heard(beat(500, 500), 1)
  assert.deepEqual(ledger.marks('a'), [{ epoch: 'e1', lane: 'sighting', seq: 500 }])
  assert.equal(ledger.totals('a').passedOver, 499)
})

test('a wiped agent comes back under a new epoch: nothing of it is a duplicate, the old epoch is forgotten in time', () => {
  const ledger = new Ledger()
  ledger.take(id(1), 0)
  assert.equal(ledger.take(id(1, 'e2'), 1), 'new')
  ledger.heard(beat(1, 1, 'e2'), 2)
  assert.equal(ledger.marks('a').length, 2)
  ledger.heard(beat(1, 1, 'e2'), 3600_000 * 2)
  assert.deepEqual(
    ledger.marks('a').map(({ epoch }) => epoch),
    ['e2'],
  )
})

test('a lane with too many islands refuses further ones instead of growing', () => {
  const ledger = new Ledger()
  for (let at = 1; at <= 4096; at++) ledger.take(id(at * 2 + 1), 0)
  assert.equal(ledger.take(id(100_000), 0), 'refused')
  assert.equal(ledger.take(id(1), 0), 'new')
})
