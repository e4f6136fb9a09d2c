import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import { inventoryCsv, inventoryOf } from './cell-inventory.ts'
import { parseTarget, repeatedOption } from './command-line.ts'
import { loadScenario, parseScenario, scenarioJsonSchema } from './scenario.ts'
import { buildWorld } from './world.ts'

test('the smallest scenario is a name', () => {
  const scenario = parseScenario('name: small')
  assert.equal(scenario.subscribers, 2000)
  assert.equal(scenario.mix.measurement, 52)
  assert.deepEqual(scenario.plants, [])
})

test('a scenario that is wrong is refused with every place that is wrong', () => {
  assert.throws(
    () => parseScenario('name: x\nsubscribers: 0\nplants: [{ kind: theft, atS: 1 }]\nspeed: 3'),
    (error: Error) => ['subscribers', 'plants.0.kind', 'speed'].every((place) => error.message.includes(place)),
  )
  assert.throws(() => loadScenario('no-such-town'), /neither a built-in scenario nor a file/)
})

test('the JSON Schema beside the scenarios is the one the code makes', () => {
  const stored = readFileSync(join(import.meta.dirname, 'scenarios', 'scenario.schema.json'), 'utf8')
  assert.deepEqual(
    JSON.parse(stored),
    JSON.parse(scenarioJsonSchema()),
    'run: tributary-sim schema > simulators/scenarios/scenario.schema.json',
  )
})

test('the inventory has every cell once, in OpenCellID’s columns', () => {
  const { world: plan } = loadScenario('quiet-town')
  const world = buildWorld(['north', 'south'], 1, plan)
  const csv = inventoryCsv(inventoryOf(world))
  assert.equal(
    csv.slice(0, csv.indexOf('\n')),
    'radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal',
  )
  const rows = parse<Record<string, string>>(csv, { columns: true })
  assert.equal(rows.length, world.cells.length)
  assert.equal(new Set(rows.map(({ cell }) => cell)).size, rows.length)
  assert.ok(rows.every(({ lat, lon, range, net }) => Number(lat) > 52 && Number(lon) < -7 && Number(range) > 100 && net === '1'))
})

test('a region’s cells are the same whatever other regions there are', () => {
  const { world: plan } = loadScenario('quiet-town')
  const cellsOf = (regions: string[]) => {
    const world = buildWorld(regions, 1, plan)
    // Roads that cross the border exist only where there is a neighbour.
    const sites = world.sites.filter(({ region, name }) => world.regions[region] === 'north' && !name.includes('south'))
    return sites.flatMap(({ cells }) => cells.map(({ id, x, y, azimuthDeg }) => `${id} ${x} ${y} ${azimuthDeg}`)).sort()
  }
  assert.deepEqual(cellsOf(['north']), cellsOf(['south', 'north', 'elsewhere']))
})

test('targets and repeated options', () => {
  assert.deepEqual(parseTarget('region=north,mqtt=mqtt://127.0.0.1:1883,mqtt=mqtt://127.0.0.1:1884'), {
    region: 'north',
    mqtt: ['mqtt://127.0.0.1:1883', 'mqtt://127.0.0.1:1884'],
  })
  assert.throws(() => parseTarget('mqtt=mqtt://x'), /needs a region/)
  assert.deepEqual(repeatedOption(['run', '--target', 'a', '--rate', '1', '--target=b'], 'target'), ['a', 'b'])
})
