/** One region split in two, each hub alone but for the claim directory: between them they hold the alerts that one hub would. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Claim, Notice } from '#shared/control.ts'
import { settleClaim } from '../core/directory.ts'
import { createDetector } from '../regional-hub/detector.ts'
import { cellAt, cellRows, feed, Held, hour, minute, type Planted, psn, startMs, toBatch } from '../regional-hub/sighting-log.ts'

type Region = 'north' | 'south'
/** Cells up to kilometre 99 are north's, the others south's; each hub has only its own inventory. */
const regionOf = (row: Planted): Region => (Number(row.cell?.split('-')[2]) - 100_000 < 100 ? 'north' : 'south')

class TwoRegions {
  readonly held = new Held()
  readonly each = { north: new Held(), south: new Held() }
  claims = 0
  readonly #hubs = {
    north: createDetector({ region: 'north', cells: cellRows().slice(0, 100) }),
    south: createDetector({ region: 'south', cells: cellRows().slice(100) }),
  }
  readonly #known = new Map<string, readonly Claim[]>()
  #queue: Claim[] = []
  isCut = false

  take(row: Planted): void {
    const region = regionOf(row)
    this.#hubs[region].sightings(toBatch([row], region))
    this.#flush(region)
    if (!this.isCut) this.heal()
  }

  /** Claims that waited reach the directory, and its notices the hubs, until nobody has anything to say. */
  heal(): void {
    this.isCut = false
    for (let claim = this.#queue.shift(); claim !== undefined; claim = this.#queue.shift()) {
      assert.ok(++this.claims < 100_000, 'the regions never stop talking')
      const store = {
        read: (_tenant: string, kind: Claim['kind'], key: string) => this.#known.get(`${kind} ${key}`) ?? [],
        replace: (_tenant: string, kind: Claim['kind'], key: string, claims: readonly Claim[]) => this.#known.set(`${kind} ${key}`, claims),
      }
      for (const { region, notice } of settleClaim(store, 'default', claim)) {
        this.#hubs[region as Region].notice(JSON.parse(JSON.stringify(notice)) as Notice)
        this.#flush(region as Region)
      }
    }
  }

  #flush(region: Region): void {
    const found = this.#hubs[region].flush()
    this.held.take(found)
    this.each[region].take(found)
    this.#queue.push(...found.claims)
  }
}

/** Alerts without the names of regions, which is what a split changes. */
function alertsOf(held: Held, types: readonly string[]): string[] {
  return held
    .standing()
    .filter((alert) => types.includes(alert.type))
    .map(({ type, timeMs, subscriber, evidence }) => {
      const side = (sighting: unknown) => {
        const { time, cell, latitude, longitude, reachM } = sighting as Record<string, unknown>
        return JSON.stringify({ time, cell, latitude, longitude, reachM })
      }
      return `${type} ${timeMs} ${subscriber} ${side(evidence.before)} ${side(evidence.after)}`
    })
    .sort()
}

const swapTypes = ['device-swap', 'sim-swap', 'swap-combo']
const north = cellAt(10)
const south = cellAt(110)

test('a SIM goes from a phone in the north to another in the south: one alert, the same in both regions, in the later one’s name', () => {
  const two = new TwoRegions()
  two.take({ timeMs: startMs, sim: 'ann', number: 'n', device: 'old', cell: north })
  two.take({ timeMs: startMs + 30 * minute, sim: 'ann', number: 'n', device: 'old', cell: cellAt(12) })
  two.take({ timeMs: startMs + 3 * hour, sim: 'ann', number: 'n', device: 'new', cell: south })
  two.take({ timeMs: startMs + 4 * hour, sim: 'ann', number: 'n', device: 'new', cell: south })
  const [inNorth] = two.each.north.standing('device-swap')
  const [inSouth] = two.each.south.standing('device-swap')
  assert.equal(two.held.standing().length, 1)
  assert.deepEqual({ ...inNorth, revision: 0 }, { ...inSouth, revision: 0 })
  assert.equal(inSouth?.subscriber, psn('ann'))
  assert.equal(inSouth?.evidence.region, 'south')
  assert.equal(inSouth?.evidence.regionBefore, 'north')
  assert.equal(
    (inSouth?.evidence.before as { cell: string } | undefined)?.cell,
    cellAt(12),
    'the last sighting in the north, not the first that was claimed',
  )
  assert.ok(two.held.moves().includes('region-change'))
})

test('a number goes from a SIM in the north to another SIM in the south: a SIM swap known to both', () => {
  const two = new TwoRegions()
  two.take({ timeMs: startMs, sim: 's1', number: 'n', cell: north })
  two.take({ timeMs: startMs + hour, sim: 's2', number: 'n', cell: south })
  assert.deepEqual([two.each.north.types(), two.each.south.types()], [['sim-swap'], ['sim-swap']])
})

test('a SIM in both regions at once is a clone, known to both', () => {
  const two = new TwoRegions()
  for (let step = 0; step < 4; step++) two.take({ timeMs: startMs + step * minute, sim: 's', cell: step % 2 ? cellAt(300) : north })
  assert.deepEqual([two.each.north.types(), two.each.south.types()], [['clone'], ['clone']])
})

test('to and fro over the border: no alert, and few claims', () => {
  const two = new TwoRegions()
  for (let step = 0; step < 200; step++) two.take({ timeMs: startMs + step * 5000, sim: 's', device: 'd', cell: cellAt(99 + (step % 2)) })
  assert.deepEqual(two.held.types(), [])
  assert.ok(two.claims < 80, `${two.claims} claims for 200 flips in 17 minutes`)
})

test('a cut link heals into the same alerts', () => {
  const rows: Planted[] = [
    { timeMs: startMs, sim: 'ann', device: 'old', cell: north },
    { timeMs: startMs + 30 * minute, sim: 'ann', device: 'old', cell: north },
    { timeMs: startMs + 2 * hour, sim: 'ann', device: 'new', cell: south },
    { timeMs: startMs + 3 * hour, sim: 'ann', device: 'new', cell: cellAt(120) },
  ]
  const cut = new TwoRegions()
  cut.isCut = true
  for (const row of rows) cut.take(row)
  assert.deepEqual(cut.held.types(), [])
  cut.heal()
  assert.deepEqual(alertsOf(cut.held, swapTypes), alertsOf(feed(createDetector({ region: 'all', cells: cellRows() }), rows), swapTypes))
  assert.equal(cut.held.standing().length, 1)
})

test('whoever moves where, in any order: two regions find the swaps that one finds', () => {
  const world = fc
    .uniqueArray(
      fc.record({
        minutes: fc.integer({ min: 0, max: 50 * 60 }),
        sim: fc.constantFrom('s1', 's2'),
        device: fc.option(fc.constantFrom('d1', 'd2', 'd3'), { nil: undefined, freq: 5 }),
        cell: fc.constantFrom(cellAt(90), cellAt(95), cellAt(105), cellAt(110)),
      }),
      { minLength: 1, maxLength: 25, selector: (one) => one.minutes },
    )
    .map((rows) => rows.map(({ minutes, ...rest }): Planted => ({ timeMs: startMs + minutes * minute, ...rest })))
  fc.assert(
    fc.property(world, (log) => {
      const inOrder = [...log].sort((x, y) => x.timeMs - y.timeMs)
      const two = new TwoRegions()
      for (const row of inOrder) two.take(row)
      const one = feed(createDetector({ region: 'all', cells: cellRows() }), inOrder)
      assert.deepEqual(alertsOf(two.held, swapTypes), alertsOf(one, swapTypes))
    }),
    { numRuns: 100 },
  )
})
