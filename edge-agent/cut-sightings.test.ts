import assert from 'node:assert/strict'
import { test } from 'node:test'
import { familyCode } from '#shared/families.ts'
import { type Batch, sightingReasons } from '#shared/records.ts'
import { SightingCutter } from './cut-sightings.ts'
import { accepted, EventBatch } from './event-batch.ts'
import { RowKeys } from './row-keys.ts'

interface Seen {
  readonly minute: number
  readonly who?: number
  readonly number?: number
  readonly device?: number
  readonly cell?: string
  readonly fix?: boolean
  readonly type?: string
  readonly family?: keyof typeof familyCode
}

function cutter(subscribers = 1_024): SightingCutter {
  return new SightingCutter({ keys: new RowKeys('00'.repeat(16)), batchRows: 100, subscribers, keepAliveMs: 900_000 })
}

let position = 0
function look(at: SightingCutter, ...seen: Seen[]): string[] {
  const batch = new EventBatch(4)
  for (const {
    minute,
    who = 5,
    number = 0,
    device = 0,
    cell = '272-01-1',
    fix = false,
    type = 'measurement',
    family = 'network',
  } of seen) {
    const row = batch.add()
    const { columns } = batch
    columns.verdict[row] = accepted
    columns.family[row] = familyCode[family]
    columns.timeMs[row] = columns.arrivalMs[row] = minute * 60_000
    columns.cell[row] = batch.code(cell)
    columns.eventType[row] = batch.code(type)
    if (who > 0) columns.subscriber.set([0, who, 1, 1], row * 4)
    if (number > 0) columns.number.set([number, 0, 1, 1], row * 4)
    if (device > 0) columns.device.set([device, 1, 1, 1], row * 4)
    if (fix) columns.latitude[row] = columns.longitude[row] = 1
  }
  at.add(batch, ++position)
  return at.drain().flatMap(({ lane, batch: cut }) => {
    const { columns } = cut as unknown as Batch<'sighting'>
    return Array.from({ length: cut.rows }, (_, row) => `${lane} ${sightingReasons[columns.reason[row]!]}`)
  })
}

test('a subscriber is told of when seen first, and then only when there is news', () => {
  const at = cutter()
  assert.deepEqual(look(at, { minute: 0 }), ['sighting first'])
  assert.deepEqual(look(at, { minute: 1 }, { minute: 2 }), [])
  assert.deepEqual(look(at, { minute: 3, cell: '272-01-2' }), ['sighting cell'])
  assert.deepEqual(look(at, { minute: 4, cell: '272-01-2', device: 8 }), ['sighting device'], 'a device that becomes known did not move')
  assert.deepEqual(look(at, { minute: 5, cell: '272-01-2' }), [], 'a missing device is unknown, never changed')
  assert.deepEqual(look(at, { minute: 6, cell: '272-01-2', device: 9 }), ['movement device'])
  assert.deepEqual(look(at, { minute: 7, cell: '272-01-2', number: 3 }), ['sighting number'])
  assert.deepEqual(look(at, { minute: 8, cell: '272-01-2', number: 4 }), ['movement number'])
  assert.deepEqual(look(at, { minute: 9, cell: '', fix: true, family: 'location', type: 'fix' }), ['sighting fix'])
  assert.deepEqual(look(at, { minute: 23, cell: '272-01-2' }), [])
  assert.deepEqual(look(at, { minute: 24, cell: '272-01-2' }), ['sighting keep-alive'])
})

test('what comes late tells of another cell, and does not overwrite what is newer', () => {
  const at = cutter()
  look(at, { minute: 10, cell: '272-01-2' })
  assert.deepEqual(look(at, { minute: 5, cell: '272-01-1' }), ['sighting cell'])
  assert.deepEqual(look(at, { minute: 11, cell: '272-01-2' }), [])
})

test('only events that place or identify somebody are looked at', () => {
  const at = cutter()
  assert.deepEqual(look(at, { minute: 0, who: 0 }), [], 'nobody')
  assert.deepEqual(look(at, { minute: 0, family: 'dpi' }, { minute: 0, family: 'interaction' }), [])
  assert.deepEqual(look(at, { minute: 0, family: 'subscriber', type: 'sim_change' }), [])
  assert.deepEqual(
    look(at, { minute: 0, family: 'subscriber', type: 'registration', cell: '' }),
    [],
    'neither a place nor news of device or number',
  )
  assert.deepEqual(look(at, { minute: 0, family: 'subscriber', type: 'registration', cell: '', device: 4 }), ['sighting first'])
  assert.deepEqual(look(at, { minute: 0, who: 0, number: 5 }), ['sighting first'], 'known by number only: a subscriber of its own')
})

test('a table that is full forgets the longest unheard, and says too much rather than too little', () => {
  const at = cutter(8)
  const everybody = Array.from({ length: 9 }, (_, one) => ({ minute: one, who: one + 1 }))
  assert.equal(look(at, ...everybody).length, 9)
  assert.deepEqual(look(at, { minute: 10, who: 9 }), [])
  assert.deepEqual(look(at, { minute: 10, who: 1 }), ['sighting first'])
})

test('the key of a row is the same at every replay, and no two rows of a store share one', () => {
  const keys = new RowKeys('0123456789abcdef0123456789abcdef')
  const seen = new Set<string>()
  const words = new Uint32Array(2)
  for (let at = 1; at <= 200; at++) {
    for (let row = 0; row < 200; row++) {
      keys.write(words, 0, at, row)
      seen.add(words.join())
    }
  }
  assert.equal(seen.size, 40_000)
  new RowKeys('0123456789abcdef0123456789abcdef').write(words, 0, 200, 199)
  assert.ok(seen.has(words.join()))
})
