import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Unavailable } from './ports.ts'
import { pump } from './pump.ts'
import { sleep } from './retry.ts'

async function* from<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

test('settles in order whatever the order in which work ends, each item once, never above the bound', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 40 }), fc.integer({ min: 1, max: 8 }), async (delays, maxInFlight) => {
      const settled: number[] = []
      let running = 0
      let most = 0
      await pump({
        source: from(delays.map((delayMs, at) => ({ delayMs, at }))),
        work: async ({ delayMs }) => {
          most = Math.max(most, ++running)
          await sleep(delayMs)
          running--
        },
        settle: ({ at }) => void settled.push(at),
        maxInFlight,
        signal: new AbortController().signal,
        onPoison: () => assert.fail('nothing is poison here'),
      })
      assert.deepEqual(
        settled,
        delays.map((_, at) => at),
      )
      assert.ok(most <= maxInFlight)
    }),
    { numRuns: 30 },
  )
})

test('what is unavailable is tried again until it succeeds; what is wrong is put aside and passed over', async () => {
  const tries = new Map<number, number>()
  const poison: number[] = []
  const settled: number[] = []
  await pump({
    source: from([1, 2, 3]),
    work: (item) => {
      const times = (tries.get(item) ?? 0) + 1
      tries.set(item, times)
      if (item === 1 && times < 4) throw new Unavailable('not now')
      if (item === 2) throw new Error('never')
    },
    settle: (item) => void settled.push(item),
    maxInFlight: 4,
    signal: new AbortController().signal,
    onPoison: (item) => void poison.push(item),
    firstDelayMs: 1,
    maxDelayMs: 2,
  })
  assert.deepEqual(settled, [1, 2, 3])
  assert.deepEqual(poison, [2])
  assert.equal(tries.get(1), 4)
})

test('an abort ends it although the source waits and work is retried; what was done is settled, the rest is not', async () => {
  const abort = new AbortController()
  const settled: number[] = []
  async function* endless() {
    yield 1
    yield 2
    await new Promise<never>(() => {})
  }
  const running = pump({
    source: endless(),
    work: (item) => {
      if (item === 2) throw new Unavailable('not now')
    },
    settle: (item) => void settled.push(item),
    maxInFlight: 4,
    signal: abort.signal,
    onPoison: () => assert.fail('an abort makes no item poison'),
  })
  await sleep(20)
  abort.abort(new Error('stop'))
  await running
  assert.deepEqual(settled, [1])
})

test('an error of the source or of settle ends it with that error', async () => {
  const signal = new AbortController().signal
  async function* broken() {
    yield 1
    throw new Error('the source broke')
  }
  const common = { work: () => {}, maxInFlight: 2, signal, onPoison: () => {} }
  await assert.rejects(pump({ ...common, source: broken(), settle: () => {} }), /the source broke/)
  await assert.rejects(
    pump({
      ...common,
      source: from([1, 2]),
      settle: () => {
        throw new Error('settle broke')
      },
    }),
    /settle broke/,
  )
})

test('an aborted signal means nothing is asked for', async () => {
  let asked = 0
  async function* counting() {
    asked++
    yield 1
  }
  await pump({ source: counting(), work: () => {}, settle: () => {}, maxInFlight: 1, signal: AbortSignal.abort(), onPoison: () => {} })
  assert.equal(asked, 0)
})
