import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { type FieldSpec, families, fields, rats } from '#shared/families.ts'
import type { Message } from './delivery.ts'
import { distanceM } from './geometry.ts'
import { loadScenario, type Scenario } from './scenario.ts'
import { Simulation, tickMs } from './simulation.ts'
import type { PlantTruth, TruthLine } from './truth.ts'
import { buildWorld } from './world.ts'

const epochMs = Date.UTC(2026, 0, 1, 16)

function quietTown(change: Partial<Scenario> = {}): Scenario {
  return { ...loadScenario('quiet-town'), ...change }
}

function run(scenario: Scenario, seconds: number, regions = ['north', 'south']) {
  const truth: TruthLine[] = []
  const simulation = new Simulation({ scenario, regions, epochMs, truth: { write: (line) => truth.push(line) } })
  const messages: Message[] = []
  for (let tick = 0; tick < (seconds * 1000) / tickMs; tick++) messages.push(...simulation.next().messages)
  return { simulation, messages, truth, plants: truth.filter((line): line is PlantTruth => line.kind !== 'position') }
}

function digest(messages: readonly Message[]): string {
  const hash = createHash('sha256')
  for (const message of messages) hash.update(JSON.stringify(message))
  return hash.digest('hex')
}

test('the same seed, scenario and epoch give the same messages byte for byte; another seed gives others', () => {
  const scenario = quietTown({ subscribers: 400, ratePerS: 200 })
  const first = digest(run(scenario, 40).messages)
  assert.equal(digest(run(scenario, 40).messages), first)
  assert.notEqual(digest(run({ ...scenario, seed: 2 }, 40).messages), first)
})

test('every produced event lies within the bounds of the outside face and knows only its own family’s fields', () => {
  const { messages } = run(quietTown({ subscribers: 1500, ratePerS: 400 }), 120)
  assert.ok(messages.length > 40_000)
  const seen = new Set<string>()
  for (const { family, source, text } of messages) {
    const event = JSON.parse(text)
    assert.ok(families.includes(family))
    assert.match(source, /^[A-Za-z0-9._-]{1,64}$/)
    assert.ok(event.event_id.length <= 64)
    assert.ok(Number.isInteger(event.timestamp))
    seen.add(`${family}/${event.event_type}`)
    for (const [name, value] of Object.entries(event.payload)) {
      const spec = fields.find((candidate) => candidate.name === name)
      assert.ok(spec, name)
      assert.ok(spec.families.includes(family), `${name} in ${family}`)
      assert.ok(isWithin(spec, value), `${name} = ${JSON.stringify(value)}`)
    }
    const { imsi, msisdn, cell } = event.payload
    if (family === 'network' || family === 'dpi') assert.ok(cell !== undefined && msisdn === undefined)
    else assert.ok((imsi ?? msisdn) !== undefined)
  }
  for (const type of ['network/measurement', 'network/handover', 'network/cell_change', 'network/call_end', 'network/attach']) {
    assert.ok(seen.has(type), type)
  }
  for (const type of ['subscriber/registration', 'subscriber/location_update', 'location/fix', 'dpi/flow']) assert.ok(seen.has(type), type)
})

function isWithin(spec: FieldSpec, value: unknown): boolean {
  if (spec.kind === 'digits') {
    return typeof value === 'string' && new RegExp(`^${spec.name === 'msisdn' ? '\\+?' : ''}\\d{${spec.min},${spec.max}}$`).test(value)
  }
  if (spec.kind === 'cell') return typeof value === 'string' && /^272-01-\d+$/.test(value) && Number(value.slice(7)) <= spec.max
  if (spec.kind === 'choice') return rats.includes(value as never) && value !== ''
  if (spec.kind === 'text') return typeof value === 'string' && value.length <= spec.max
  if (spec.kind === 'time') return Number.isInteger(value)
  if (spec.kind === 'neighbours')
    return Array.isArray(value) && value.length <= 6 && value.every((one) => one.rsrp_dbm >= -160 && one.rsrp_dbm <= -20)
  const whole = spec.kind !== 'integer' || Number.isInteger(value)
  return typeof value === 'number' && Number.isFinite(value) && whole && value >= spec.min && value <= spec.max
}

