import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeBatch, encodeBatch } from '#shared/batch-codec.ts'
import { QuantileSketch } from '#shared/quantile-sketch.ts'
import type { Batch } from '#shared/records.ts'
import { UsageCutter } from './cut-usage.ts'
import { WindowCutter } from './cut-windows.ts'
import { accepted, EventBatch } from './event-batch.ts'
import { mergeParts } from './merge-parts.ts'

const minute = Date.UTC(2026, 0, 1)

function events(values: readonly number[], family: number): EventBatch {
  const batch = new EventBatch(16)
  for (const [at, value] of values.entries()) {
    const row = batch.add()
    const { columns } = batch
    columns.family[row] = family
    columns.verdict[row] = accepted
    columns.timeMs[row] = minute + ((at * 7_919) % 60_000)
    columns.cell[row] = batch.code('272-01-1')
    columns.eventType[row] = batch.code('measurement')
    columns.application[row] = batch.code('web')
    columns.rsrpDbm[row] = -value
    columns.latencyMs[row] = columns.rttMs[row] = value
    columns.flows[row] = 1
  }
  return batch
}

/** Quantiles of what a part's sketch counted. */
function quantiles(octets: { offsets: Int32Array; data: Uint8Array }): number[] {
  const sketch = QuantileSketch.decode(octets.data.subarray(octets.offsets[0]!, octets.offsets[1]!))
  return [0.05, 0.5, 0.95].map((q) => sketch.quantile(q))
}

function exact(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b)
  return [0.05, 0.5, 0.95].map((q) => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!)
}

test('parts merged over a minute, after the wire, have the sums, extremes and quantiles (within 1 %) of the events themselves', () => {
  const value = fc.double({ min: 20, max: 150, noNaN: true }).map(Math.fround)
  fc.assert(
    fc.property(fc.array(value, { minLength: 5, maxLength: 200 }), fc.nat(200), (values, split) => {
      const cut = (cutter: WindowCutter | UsageCutter, family: number) => {
        cutter.add(events(values.slice(0, split), family))
        const first = cutter.cut(1)
        cutter.add(events(values.slice(split), family))
        return [...first, ...cutter.cut(2)].map((batch) => decodeBatch(encodeBatch(batch)))
      }
      const options = { widthMs: 10_000, batchRows: 3 }
      const [window, ...otherWindows] = mergeParts(
        'window',
        cut(new WindowCutter(options), 0),
        60_000,
        9,
        100,
      ) as unknown as Batch<'window'>[]
      const [usage, ...otherUsages] = mergeParts('usage', cut(new UsageCutter(options), 4), 60_000, 9, 100) as unknown as Batch<'usage'>[]
      const all = values.length
      assert.deepEqual([window!.rows, usage!.rows, otherWindows.length, otherUsages.length], [1, 1, 0, 0])
      assert.deepEqual([window!.columns.startMs[0], window!.columns.widthMs[0], window!.columns.part[0]], [minute, 60_000, 9])
      assert.deepEqual([window!.columns.events[0], window!.columns.measurement[0], usage!.columns.flows[0]], [all, all, all])
      assert.deepEqual([window!.columns.rsrpMinDbm[0], window!.columns.rsrpMaxDbm[0]], [-Math.max(...values), -Math.min(...values)])
      assert.ok(Math.abs(window!.columns.latencySumMs[0]! - values.reduce((a, b) => a + b)) < 1e-6)
      for (const sketch of [window!.columns.rsrpSketch, window!.columns.latencySketch, usage!.columns.rttSketch]) {
        for (const [at, found] of quantiles(sketch).entries()) {
          const expected = exact(values)[at]!
          assert.ok(Math.abs(found - expected) <= expected * 0.01, `quantile ${at}: ${found}, exact ${expected}`)
        }
      }
    }),
    { numRuns: 60 },
  )
})
