import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Duplicates } from './duplicates.ts'

test('every id is known for a window of time and of events, like in a plain list', () => {
  const step = fc.record({ waitMs: fc.nat(400), ids: fc.array(fc.nat(30), { maxLength: 8 }), takeBack: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const duplicates = new Duplicates({ windowMs: 1_000, windowEvents: 1_000 })
      const last = new Map<number, number>()
      let nowMs = 5_000
      for (const { waitMs, ids, takeBack } of steps) {
        nowMs += waitMs
        duplicates.begin(nowMs, ids.length)
        const fresh: number[] = []
        for (const id of ids) {
          const seen = duplicates.seen(id + 1, id * 7)
          const knownMs = last.get(id)
          if (fresh.includes(id) || (knownMs !== undefined && nowMs - knownMs < 1_000)) assert.ok(seen, 'within the window it is known')
          if (knownMs === undefined && !fresh.includes(id)) assert.ok(!seen, 'what never came is new')
          if (knownMs !== undefined && nowMs - knownMs > 2_000 + 400) assert.ok(!seen, 'beyond two windows it is forgotten')
          if (!seen) fresh.push(id)
        }
        if (takeBack) duplicates.takeBack()
        else for (const id of fresh) last.set(id, nowMs)
      }
    }),
  )
})

test('the window of events holds too', () => {
  const duplicates = new Duplicates({ windowEvents: 100_000, windowMs: 1e9 })
  for (let at = 0; at < 1_000_000; at++) {
    if (at % 1_000 === 0) duplicates.begin(at, 1_000)
    assert.ok(!duplicates.seen(at + 1, Math.imul(at, 0x9e3779b1) >>> 0))
  }
  duplicates.begin(1_000_000, 1)
  for (let at = 900_000; at < 1_000_000; at++) assert.ok(duplicates.seen(at + 1, Math.imul(at, 0x9e3779b1) >>> 0))
  assert.ok(!duplicates.seen(1, 0))
})