test('the rate is kept, and delivery goes wrong in the stated shares', () => {
  const { simulation, messages } = run(quietTown({ subscribers: 1000, ratePerS: 500 }), 120)
  const { happened, late, duplicates, missing } = simulation.delivery.counts
  assert.ok(Math.abs(happened - 60_000) < 600, `${happened} events in 120 s at 500 a second`)
  assert.ok(Math.abs(late / happened - 0.11) < 0.01)
  assert.ok(Math.abs(duplicates / happened - 0.01) < 0.003)
  assert.ok(Math.abs(missing / happened - 0.005) < 0.002)
  assert.equal(messages.length, happened - missing + duplicates - simulation.delivery.notYetDue)
  const texts = new Map<string, number>()
  for (const { text } of messages) texts.set(text, (texts.get(text) ?? 0) + 1)
  const repeated = [...texts.values()].filter((count) => count === 2).length
  assert.ok(repeated > 400 && repeated <= duplicates, 'a repeat is the same event word for word')
  for (let at = 1; at < messages.length; at++) assert.ok(messages[at]!.sendAtMs >= messages[at - 1]!.sendAtMs)
})

test('radio events lack the IMEI in three cases of ten', () => {
  const { messages } = run(quietTown({ plants: [], subscribers: 500 }), 60)
  const radio = messages.filter(({ family }) => family === 'network').map(({ text }) => JSON.parse(text))
  const without = radio.filter(({ payload }) => payload.imei === undefined).length / radio.length
  assert.ok(Math.abs(without - 0.3) < 0.02, String(without))
})

test('one more subscriber changes nobody else', () => {
  const people = (subscribers: number) =>
    new Set(
      run(quietTown({ subscribers, ratePerS: subscribers, plants: [] }), 5)
        .messages.map(({ text }) => JSON.parse(text).payload)
        .filter(({ msisdn, imsi }) => msisdn !== undefined && imsi !== undefined)
        .map(({ imsi, msisdn, imei, cell }) => `${imsi} ${msisdn} ${imei.slice(0, 14)} ${cell}`),
    )
  const fewer = people(60)
  const more = people(61)
  // A traveller may be seen a moment earlier or later, in the next cell: nearly all lines are the same.
  const same = [...fewer].filter((line) => more.has(line)).length
  assert.ok(same >= fewer.size * 0.9, `${same} of ${fewer.size}`)
})

test('what is planted is in the truth and in the events, the first within 20 s', () => {
  const { plants, messages } = run(quietTown({ subscribers: 200, ratePerS: 100 }), 300)
  const kinds = new Set(plants.map(({ kind }) => kind))
  assert.deepEqual([...kinds].sort(), ['clone', 'device-swap', 'device-toggle', 'sim-box', 'sim-swap'])
  assert.ok(plants[0]!.atMs - epochMs <= 20_000)
  const gaps = plants.slice(1).map(({ atMs }, at) => atMs - plants[at]!.atMs)
  assert.ok(Math.max(...gaps) <= 60_000, `something every minute: ${gaps}`)

  const events = messages.map(({ region, text }) => ({ region, ...JSON.parse(text) }))
  const imeisOf = (imsi: string, fromMs: number, toMs: number) =>
    new Set(
      events
        .filter(({ payload, timestamp }) => payload.imsi === imsi && payload.imei && timestamp >= fromMs && timestamp < toMs)
        .map(({ payload }) => payload.imei.slice(0, 14)),
    )
  for (const plant of plants.filter(({ kind, atMs }) => kind === 'device-swap' && atMs < epochMs + 280_000)) {
    assert.deepEqual([...imeisOf(plant.before.imsi, epochMs, plant.atMs)], [plant.before.imei])
    assert.deepEqual([...imeisOf(plant.before.imsi, plant.atMs, epochMs + 300_000)], [plant.after.imei])
    assert.notEqual(plant.before.imei, plant.after.imei)
  }
  const crossing = plants.find(({ kind, regions }) => kind === 'device-swap' && regions.length === 2)
  assert.ok(crossing, 'a device swap from one region to the other')

  const box = plants.find(({ kind }) => kind === 'sim-box')!
  assert.equal(new Set(box.imsis).size, 8)
  for (const imsi of box.imsis!) assert.deepEqual([...imeisOf(imsi, box.atMs, box.atMs + 3600_000)], [box.before.imei])

  const swap = plants.find(({ kind }) => kind === 'sim-swap')!
  const registered = events.filter(({ payload }) => payload.msisdn === swap.before.msisdn)
  assert.deepEqual([...new Set(registered.map(({ payload }) => payload.imsi))], [swap.before.imsi, swap.after.imsi])
})

