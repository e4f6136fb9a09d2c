import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { History } from './history.ts'

const bucketMs = 100
const sighting = fc.record({ timeMs: fc.nat(500), cell: fc.integer({ min: 1, max: 3 }), a: fc.nat(2) })
type Sighting = { timeMs: number; cell: number; a: number }
const order = (x: Sighting, y: Sighting) => x.timeMs - y.timeMs || x.cell - y.cell || x.a - y.a

function kept(log: readonly Sighting[]): Sighting[] {
  const history = new History({ bucketMs, byCell: true, compareTies: (cx, ax, _bx, cy, ay) => cx - cy || ax - ay })
  let head = 0
  for (const { timeMs, cell, a } of log) head = history.insert(head, timeMs, cell, a, 0)
  const { count, timeMs, cell, a } = history.read(head)
  return Array.from({ length: count }, (_, at) => ({ timeMs: timeMs[at]!, cell: cell[at]!, a: a[at]! }))
}

test('keeps the first and last sighting of each cell, device and slice of time, in order, whatever order they came in', () => {
  fc.assert(
    fc.property(fc.array(sighting, { maxLength: 60 }), (log) => {
      const classes = Map.groupBy(log, (one) => `${one.cell} ${one.a} ${Math.floor(one.timeMs / bucketMs)}`)
      const expected = [...classes.values()].flatMap((group) => {
        const sorted = [...group].sort(order)
        const [first, last] = [sorted[0]!, sorted.at(-1)!]
        return first.timeMs === last.timeMs ? [first] : [first, last]
      })
      assert.deepEqual(
        kept(log),
        expected.sort(order).map((one) => ({ ...one })),
      )
    }),
  )
})

test('pruning keeps the ends of each run and the newest settled sighting', () => {
  const history = new History({ bucketMs: 1, byCell: true, compareTies: () => 0 })
  let head = 0
  for (const [timeMs, a] of [
    [1, 1],
    [2, 1],
    [3, 1],
    [4, 2],
    [5, 0],
    [6, 2],
    [7, 2],
    [8, 2],
    [20, 2],
  ] as const) {
    head = history.insert(head, timeMs, 1, a, 0)
  }
  head = history.prune(head, 10, -10)
  const { count, timeMs } = history.read(head)
  assert.deepEqual([...timeMs.subarray(0, count)], [1, 3, 4, 8, 20])
})
