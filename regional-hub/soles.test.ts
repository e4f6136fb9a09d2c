import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Borders } from './borders.ts'
import { Claims } from './claims.ts'
import { defaultDetection } from './detection-config.ts'
import type { EntityTable } from './entity-table.ts'
import { Judge } from './judge.ts'
import { RegionState } from './region-state.ts'
import { cellAt, cellRows, hour, minute, type Planted, psn, startMs, toBatch } from './sighting-log.ts'
import { Witness } from './witness.ts'

const config = defaultDetection()
/** Distinct times: of two sightings of one millisecond both may be kept, which this test's plain model does not know. */
const world = fc
  .uniqueArray(
    fc.record({
      at: fc.nat(30 * 60),
      sim: fc.constantFrom('s1', 's1', 's1', 's2', 's3'),
      device: fc.option(fc.constantFrom('d1', 'd1', 'd2', 'd3'), { nil: undefined }),
      number: fc.option(fc.constantFrom('n1', 'n1', 'n2', 'n3'), { nil: undefined }),
      cell: fc.constantFrom(cellAt(0), cellAt(1), cellAt(2)),
    }),
    { minLength: 1, maxLength: 50, selector: (one) => one.at },
  )
  .map((rows) => rows.map(({ at, ...rest }): Planted => ({ timeMs: startMs + at * minute, ...rest })))

/** What a history of its own holds: of each class and slice the earliest and the latest. */
function expected(rows: readonly Planted[], bucketMs: number, withDevice: boolean): string[] {
  const classes = Map.groupBy(rows, (row) => `${row.sim} ${withDevice ? row.device : ''} ${Math.floor(row.timeMs / bucketMs)}`)
  const times = new Set<string>()
  for (const [name, members] of classes) {
    const ms = members.map((row) => row.timeMs)
    times.add(`${Math.min(...ms)} ${name}`).add(`${Math.max(...ms)} ${name}`)
  }
  return [...times].sort()
}

function held(state: RegionState, table: EntityTable, name: string, bucketMs: number, withDevice: boolean): string[] {
  const words = Uint32Array.from(psn(name).match(/.{8}/g)!, (hex) => Number.parseInt(hex, 16))
  const points = table.points(table.find(words, 0))
  const nameOf = new Map(['s1', 's2', 's3', 'd1', 'd2', 'd3'].map((one) => [psn(one), one]))
  return Array.from({ length: points.count }, (_, at) => {
    const device = points.b[at] === 0 ? undefined : nameOf.get(state.devices.hex(points.b[at]!))
    const sim = nameOf.get(state.sims.hex(points.a[at]!))
    return `${points.timeMs[at]} ${sim} ${withDevice ? device : ''} ${Math.floor(points.timeMs[at]! / bucketMs)}`
  }).sort()
}

test('a number or device without a history of its own has the one it would have, whenever it gets another SIM', () => {
  fc.assert(
    fc.property(world, (log) => {
      const state = new RegionState(config, 'north', cellRows(), 1)
      const claims = new Claims(config.claims, 'north')
      const witness = new Witness(state, new Judge(state), claims, new Borders(state, claims))
      for (const row of log) {
        const { columns, texts } = toBatch([row])
        witness.lookAhead(columns, 0, 1)
        witness.sighted(columns, 0, row.timeMs, state.cells.index(texts[columns.cell[0]!]!))
      }
      for (const number of new Set(log.map((row) => row.number))) {
        if (number === undefined) continue
        const rows = log.filter((row) => row.number === number)
        assert.deepEqual(held(state, state.numbers, number, 6 * hour, true), expected(rows, 6 * hour, true))
      }
      for (const device of new Set(log.map((row) => row.device))) {
        if (device === undefined) continue
        const rows = log.filter((row) => row.device === device)
        assert.deepEqual(held(state, state.devices, device, 3 * hour, false), expected(rows, 3 * hour, false))
      }
    }),
    { numRuns: 200 },
  )
})