test('a clone is on the air in cells more than 60 km apart at the same time', () => {
  const scenario = quietTown({ subscribers: 50, ratePerS: 20 })
  const { plants, messages } = run(scenario, 140)
  const clone = plants.find(({ kind }) => kind === 'clone')!
  const cells = new Map(buildWorld(['north', 'south'], scenario.seed, scenario.world).cells.map((cell) => [cell.id, cell]))
  const [here, there] = clone.cells.map((id) => cells.get(id)!)
  assert.ok(distanceM(here!, there!) > 60_000)
  const heard = messages.map(({ text }) => JSON.parse(text)).filter(({ payload }) => payload.imsi === clone.before.imsi)
  const sites = heard.filter(({ timestamp }) => timestamp >= clone.atMs).map(({ payload }) => cells.get(payload.cell)!.site)
  const alternations = sites.slice(1).filter((site, at) => site !== sites[at]).length
  assert.ok(alternations >= 8, `${alternations} alternations`)
})

test('nothing is planted across regions where there is only one', () => {
  const { plants } = run(quietTown({ subscribers: 50, ratePerS: 20 }), 250, ['west'])
  assert.ok(plants.length > 4)
  assert.ok(plants.every(({ regions }) => regions.length === 1))
})

test('a ramp multiplies the rate from point to point', () => {
  const ramp = [
    { atS: 10, factor: 1 },
    { atS: 20, factor: 3 },
  ]
  const { simulation } = run(quietTown({ subscribers: 100, ratePerS: 100, plants: [], ramp }), 30)
  assert.ok(Math.abs(simulation.delivery.counts.happened - (1000 + 2000 + 3000)) < 60)
})

test('true positions are written for a share of people', () => {
  const { truth } = run(quietTown({ subscribers: 200, ratePerS: 200 }), 31)
  const positions = truth.filter((line) => line.kind === 'position')
  assert.ok(positions.length >= 20 && positions.length <= 40, String(positions.length))
  assert.ok(positions.every(({ latitude, longitude }) => latitude > 52.4 && latitude < 54 && longitude > -9 && longitude < -7))
})

test('a second start finds people where they would have been', () => {
  const scenario = quietTown({ subscribers: 300, ratePerS: 300, plants: [], truth: { positionShare: 1, positionEveryS: 10 } })
  const at = (start: number, seconds: number) => {
    const places = new Map<string, { latitude: number; longitude: number }>()
    const simulation = new Simulation({
      scenario,
      regions: ['north', 'south'],
      epochMs: start,
      truth: { write: (line) => line.kind === 'position' && line.atMs === epochMs + 60_000 && places.set(line.imsi, line) },
    })
    for (let tick = 0; tick < (seconds * 1000) / tickMs; tick++) simulation.next()
    return places
  }
  const first = at(epochMs, 61)
  const second = at(epochMs + 50_000, 11)
  assert.ok(first.size > 290 && second.size > 290)
  const jumped = [...first].filter(([imsi, place]) => {
    const again = second.get(imsi)
    return again !== undefined && Math.abs(again.latitude - place.latitude) + Math.abs(again.longitude - place.longitude) > 0.002
  })
  assert.deepEqual(jumped, [])
})
