import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Beat } from '#shared/control.ts'
import { Ledger } from './ledger.ts'
import { Progress } from './progress.ts'
import { Watermarks } from './watermarks.ts'

const beat = (agent: string, highestSeq: number, watermarkMs: number): Beat => ({
  agent,
  epoch: 'e',
  timeMs: 0,
  watermarkMs,
  lanes: [{ epoch: 'e', lane: 'window', highestSeq, oldestSeq: 1 }],
})
const batch = (agent: string, seq: number) => ({ agent, epoch: 'e', lane: 'window' as const, seq })

test('an agent is complete through a beat once everything the beat speaks of is here', () => {
  const ledger = new Ledger()
  const progress = new Progress(['a', 'b'], ledger)
  progress.heard(beat('a', 1, 100), 0)
  progress.heard(beat('a', 2, 200), 1)
  assert.ok(Number.isNaN(progress.list()[0]!.completeThroughMs))
  ledger.take(batch('a', 1), 2)
  progress.advance()
  assert.equal(progress.list()[0]!.completeThroughMs, 100)
  ledger.take(batch('a', 2), 3)
  progress.advance()
  assert.equal(progress.list()[0]!.completeThroughMs, 200)
  const [, silent] = progress.list()
  assert.deepEqual([silent!.agent, silent!.enrolled, silent!.lastSeenMs], ['b', true, Number.NaN])
})

test('the region’s time is that of its slowest live agent, never goes back, and is not held by a silent one', () => {
  const progress = new Progress(['a', 'b'], new Ledger())
  progress.heard(beat('a', 0, 5000), 0)
  progress.heard(beat('b', 0, 3000), 0)
  assert.equal(progress.regionWatermarkMs(1), 3000)
  progress.heard(beat('a', 0, 40_000), 35_000)
  assert.equal(progress.regionWatermarkMs(35_001), 40_000)
  progress.heard(beat('b', 0, 3000), 36_000)
  assert.equal(progress.regionWatermarkMs(36_001), 40_000)
})

test('many beats ahead of the data do not hold it back for ever', () => {
  const ledger = new Ledger()
  const progress = new Progress(['a'], ledger)
  for (let at = 1; at <= 100; at++) progress.heard(beat('a', at, at * 10), at)
  for (let at = 1; at <= 100; at++) ledger.take(batch('a', at), at)
  progress.advance()
  assert.equal(progress.list()[0]!.completeThroughMs, 1000)
})

test('rows are freed by the smaller of snapshot and trunk', () => {
  const watermarks = new Watermarks()
  const marks = (seq: number) => new Map([['a', [{ epoch: 'e', lane: 'window' as const, seq }]]])
  assert.equal(watermarks.acknowledged(50), false)
  assert.equal(watermarks.snapshotted(marks(3), 40), true)
  assert.equal(watermarks.of('a')[0]!.seq, 3)
  assert.equal(watermarks.snapshotted(marks(9), 60), false)
  assert.equal(watermarks.of('a')[0]!.seq, 3)
  assert.equal(watermarks.acknowledged(60), true)
  assert.equal(watermarks.of('a')[0]!.seq, 9)
})

test('through a long outage few steps are remembered and the last one counts', () => {
  const watermarks = new Watermarks()
  for (let at = 1; at <= 10_000; at++) watermarks.snapshotted(new Map([['a', [{ epoch: 'e', lane: 'window', seq: at }]]]), at)
  watermarks.acknowledged(10_000)
  assert.equal(watermarks.of('a')[0]!.seq, 10_000)
})
