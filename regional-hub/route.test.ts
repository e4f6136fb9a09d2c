import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchBuilder } from '#shared/batch-builder.ts'
import { familyCode } from '#shared/families.ts'
import type { Batch, RecordKind } from '#shared/records.ts'
import { route } from './route.ts'

const meta = { tenant: 't', region: 'north', agent: 'a', epoch: 'e', lane: 'sighting', seq: 1 } as const

test('a batch of one topic passes as it is, mixed events are taken apart, row by row', () => {
  const builder = new BatchBuilder('event', 1)
  const rows = [
    ['subscriber', 'sim_change'],
    ['network', 'drop'],
    ['interaction', 'bought'],
    ['subscriber', 'sim_change'],
    ['subscriber', 'unheard_of'],
  ] as const
  for (const [at, [family, type]] of rows.entries()) {
    const row = builder.add()
    builder.columns.key.set([1, at], row * 2)
    builder.columns.family[row] = familyCode[family]
    builder.columns.eventType[row] = builder.code(type)
    builder.columns.timeMs[row] = at
  }
  const routed = route(builder.finish(meta), 'north')
  const seen = routed.map(({ topic, batch }) => {
    const { rows: count, columns } = batch as Batch<'event'>
    return [topic, Array.from({ length: count }, (_, row) => `${columns.key[row * 2 + 1]} ${batch.texts[columns.eventType[row]!]}`)]
  })
  assert.deepEqual(seen, [
    ['subscriber.events.north.sim_change', ['0 sim_change', '3 sim_change']],
    ['network.events.north.drop', ['1 drop']],
    ['customer.interactions.north', ['2 bought']],
    ['subscriber.events.north.other', ['4 unheard_of']],
  ])
  assert.ok(routed.every(({ batch }) => batch.meta === meta))
})

test('every record kind has its topic', () => {
  const expected: Partial<Record<RecordKind, string>> = {
    window: 'network.events.north.window',
    usage: 'dpi.data.north',
    tally: 'ledger.north',
    loss: 'ledger.north',
    'dead-letter': 'deadletter.north',
    position: 'location.updates.north',
    alert: 'alerts.north',
    'sim-movement': 'sim.movements.north',
  }
  for (const [kind, topic] of Object.entries(expected)) {
    const builder = new BatchBuilder(kind as RecordKind, 1)
    builder.add()
    const batch = builder.finish(meta)
    assert.deepEqual(route(batch, 'north'), [{ topic, batch }])
  }
})
