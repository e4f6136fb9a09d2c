/** The final set of alerts is a function of the set of sightings: whatever their order, repetition, batches, shards, or kills of the hub. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { boxes, impossibleTravellers, swaps } from './brute-force-oracle.ts'
import { createDetector } from './detector.ts'
import { cellAt, cellRows, feed, Held, hour, minute, type Planted, startMs, toBatch } from './sighting-log.ts'

const cells = cellRows()
const make = (shards = 1) => createDetector({ region: 'north', cells, shards })
const runs = { numRuns: 100, interruptAfterTimeLimit: 20_000 }

/** Few people, phones and places, so that they meet; distinct times, so that a plain scan has one order. */
const world = fc
  .uniqueArray(
    fc.record({
      at: fc.oneof(fc.integer({ min: 0, max: 3600 }), fc.integer({ min: 0, max: 60 * 3600 })),
      sim: fc.constantFrom('s1', 's2', 's3', 's4'),
      device: fc.option(fc.constantFrom('d1', 'd2', 'd3'), { nil: undefined, freq: 4 }),
      number: fc.option(fc.constantFrom('n1', 'n2'), { nil: undefined, freq: 2 }),
      cell: fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(cellAt(0), cellAt(1)) },
        fc.constantFrom(cellAt(30), cellAt(200), '272-01-7', ''),
      ),
    }),
    { minLength: 1, maxLength: 60, selector: (one) => one.at },
  )
  .map((rows) => rows.map(({ at, ...rest }): Planted => ({ timeMs: startMs + at * 1000, ...rest })))

const shuffled = fc.tuple(world, fc.infiniteStream(fc.nat())).map(([log, dice]) => {
  const keyed = log.map((row) => [dice.next().value as number, row] as const)
  return [log, keyed.sort((x, y) => x[0] - y[0]).map(([, row]) => row)] as const
})

test('any order of arrival leads to the same alerts with the same evidence', () => {
  fc.assert(
    fc.property(shuffled, fc.integer({ min: 1, max: 20 }), ([log, other], batchRows) => {
      assert.deepEqual(feed(make(), other, batchRows).essence(), feed(make(), log, 60).essence())
    }),
    runs,
  )
})

test('everything twice is everything once', () => {
  fc.assert(
    fc.property(shuffled, ([log, other]) => {
      assert.deepEqual(feed(make(), [...log, ...other]).essence(), feed(make(), log).essence())
    }),
    runs,
  )
})

test('four shards are as one', () => {
  fc.assert(
    fc.property(shuffled, ([log, other]) => {
      assert.deepEqual(feed(make(4), other).essence(), feed(make(1), log).essence())
    }),
    runs,
  )
})

test('killed, restored from the snapshot and fed the same messages again: the core holds the same', () => {
  fc.assert(
    fc.property(shuffled, fc.nat(12), fc.nat(12), fc.integer({ min: 1, max: 4 }), ([log, other], before, between, flushEvery) => {
      const messages = Array.from({ length: Math.ceil(other.length / 5) }, (_, at) => other.slice(at * 5, at * 5 + 5))
      const held = new Held()
      const first = make()
      for (const message of messages.slice(0, before)) feed(first, message, 5, held)
      const parts = first.snapshot().map((part) => part.slice())
      for (const message of messages.slice(before, before + between)) feed(first, message, 5, held)
      const second = make()
      second.restore(parts)
      for (const [at, message] of messages.slice(before).entries()) {
        second.sightings(toBatch(message))
        if (at % flushEvery === 0) held.take(second.flush())
      }
      held.take(second.flush())
      assert.deepEqual(held.essence(), feed(make(), log).essence())
    }),
    runs,
  )
})

test('a plain scan over the whole log finds the same swaps, clones and boxes', () => {
  fc.assert(
    fc.property(shuffled, ([log, other]) => {
      const held = feed(make(), other)
      const seen = (type: string) =>
        held
          .standing(type)
          .map(({ evidence }) => `${timeOf(evidence.before)} ${timeOf(evidence.after)}`)
          .sort()
      const expected = (type: 'device-swap' | 'sim-swap') =>
        swaps(log, type)
          .map(({ beforeMs, afterMs }) => `${beforeMs} ${afterMs}`)
          .sort()
      assert.deepEqual(seen('device-swap'), expected('device-swap'))
      assert.deepEqual(seen('sim-swap'), expected('sim-swap'))
      const clones = new Set(
        held
          .standing('clone')
          .filter((alert) => alert.evidence.rule === 'CLONE_A')
          .map((alert) => alert.subscriber),
      )
      for (const sim of impossibleTravellers(log)) assert.ok(clones.has(sim), 'a clone was missed')
    }),
    runs,
  )
})

test('a plain scan finds the same SIM boxes where SIMs stay at one place', () => {
  const atOnePlace = world.map((log) => log.map((row) => ({ ...row, cell: cellAt(0) })))
  fc.assert(
    fc.property(atOnePlace, (log) => {
      const held = feed(make(), log)
      assert.deepEqual(new Set(held.standing('sim-box').map((alert) => alert.device)), boxes(log))
    }),
    runs,
  )
})

test('up to a day late, while history is thinned behind the watermark: the same alerts', () => {
  const longWorld = world.map((log) => log.map((row) => ({ ...row, timeMs: startMs + (row.timeMs - startMs) * 1.1 })))
  fc.assert(
    fc.property(longWorld, fc.infiniteStream(fc.integer({ min: 0, max: 23 * 60 })), (log, delays) => {
      const arriving = log
        .map((row) => ({ row, arrivesMs: row.timeMs + (delays.next().value as number) * minute }))
        .sort((x, y) => x.arrivesMs - y.arrivesMs)
      const detector = make()
      const held = new Held()
      let newestMs = 0
      for (const { row } of arriving) {
        detector.sightings(toBatch([row]))
        newestMs = Math.max(newestMs, row.timeMs)
        detector.watermark(newestMs)
        held.take(detector.flush())
      }
      detector.watermark(newestMs + 3 * hour)
      held.take(detector.flush())
      assert.deepEqual(held.essence(), feed(make(), log).essence())
    }),
    runs,
  )
})

function timeOf(sighting: unknown): number {
  return Date.parse((sighting as { time: string }).time)
}
