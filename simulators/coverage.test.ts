import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Coverage, newHearing, shadowDb } from './coverage.ts'
import { loadScenario } from './scenario.ts'
import { buildWorld } from './world.ts'

test('shadowing has a standard deviation of 8 dB, is the same again at the same place, and forgets itself over 50 m', () => {
  const at = (metres: number) => shadowDb(42, metres, 17)
  const values = Array.from({ length: 4000 }, (_, step) => at(step * 130))
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)
  assert.ok(Math.abs(deviation - 8) < 0.5, String(deviation))
  assert.equal(at(1234), at(1234))
  const correlation = (apartM: number) => {
    const pairs = Array.from({ length: 4000 }, (_, step) => at(step * 130) * at(step * 130 + apartM))
    return pairs.reduce((sum, value) => sum + value, 0) / pairs.length / deviation ** 2
  }
  assert.ok(correlation(10) > 0.8, `10 m: ${correlation(10)}`)
  const half = correlation(50)
  assert.ok(half > 0.1 && half < 0.6, `50 m: ${half}`)
  assert.ok(Math.abs(correlation(150)) < 0.1, `150 m: ${correlation(150)}`)
})

test('a phone in a town hears its own site best, in order of strength', () => {
  const scenario = loadScenario('quiet-town')
  const world = buildWorld(['north'], 1, scenario.world)
  const coverage = new Coverage(world)
  const hearing = newHearing()
  let own = 0
  for (const site of world.sites) {
    coverage.listen(site.x + 40, site.y + 40, false, hearing)
    assert.ok(hearing.count > 3)
    for (let rank = 1; rank < hearing.count; rank++) assert.ok(hearing.rsrpDbm[rank]! <= hearing.rsrpDbm[rank - 1]!)
    assert.equal(new Set(hearing.cells.slice(0, hearing.count)).size, hearing.count)
    if (world.cells[hearing.cells[0]!]!.site === site.index) own++
  }
  assert.ok(own / world.sites.length > 0.95)
})
