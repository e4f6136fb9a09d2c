import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { QuantileSketch } from '#shared/quantile-sketch.ts'
import { mergeUsage, mergeWindows } from './merge-windows.ts'
import type { UsagePart, WindowPart } from './ports.ts'

const range = { fromMs: 0, toMs: 3600_000 }
const limit = 1_000

function part(cell: string, startMs: number, rsrp: readonly number[], region = 'north'): WindowPart {
  const sketch = new QuantileSketch()
  for (const dbm of rsrp) sketch.add(-dbm)
  const sums = { events: rsrp.length, attach: 1, rsrpCount: rsrp.length, rsrpSumDbm: rsrp.reduce((sum, one) => sum + one, 0) }
  const [rsrpMinDbm, rsrpMaxDbm] = [Math.min(...rsrp), Math.max(...rsrp)]
  return {
    region,
    cell,
    startMs,
    sums,
    rsrpMinDbm,
    rsrpMaxDbm,
    latencyMaxMs: null,
    rsrpSketch: sketch.encode(),
    latencySketch: new Uint8Array(0),
  }
}

async function* paged<T>(...pages: T[][]): AsyncIterable<T[]> {
  yield* pages
}

test('parts of two agents merge into one row per bucket and cell, with the quantiles of all their values', async () => {
  const parts = [part('a', 0, [-80, -90]), part('a', 10_000, [-100]), part('a', 60_000, [-70]), part('b', 0, [-110])]
  const { items: rows } = await mergeWindows(paged(parts.slice(0, 2), parts.slice(2)), { range, bucketMs: 60_000, limit }, ['cell'])
  assert.deepEqual(
    rows.map(({ bucket, events, ...row }) => [bucket.slice(14, 19), (row as { cell?: string }).cell, events]),
    [
      ['00:00', 'a', 3],
      ['00:00', 'b', 1],
      ['01:00', 'a', 1],
    ],
  )
  const [first] = rows
  assert.ok(Math.abs(first!.rsrp_dbm_p50! + 90) <= 0.9, `${first!.rsrp_dbm_p50}`)
  assert.deepEqual([first!.rsrp_dbm_min, first!.rsrp_dbm_max, first!.rsrp_dbm_mean, first!.attaches], [-100, -80, -90, 2])
  assert.equal(first!.latency_ms_p50, null)
})

test('whatever the order and the pages of the parts, the rows are the same, and quantiles are within 1 % of the exact ones', async () => {
  const values = fc.array(fc.integer({ min: -140, max: -45 }), { minLength: 1, maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(fc.array(values, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 5 }), async (all, size) => {
      const parts = all.map((rsrp, at) => part('a', at * 10_000, rsrp))
      const pages = Array.from({ length: Math.ceil(parts.length / size) }, (_, at) => parts.slice(at * size, (at + 1) * size))
      const grid = { range, bucketMs: undefined, limit }
      const one = (await mergeWindows(paged(parts), grid, [])).items[0]
      assert.deepEqual((await mergeWindows(paged(...[...pages].reverse()), grid, [])).items[0], one)
      const sorted = all.flat().sort((a, b) => a - b)
      const exact = sorted[sorted.length - Math.max(1, Math.ceil(0.5 * sorted.length))]!
      assert.ok(Math.abs(one!.rsrp_dbm_p50! - exact) <= Math.abs(exact) * 0.01, `${one!.rsrp_dbm_p50} for ${exact}`)
    }),
    { numRuns: 50 },
  )
})

test('usage is summed exactly, by the groups asked for', async () => {
  const usage = (application: string, protocol: string, bytesUp: number): UsagePart => ({
    region: 'north',
    cell: 'a',
    application,
    protocol,
    startMs: 0,
    sums: { flows: 1, packetsUp: 2, packetsDown: 3, bytesUp, bytesDown: 2 ** 52, lossCount: 2, lossSum: 0.5 },
    rttSketch: new Uint8Array(0),
  })
  const parts = [usage('dns', 'udp', 100), usage('dns', 'tcp', 10), usage('quic', 'udp', 1)]
  const { items: rows } = await mergeUsage(paged(parts), { range, bucketMs: undefined, limit }, ['application'])
  const bucket = '1970-01-01T00:00:00.000Z'
  const rest = { rtt_ms_p50: null, rtt_ms_p95: null, loss_ratio: 0.25 }
  assert.deepEqual(rows, [
    { bucket, application: 'dns', flows: 2, packets_up: 4, packets_down: 6, bytes_up: 110, bytes_down: 2 ** 53, ...rest },
    { bucket, application: 'quic', flows: 1, packets_up: 2, packets_down: 3, bytes_up: 1, bytes_down: 2 ** 52, ...rest },
  ])
})

test('a page ends with a bucket, and the next one begins where it says', async () => {
  const parts = Array.from({ length: 12 }, (_, at) => part(`c${at % 3}`, Math.floor(at / 3) * 60_000, [-80]))
  const first = await mergeWindows(paged(parts), { range, bucketMs: 60_000, limit: 4 }, ['cell'])
  assert.deepEqual([first.items.length, first.nextMs], [6, 120_000])
  const rest = parts.filter(({ startMs }) => startMs >= first.nextMs!)
  const second = await mergeWindows(paged(rest), { range, bucketMs: 60_000, limit: 100 }, ['cell'])
  assert.deepEqual([second.items.length, second.nextMs], [6, undefined])
})
