import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Coverage } from './coverage.ts'
import { planPath } from './itinerary.ts'
import { Phone } from './phone.ts'
import { habitsOf, identityOf } from './population.ts'
import { randomFor } from './random.ts'
import { loadScenario } from './scenario.ts'
import { buildWorld } from './world.ts'

const scenario = loadScenario('quiet-town')
const world = buildWorld(['north', 'south'], scenario.seed, scenario.world)
const coverage = new Coverage(world)

test('23 % of a driver’s changes of cell return within 10 s', () => {
  const share = returnShareOf('car', 150)
  assert.ok(share > 0.19 && share < 0.27, String(share))
})

test('17 % of the changes of a phone between two cells return within 10 s', () => {
  const phone = new Phone(0, identityOf(1, 0), habitsOf(world, scenario.phones, 1, 0), randomFor('edge'))
  const dwells = Array.from({ length: 3000 }, () => phone.edgeDwellMs())
  const quick = dwells.filter((dwell) => dwell <= 10_000).length / dwells.length
  assert.ok(Math.abs(quick - 0.17) < 0.02, String(quick))
})

/** A change counts as a return when it leads back to the cell left by the one before, within 10 s (A-B-A). */
function returnShareOf(motion: 'car' | 'train', drivers: number): number {
  let changes = 0
  let returns = 0
  for (let index = 0, found = 0; found < drivers && index < 20_000; index++) {
    const habits = habitsOf(world, scenario.phones, 1, index)
    const path = planPath(world, habits, true)
    if (path.motion !== motion) continue
    found++
    const phone = new Phone(index, identityOf(1, index), habits, randomFor('drive', index))
    const endMs = path.atMs.at(-1)!
    phone.setOut(world, { startMs: 0, endMs, outward: true })
    let last: { from: number; atMs: number } | undefined
    for (let timeMs = 0; timeMs < endMs; timeMs += 1000) {
      const from = phone.serving
      const to = phone.step(timeMs, coverage)
      if (to === undefined) continue
      changes++
      if (last !== undefined && last.from === to && timeMs - last.atMs <= 10_000) returns++
      last = { from, atMs: timeMs }
    }
  }
  assert.ok(changes > 500, `${changes} changes`)
  return returns / changes
}
