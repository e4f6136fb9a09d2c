import assert from 'node:assert/strict'
import { test } from 'node:test'
import { familyCode } from '#shared/families.ts'
import { accepted, EventBatch } from './event-batch.ts'
import { LiveTap } from './live-tap.ts'

function batch(rows: number): EventBatch {
  const one = new EventBatch(4)
  for (let at = 0; at < rows; at++) {
    const row = one.add()
    one.columns.family[row] = at % 2 === 0 ? familyCode.network : familyCode.dpi
    one.columns.verdict[row] = accepted
    one.columns.timeMs[row] = one.columns.arrivalMs[row] = 1_767_225_600_000
    one.columns.cell[row] = one.code('272-01-1')
    one.columns.subscriber.set([1, 2, 3, 4], row * 4)
  }
  return one
}

test('who looks sees what comes from then on, of the family asked for, with nothing that is not known', async () => {
  const tap = new LiveTap()
  tap.take(batch(2))
  const abort = new AbortController()
  const lines = tap.follow('network', abort.signal)
  const first = lines.next()
  tap.take(batch(4))
  assert.deepEqual(JSON.parse((await first).value), {
    time: '2026-01-01T00:00:00.000Z',
    arrival: '2026-01-01T00:00:00.000Z',
    family: 'network',
    verdict: 'accepted',
    cell: '272-01-1',
    subscriber: '00000001000000020000000300000004',
  })
  assert.equal(JSON.parse((await lines.next()).value).family, 'network')
  const end = lines.next()
  abort.abort()
  assert.equal((await end).done, true)
})

test('who is too slow is told how much was missed', async () => {
  const tap = new LiveTap()
  const abort = new AbortController()
  const lines = tap.follow(undefined, abort.signal)
  const first = lines.next()
  tap.take(batch(2_500))
  await first
  let last = ''
  for (let at = 0; at < 2_000; at++) last = (await lines.next()).value
  assert.deepEqual(JSON.parse(last), { missed: 500 })
  abort.abort()
  await lines.return(undefined)
})
