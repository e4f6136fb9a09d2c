import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDetector } from './detector.ts'
import { cellAt, cellRows, feed, hour, minute, modelOf, type Planted, psn, second, startMs } from './sighting-log.ts'

const at = (ms: number) => startMs + ms
const detect = (log: readonly Planted[], batchRows = 16) => feed(createDetector({ region: 'north', cells: cellRows() }), log, batchRows)

test('a SIM that turns up in another phone is a device swap: provisional at first, confirmed when seen again', () => {
  const detector = createDetector({ region: 'north', cells: cellRows() })
  const held = feed(detector, [
    { timeMs: at(0), sim: 'ann', device: 'old phone', cell: cellAt(0) },
    { timeMs: at(10 * minute), sim: 'ann', device: 'new phone', cell: cellAt(1) },
  ])
  const [provisional] = held.standing('device-swap')
  assert.equal(provisional?.severity, 'warning')
  assert.equal(provisional?.evidence.confirmed, false)

  feed(detector, [{ timeMs: at(11 * minute), sim: 'ann', device: 'new phone', cell: cellAt(1) }], 16, held)
  const [confirmed, ...others] = held.standing('device-swap')
  assert.deepEqual(others, [])
  assert.equal(confirmed?.severity, 'minor')
  assert.equal(confirmed?.subscriber, psn('ann'))
  assert.equal(confirmed?.device, psn('new phone'))
  const evidence = confirmed!.evidence as {
    before: Record<string, unknown>
    after: Record<string, unknown>
    distanceM: number
    gapMs: number
  }
  assert.equal(evidence.before.cell, cellAt(0))
  assert.equal(evidence.after.cell, cellAt(1))
  assert.equal(evidence.before.model, modelOf('old phone'))
  assert.equal(evidence.gapMs, 10 * minute)
  assert.ok(Math.abs(evidence.distanceM - 1000) < 20)
  assert.deepEqual(held.moves(), ['device-swap'])
})

test('a sighting that does not say which phone it was changes nothing', () => {
  const held = detect([
    { timeMs: at(0), sim: 'ann', device: 'phone', cell: cellAt(0) },
    { timeMs: at(minute), sim: 'ann', cell: cellAt(0) },
    { timeMs: at(2 * minute), sim: 'ann', device: 'phone', cell: cellAt(0) },
  ])
  assert.deepEqual(held.types(), [])
})

test('the IMEI of all zeros, which broken phones share, is no device', () => {
  const held = detect([
    { timeMs: at(0), sim: 'ann', device: 'phone', cell: cellAt(0) },
    { timeMs: at(minute), sim: 'ann', device: 'zeros', model: 0, cell: cellAt(0) },
  ])
  assert.deepEqual(held.types(), [])
})

test('back in the old phone within a day (a repair shop tried the SIM): a toggle, and the swap alert is taken back', () => {
  const detector = createDetector({ region: 'north', cells: cellRows() })
  const held = feed(detector, [
    { timeMs: at(0), sim: 'ann', device: 'phone', cell: cellAt(0) },
    { timeMs: at(hour), sim: 'ann', device: 'bench', cell: cellAt(0) },
  ])
  assert.deepEqual(held.types(), ['device-swap'])
  feed(detector, [{ timeMs: at(2 * hour), sim: 'ann', device: 'phone', cell: cellAt(0) }], 16, held)
  assert.deepEqual(held.types(), [])
  assert.deepEqual(held.moves(), ['device-toggle', 'device-toggle'])
})

test('back after two days: two swaps', () => {
  const held = detect([
    { timeMs: at(0), sim: 'ann', device: 'phone', cell: cellAt(0) },
    { timeMs: at(hour), sim: 'ann', device: 'loan phone', cell: cellAt(0) },
    { timeMs: at(49 * hour), sim: 'ann', device: 'phone', cell: cellAt(0) },
  ])
  assert.deepEqual(held.types(), ['device-swap', 'device-swap'])
})

test('a number on another SIM is a SIM swap; in another phone as well it is a swap-combo', () => {
  const held = detect([
    { timeMs: at(0), sim: 'sim 1', number: '+353 1', device: 'phone', cell: cellAt(0) },
    { timeMs: at(hour), sim: 'sim 2', number: '+353 1', device: 'phone', cell: cellAt(0) },
    { timeMs: at(0), sim: 'sim 3', number: '+353 2', device: 'victim’s', cell: cellAt(0) },
    { timeMs: at(hour), sim: 'sim 4', number: '+353 2', device: 'thief’s', cell: cellAt(50) },
  ])
  assert.deepEqual(held.types(), ['sim-swap', 'sim-swap', 'swap-combo'])
  assert.equal(held.standing('swap-combo')[0]?.severity, 'critical')
})

test('a dual-SIM phone: two SIMs in one device are no alert, each keeps its device', () => {
  const log: Planted[] = []
  for (let step = 0; step < 20; step++) {
    log.push({ timeMs: at(step * minute), sim: 'work', device: 'dual', cell: cellAt(0) })
    log.push({ timeMs: at(step * minute + 5), sim: 'private', device: 'dual', cell: cellAt(0) })
  }
  assert.deepEqual(detect(log).types(), [])
})

test('a one-number watch: a number to and fro between two SIMs is no swap', () => {
  const log = [0, 1, 2, 3, 4].map((step) => ({
    timeMs: at(step * hour),
    sim: step % 2 ? 'watch' : 'phone',
    number: '+353 3',
    cell: cellAt(0),
  }))
  const held = detect(log)
  assert.deepEqual(held.types(), [])
  assert.ok(held.moves().every((type) => type === 'sim-toggle'))
})

