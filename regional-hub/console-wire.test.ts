import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CellInventory } from './cell-inventory.ts'
import { tableOf } from './cell-table.ts'
import { compactLive, decodeCells, encodeCells, expandLive, sectorsOf } from './console-wire.ts'
import { defaultDetection } from './detection-config.ts'
import { importCells } from './import-cells.ts'
import { foldLive } from './live-fold.ts'
import { emptyLive, type LiveMessage, type LivePosition, reduceLive } from './reduce-live.ts'
import { cellRows } from './sighting-log.ts'

test('2,000 cells are small, come back as they went, and need no JSON row each', () => {
  const table = tableOf(new CellInventory(defaultDetection().cells, cellRows(2000)))
  const octets = encodeCells(table)
  assert.ok(octets.length < 100_000, `${octets.length} octets`)
  assert.deepEqual(decodeCells(octets.buffer as ArrayBuffer), table)
  assert.equal(decodeCells(encodeCells(tableOf(undefined)).buffer as ArrayBuffer).count, 0)
  assert.throws(() => decodeCells(new ArrayBuffer(16)), /no cells/)
})

test('azimuths come from the inventory where it has them; elsewhere a site’s cells share the circle', () => {
  const { rows } = importCells(
    'radio,mcc,net,area,cell,unit,lon,lat,range,azimuth\nLTE,272,1,1,1,0,-6,53,500,400\nLTE,272,1,1,2,0,-6,53,500,\nLTE,272,1,1,3,0,-7,52,500,\n',
  )
  const table = tableOf(new CellInventory(defaultDetection().cells, rows))
  const { azimuthDeg, widthDeg, isGuessed } = sectorsOf(table)
  assert.deepEqual([...isGuessed], [0, 1, 1])
  assert.equal(azimuthDeg[0], 40)
  assert.deepEqual([...widthDeg], [120, 120, 360])
})

const position: fc.Arbitrary<LivePosition> = fc.record(
  {
    subscriber: fc.constantFrom('a', 'b', 'c', 'd'),
    timeMs: fc.nat(5_000_000),
    cell: fc.constantFrom('', 'x', 'y'),
    latitude: fc.constantFrom(null, 53),
    longitude: fc.constantFrom(null, -6),
    radiusM: fc.constantFrom(null, 100),
    speedMps: fc.constantFrom(null, 1),
    motion: fc.constantFrom('unknown' as const, 'still' as const, 'walking' as const, 'vehicle' as const),
  },
  { noNullPrototype: true },
)
const cell = fc.record({ cell: fc.constantFrom('x', 'y'), startMs: fc.constantFrom(0, 10, 20), events: fc.nat(9) }).map((one) => ({
  ...one,
  widthMs: 10,
  attaches: 0,
  handovers: 0,
  drops: 0,
  bytes: 0,
  rsrpCount: 0,
  rsrpSumDbm: 0,
}))
const alert = fc.record({ id: fc.constantFrom('1', '2'), rev: fc.nat(4), retracted: fc.boolean() }).map((one) => ({
  ...one,
  type: 'device-swap',
  severity: 'minor',
  timeMs: 1,
  detectedMs: 1,
  subscriber: '',
  number: '',
  device: '',
  cell: '',
  evidence: null,
}))
const triage = fc.record({ alertId: fc.constantFrom('1', '2'), revision: fc.nat(3), atMs: fc.nat(9) }).map((one) => ({
  ...one,
  status: 'acknowledged' as const,
  by: 'b',
  reason: '',
}))
const message: fc.Arbitrary<LiveMessage> = fc.oneof(
  fc.record({ type: fc.constant('positions' as const), timeMs: fc.nat(200_000), positions: fc.array(position) }),
  fc.record({ type: fc.constant('cells' as const), timeMs: fc.nat(1000), cells: fc.array(cell) }),
  fc.record({ type: fc.constant('alerts' as const), timeMs: fc.nat(1000), alerts: fc.array(alert) }),
  fc.record({ type: fc.constant('triage' as const), timeMs: fc.nat(1000), triage }),
  fc.record({ type: fc.constant('agents' as const), timeMs: fc.nat(1000), agents: fc.constant([]) }),
)

test('many messages at once lead where one after another leads, from any state, and a packed state unpacks to itself', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 30 }), fc.nat(30), (messages, split) => {
      const expected = messages.reduce(reduceLive, emptyLive)
      const half = messages.slice(0, split).reduce(reduceLive, emptyLive)
      assert.deepEqual(foldLive(half, messages.slice(split)), expected)
      assert.deepEqual(expandLive(compactLive('id', 0, true, expected)), expected)
    }),
  )
})
