/** What every hot state must do, whatever it stands on: the latest row of everybody, whatever the order in which rows arrive. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { HotState } from '../../core/ports.ts'
import { batchOf } from '../fixtures/batch-of.ts'

const who = (at: number) => (at + 1).toString(16).padStart(8, '0').repeat(4)

export function hotStateContract(name: string, open: () => HotState): void {
  test(`${name}: the latest sighting and position of each, in any order of arrival`, () => {
    const row = fc.record({ at: fc.integer({ min: 0, max: 40 }), timeMs: fc.integer({ min: 1, max: 1_000_000 }), isPosition: fc.boolean() })
    fc.assert(
      fc.property(
        fc.uniqueArray(row, { selector: ({ at, timeMs, isPosition }) => `${at}/${timeMs}/${isPosition}`, maxLength: 200 }),
        (rows) => {
          const hot = open()
          for (const { at, timeMs, isPosition } of rows) {
            const values = { key: '01', timeMs, subscriber: who(at), cell: `c${timeMs}` }
            const place = { latitude: timeMs / 1e5, longitude: 1, radiusM: 10, motion: 1 }
            const batch = isPosition ? batchOf('position', [{ ...values, ...place }]) : batchOf('sighting', [values])
            hot.apply({ tenant: 'default', region: 'north', batch })
          }
          for (let at = 0; at <= 40; at++) {
            const latest = (isPosition: boolean) =>
              Math.max(0, ...rows.filter((one) => one.at === at && one.isPosition === isPosition).map((one) => one.timeMs))
            const found = hot.latest('default', who(at))
            assert.equal(found?.sighting?.timeMs ?? 0, latest(false))
            assert.equal(found?.position?.timeMs ?? 0, latest(true))
            if (latest(true) > 0) assert.equal(found?.position?.latitude, latest(true) / 1e5)
          }
          assert.equal(hot.subscribers(), new Set(rows.map(({ at }) => at)).size)
        },
      ),
      { numRuns: 30 },
    )
  })

  test(`${name}: holds many, keeps tenants apart, and a missing device leaves the known one`, () => {
    const hot = open()
    const rows = Array.from({ length: 5_000 }, (_, at) => ({
      key: '01',
      timeMs: 1_000 + at,
      subscriber: who(at),
      device: who(at),
      cell: `c${at % 9}`,
    }))
    hot.apply({ tenant: 'default', region: 'north', batch: batchOf('sighting', rows) })
    hot.apply({
      tenant: 'default',
      region: 'south',
      batch: batchOf('sighting', [{ key: '02', timeMs: 9_000_000, subscriber: who(4_321), cell: 'far' }]),
    })
    assert.equal(hot.subscribers(), 5_000)
    assert.deepEqual(hot.latest('default', who(4_321))?.sighting, { timeMs: 9_000_000, cell: 'far', region: 'south', device: who(4_321) })
    assert.equal(hot.latest('default', who(17))?.sighting?.cell, 'c8')
    assert.equal(hot.latest('other', who(17)), undefined)
    assert.equal(hot.latest('default', who(70_000)), undefined)
    assert.ok(hot.stateBytes() > 0)
  })
}
