import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchBuilder } from '#shared/batch-builder.ts'
import { encodeBatch } from '#shared/batch-codec.ts'
import type { TrunkDelivery } from '#shared/ports.ts'
import type { Report } from './events.ts'
import { Intake } from './intake.ts'
import type { CuratedBatch, Cursor, History, HotState, Rejected } from './ports.ts'

const signal = new AbortController().signal
const meta = { tenant: 'default', region: 'north', agent: 'n1', epoch: 'e', lane: '', seq: 1 } as const

function delivery(
  position: number,
  more: Partial<TrunkDelivery> & { readonly rows?: number; readonly frameTenant?: string } = {},
): TrunkDelivery {
  const builder = new BatchBuilder('tally', 4)
  for (let row = 0; row < (more.rows ?? 1); row++) builder.add()
  const frame = encodeBatch(builder.finish({ ...meta, tenant: more.frameTenant ?? 'default' }))
  return { position, tenant: 'default', region: 'north', topic: 'ledger.north', hubEpoch: 1, frame, ...more }
}

function bench(write: (batches: readonly CuratedBatch[]) => Promise<void> = async () => {}) {
  const stored: { rows: number[]; cursors: Cursor[]; rejected: Rejected[]; fenced: number; hot: number } = {
    rows: [],
    cursors: [],
    rejected: [],
    fenced: 0,
    hot: 0,
  }
  const history = {
    write: async (batches: readonly CuratedBatch[]) => {
      await write(batches)
      stored.rows.push(...batches.map(({ batch }) => batch.rows))
    },
    saveCursor: async (cursor: Cursor) => void stored.cursors.push(structuredClone(cursor)),
    reject: async (frames: readonly Rejected[]) => void stored.rejected.push(...frames),
  } as unknown as History
  const quiet = new Proxy({}, { get: (_, name) => () => name === 'frameFenced' && stored.fenced++ }) as Report
  const hotState = { apply: () => stored.hot++ } as unknown as HotState
  const clock = { nowMs: () => 1, monotonicMs: () => 1 }
  return { intake: new Intake({ history, hotState, clock, report: quiet, triaged: () => {} }), stored }
}

test('rows first, then the cursor behind them, then hot state', async () => {
  const { intake, stored } = bench()
  assert.equal(await intake.take([delivery(4), delivery(5, { rows: 2 })], 'g', signal), 5)
  assert.deepEqual(stored.rows, [1, 2])
  assert.deepEqual(stored.cursors, [{ position: 5, generation: 'g', hubEpochs: { 'default/north': 1 } }])
  assert.equal(stored.hot, 2)
})

test('an earlier hub is refused, also after a restart, and only in its own region', async () => {
  const first = bench()
  await first.intake.take([delivery(1, { hubEpoch: 3 }), delivery(2, { hubEpoch: 2 })], 'g', signal)
  assert.equal(first.stored.fenced, 1)
  assert.deepEqual(first.stored.rows, [1])
  const next = bench()
  next.intake.resume(first.stored.cursors[0])
  await next.intake.take(
    [delivery(3, { hubEpoch: 2 }), delivery(4, { hubEpoch: 1, region: 'south', frame: delivery(0).frame })],
    'g',
    signal,
  )
  assert.equal(next.stored.fenced, 1)
})

test('what cannot be read, or says another tenant than its carrier, is set aside with the reason, and the lane goes on', async () => {
  const { intake, stored } = bench()
  await intake.take([delivery(1, { frame: Buffer.from('x') }), delivery(2, { frameTenant: 'other' }), delivery(3)], 'g', signal)
  assert.deepEqual(stored.rows, [1])
  assert.deepEqual(
    stored.rejected.map(({ position }) => position),
    [1, 2],
  )
  assert.match(stored.rejected[1]!.reason, /tenant 'other', its carrier 'default'/)
})

test('a batch that history cannot hold is set aside by itself; its neighbours are stored', async () => {
  const { intake, stored } = bench(async (batches) => {
    if (batches.some(({ batch }) => batch.rows === 3)) throw new RangeError('a value it cannot bind')
  })
  await intake.take([delivery(1), delivery(2, { rows: 3 }), delivery(3, { rows: 2 })], 'g', signal)
  assert.deepEqual(stored.rows, [1, 2])
  assert.deepEqual(
    stored.rejected.map(({ position }) => position),
    [2],
  )
  assert.equal(stored.cursors.at(-1)?.position, 3)
  assert.equal(stored.hot, 2)
})
