import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fence } from '#shared/control.ts'
import { createDetector } from './detector.ts'
import { insideProbability, shapeOf, signedDepthM } from './fence-geometry.ts'
import { cellRows, feed, type Held, minute, type Planted, psn, second, startMs } from './sighting-log.ts'

const plane = { planeX: (longitude: number) => longitude, planeY: (latitude: number) => latitude }
const home = { latitude: 51.9, longitude: -8.47 }
const away = { latitude: 51.95, longitude: -8.47 }
const circle = (extra: Partial<Fence> = {}): Fence => ({
  id: 'f1',
  name: 'harbour',
  revision: 1,
  geometry: { type: 'Circle', center: [home.longitude, home.latitude], radiusM: 500 },
  ...extra,
})

function walk(fence: Fence | readonly Fence[], places: readonly [ms: number, place: typeof home][], sim = 'ann'): Held {
  const detector = createDetector({ region: 'north', cells: cellRows() })
  for (const one of [fence].flat()) detector.fence(one)
  const log = places.map(([ms, place]): Planted => ({ timeMs: startMs + ms, sim, ...place, accuracyM: 20, speedMps: 0 }))
  const held = feed(detector, log, 1)
  detector.watermark(startMs + 60 * minute)
  held.take(detector.flush())
  return held
}

test('in and out again: one enter, one leave, no matter how many positions', () => {
  const path = Array.from({ length: 30 }, (_, step): [number, typeof home] => [step * 20 * second, step >= 8 && step < 20 ? home : away])
  const held = walk(circle(), path)
  assert.deepEqual(held.types(), ['fence-enter', 'fence-leave'])
  const [enter] = held.standing('fence-enter')
  assert.equal(enter?.subscriber, psn('ann'))
  assert.equal((enter?.evidence.fence as { name: string } | undefined)?.name, 'harbour')
})

test('who stays has dwelt, once, also when nothing more is heard of them', () => {
  const held = walk(circle({ dwellS: 600 }), [
    [0, home],
    [10 * second, home],
    [20 * second, home],
  ])
  assert.deepEqual(held.types(), ['fence-dwell', 'fence-enter'])
  assert.equal(held.standing('fence-dwell')[0]?.timeMs, startMs + 600 * second)
})

test('a fence for some people is silent about others; a deleted one about everybody', () => {
  const inside: [number, typeof home][] = [
    [0, home],
    [10 * second, home],
  ]
  assert.deepEqual(walk(circle({ segment: [psn('bob')] }), inside).types(), [])
  assert.deepEqual(walk(circle({ segment: [psn('ann')] }), inside).types(), ['fence-enter'])
  assert.deepEqual(walk([circle(), circle({ revision: 2, deleted: true })], inside).types(), [])
})

test('a polygon with a hole, and how sure one can be', () => {
  const square = (half: number) => [
    [-half, -half],
    [half, -half],
    [half, half],
    [-half, half],
    [-half, -half],
  ]
  const shape = shapeOf({ type: 'Polygon', coordinates: [square(1000), square(200)] }, plane)
  assert.equal(signedDepthM(shape, 600, 0), 400)
  assert.equal(signedDepthM(shape, 0, 0), -200)
  assert.equal(signedDepthM(shape, 1500, 0), -500)
  assert.ok(insideProbability(shape, 600, 0, 50) > 0.99)
  assert.ok(Math.abs(insideProbability(shape, 1000, 0, 50) - 0.5) < 0.01)
  assert.equal(insideProbability(shape, 5000, 0, 50), 0)
  assert.ok(insideProbability(shape, 600, 0, 3000) < 0.2, 'nobody is surely inside what is smaller than the doubt')
})
