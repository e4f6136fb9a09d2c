import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assessCompleteness, summariseCompleteness } from './assess-completeness.ts'
import type { Loss, Progress } from './ports.ts'

const nowMs = 1_000_000
const progress = (agent: string, completeThroughMs: number | null, more: Partial<Progress> = {}): Progress => ({
  region: 'north',
  agent,
  epoch: 'e.1',
  timeMs: nowMs,
  enrolled: true,
  lastSeenMs: nowMs,
  completeThroughMs,
  received: 10,
  missing: 0,
  gaps: '',
  ...more,
})
const range = { fromMs: nowMs - 60_000, toMs: nowMs }

test('half of a region’s agents fell silent: half, and they are named; a range they had covered stays whole', () => {
  const rows = [progress('n1', nowMs - 1_000), progress('n2', nowMs - 20_000)]
  const [north] = assessCompleteness(rows, [], range, nowMs)
  assert.equal(north!.completeness, 0.5)
  assert.deepEqual(north!.silent, ['n2'])
  assert.equal(north!.watermarkMs, nowMs - 20_000)
  assert.equal(assessCompleteness(rows, [], { fromMs: 0, toMs: nowMs - 20_000 }, nowMs)[0]!.completeness, 1)
})

test('one that never spoke counts in the denominator; one that is not enrolled does not', () => {
  const rows = [progress('n1', nowMs), progress('n2', null, { lastSeenMs: null }), progress('n3', null, { enrolled: false })]
  const regions = assessCompleteness(rows, [], range, nowMs)
  assert.equal(regions[0]!.completeness, 0.5)
  assert.equal(regions[0]!.watermarkMs, null)
  assert.deepEqual(summariseCompleteness(regions).silent, [{ region: 'north', agent: 'n2' }])
  assert.equal(summariseCompleteness([]).completeness, null)
})

test('a loss or a gap that touches the range makes it incomplete, one elsewhere does not', () => {
  const loss: Loss = {
    region: 'north',
    agent: 'n1',
    timeMs: nowMs,
    lane: 'window',
    record: 'window',
    reason: 'quota',
    rows: 5,
    fromMs: range.fromMs,
    toMs: range.fromMs + 1,
  }
  assert.equal(assessCompleteness([progress('n1', nowMs)], [loss], range, nowMs)[0]!.completeness, 0)
  const gap = (sinceMs: number) =>
    progress('n1', nowMs, { missing: 2, gaps: JSON.stringify([{ epoch: 'x', lane: 'window', from: 3, to: 4, sinceMs }]) })
  const [touched] = assessCompleteness([gap(nowMs - 5_000)], [], range, nowMs)
  assert.equal(touched!.completeness, 0)
  assert.deepEqual(touched!.agents[0]!.gaps[0], { lane: 'window', fromSeq: 3, toSeq: 4, fromMs: nowMs - 65_000, toMs: nowMs - 5_000 })
  assert.equal(assessCompleteness([gap(nowMs - 500_000)], [], range, nowMs)[0]!.completeness, 1)
})

test('of a wiped agent’s epochs the latest word counts', () => {
  const rows = [progress('n1', 5, { epoch: 'old', timeMs: nowMs - 99_000 }), progress('n1', nowMs, { epoch: 'new' })]
  assert.equal(assessCompleteness(rows, [], range, nowMs)[0]!.completeness, 1)
})
