import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LiveFeed } from './live-feed.ts'
import { emptyLive, type LiveAlert, type LiveMessage, type LivePosition, type LiveState, reduceLive } from './reduce-live.ts'

const position = (subscriber: string, timeMs: number): LivePosition => ({
  subscriber,
  timeMs,
  cell: '',
  latitude: 53,
  longitude: -6,
  radiusM: 100,
  speedMps: 0,
  motion: 'still',
})
const alert = (id: string, rev: number, retracted = false): LiveAlert => ({
  id,
  rev,
  type: 'device-swap',
  severity: 'minor',
  timeMs: 1,
  detectedMs: 1,
  retracted,
  subscriber: '',
  number: '',
  device: '',
  cell: '',
  evidence: null,
})

const messages: fc.Arbitrary<LiveMessage> = fc.oneof(
  fc.record({
    type: fc.constant('positions' as const),
    timeMs: fc.nat(1000),
    positions: fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(5_000_000)).map(([who, timeMs]) => position(who, timeMs))),
  }),
  fc.record({
    type: fc.constant('alerts' as const),
    timeMs: fc.nat(1000),
    alerts: fc.array(fc.tuple(fc.constantFrom('x', 'y'), fc.nat(5), fc.boolean()).map(([id, rev, gone]) => alert(id, rev, gone))),
  }),
)

test('a screen that joins late, or comes back with its last id, ends in the state of one that saw everything', () => {
  fc.assert(
    fc.property(fc.array(messages, { maxLength: 40 }), fc.nat(40), (said, joinAt) => {
      const feed = new LiveFeed('run')
      let whole: LiveState = emptyLive
      let late: LiveState | undefined
      let seen = ''
      for (const [at, message] of said.entries()) {
        const entry = feed.emit(message)
        whole = reduceLive(whole, JSON.parse(entry.data) as LiveMessage)
        if (at === joinAt) {
          const [full] = feed.since(undefined)
          late = reduceLive(emptyLive, JSON.parse(full!.data) as LiveMessage)
          seen = full!.id
        }
      }
      if (late === undefined) return
      for (const { data } of feed.since(seen)) late = reduceLive(late, JSON.parse(data) as LiveMessage)
      assert.deepEqual(late, whole)
      assert.deepEqual(JSON.parse(JSON.stringify(feed.state)), whole)
    }),
  )
})

test('an id of another run, from the future or long gone gets the whole state', () => {
  const feed = new LiveFeed('run')
  for (let at = 0; at < 5000; at++) feed.emit({ type: 'alerts', timeMs: at, alerts: [] })
  for (const id of ['other-4999', 'run-5001', 'run-10', 'run-x', '', undefined]) assert.equal(feed.since(id)[0]!.type, 'state', `${id}`)
  assert.deepEqual(feed.since('run-5000'), [])
  assert.equal(feed.since('run-4998').length, 2)
})

test('old positions leave the screen, older news of a subscriber or an alert changes nothing, states are never changed in place', () => {
  const first = reduceLive(emptyLive, { type: 'positions', timeMs: 60_000, positions: [position('a', 1), position('b', 2_000_000)] })
  assert.deepEqual(Object.keys(first.subscribers), ['b'])
  const second = reduceLive(first, { type: 'positions', timeMs: 2, positions: [position('b', 1_999_999)] })
  assert.equal(second.subscribers.b!.timeMs, 2_000_000)
  const third = reduceLive(second, { type: 'alerts', timeMs: 3, alerts: [alert('x', 2)] })
  const fourth = reduceLive(third, { type: 'alerts', timeMs: 4, alerts: [alert('x', 1, true)] })
  assert.equal(fourth.alerts.x!.rev, 2)
  assert.deepEqual(second.alerts, {})
})