test('five SIMs in turn in one device that stands still are a SIM box', () => {
  const log = [1, 2, 3, 4, 5].map((n) => ({ timeMs: at(n * 5 * minute), sim: `sim ${n}`, device: 'box', cell: cellAt(3) }))
  const [alert] = detect(log).standing('sim-box')
  assert.equal(alert?.device, psn('box'))
  assert.equal(alert?.evidence.simCount, 3, 'raised with the third SIM of the hour')
})

test('one IMEI printed on many phones all over the country is no SIM box', () => {
  const log = [0, 1, 2, 3, 4, 5].map((n) => ({ timeMs: at(n * minute), sim: `sim ${n}`, device: 'copied IMEI', cell: cellAt(n * 50) }))
  assert.deepEqual(detect(log).standing('sim-box'), [])
})

test('one IMEI on two thousand phones holds nobody up', () => {
  const detector = createDetector({ region: 'north', cells: cellRows() })
  const log = Array.from({ length: 2000 }, (_, n) => ({
    timeMs: at(n * second),
    sim: `sim ${n}`,
    device: 'copied IMEI',
    cell: cellAt((n % 8) * 50),
  }))
  const held = feed(detector, log, 1)
  detector.watermark(at(hour))
  held.take(detector.flush())
  assert.deepEqual(held.types(), [])
})

test('a SIM seen 100 km away a minute later is a clone', () => {
  const [alert] = detect([
    { timeMs: at(0), sim: 'ann', cell: cellAt(0) },
    { timeMs: at(minute), sim: 'ann', cell: cellAt(100) },
  ]).standing('clone')
  assert.equal(alert?.evidence.rule, 'CLONE_A')
  assert.ok((alert?.evidence.speedKmh as number) > 5000)
})

test('an aircraft at 900 km/h and clocks 30 s apart are no clone', () => {
  const log: Planted[] = []
  for (let km = 0; km <= 300; km += 25) {
    const skewMs = km % 50 ? -30 * second : 0
    log.push({ timeMs: at((km / 900) * hour + skewMs), sim: 'passenger', cell: cellAt(km) })
  }
  assert.deepEqual(detect(log).types(), [])
})

test('to and fro between two towns is a clone, to and fro between two neighbour cells is ping-pong', () => {
  const between = (far: number) =>
    [0, 1, 2, 3, 4, 5].map((step) => ({ timeMs: at(step * 4 * minute), sim: 'ann', cell: cellAt(step % 2 ? far : 0) }))
  assert.equal(detect(between(40)).standing('clone')[0]?.evidence.rule, 'CLONE_B')
  assert.deepEqual(detect(between(2)).types(), [])
})

test('many SIMs that jump between the same two cells say that the map is wrong', () => {
  const jump = (n: number): Planted[] => [
    { timeMs: at(n * second), sim: `sim ${n}`, cell: cellAt(0) },
    { timeMs: at(n * second + 10 * second), sim: `sim ${n}`, cell: cellAt(200) },
  ]
  const few = Array.from({ length: 19 }, (_, n) => jump(n)).flat()
  assert.equal(detect(few).standing('clone').length, 19)
  assert.deepEqual(detect([...few, ...jump(19)]).types(), [])
})

test('several sightings of one millisecond, whichever comes first, leave the bindings standing', () => {
  const places = [cellAt(0), undefined, cellAt(1)]
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0],
    [0, 2, 1],
  ]) {
    const log = order.map((place) => ({ timeMs: at(0), sim: 'ann', number: '1', device: 'phone', cell: places[place] }))
    const held = detect(log, 1)
    assert.equal([...held.bindings.values()].filter((binding) => !binding.retracted).length, 2, order.join())
  }
})

test('bindings: number to SIM and SIM to device, closed where another begins', () => {
  const held = detect([
    { timeMs: at(0), sim: 'ann', number: '+353 1', device: 'old', cell: cellAt(0) },
    { timeMs: at(hour), sim: 'ann', number: '+353 1', device: 'old', cell: cellAt(0) },
    { timeMs: at(2 * hour), sim: 'ann', number: '+353 1', device: 'new', cell: cellAt(0) },
  ])
  const bindings = [...held.bindings].filter(([, binding]) => !binding.retracted)
  assert.deepEqual(
    bindings.map(([key, { lastMs }]) => `${key} ${lastMs}`).sort(),
    [
      `0:${psn('+353 1')}:${psn('ann')}:${at(0)} ${at(2 * hour)}`,
      `1:${psn('ann')}:${psn('old')}:${at(0)} ${at(hour)}`,
      `1:${psn('ann')}:${psn('new')}:${at(2 * hour)} ${at(2 * hour)}`,
    ].sort(),
  )
})

test('a number alone is resolved to its SIM, in the curated sighting too', () => {
  const held = detect([
    { timeMs: at(0), sim: 'ann', number: '+353 1', device: 'old', cell: cellAt(0) },
    { timeMs: at(minute), number: '+353 1', device: 'new', cell: cellAt(0) },
  ])
  assert.deepEqual(held.types(), ['device-swap'])
  const [curated] = held.curated
  assert.deepEqual([...curated!.columns.subscriber.slice(4, 8)], [...curated!.columns.subscriber.slice(0, 4)])
})

test('positions come with a radius, and walk with the cells', () => {
  const held = detect([0, 1, 2, 3].map((km) => ({ timeMs: at(km * minute), sim: 'ann', cell: cellAt(km) })))
  assert.equal(held.positions.length, 4)
  assert.ok(held.positions.every((position) => position.radiusM > 100 && position.radiusM < 2000))
  assert.ok(held.positions[3]!.longitude > held.positions[0]!.longitude)
})
