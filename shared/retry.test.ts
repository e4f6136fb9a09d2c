import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { delayCeilingMs, retry, sleep } from './retry.ts'

test('tries again until it works, telling each failure', async () => {
  const told: [number, number][] = []
  const result = await retry(
    async (attempt) => {
      if (attempt < 4) throw new Error(`no ${attempt}`)
      return attempt
    },
    {
      signal: new AbortController().signal,
      firstDelayMs: 2,
      random: () => 0.5,
      onRetry: (_error, attempt, delayMs) => told.push([attempt, delayMs]),
    },
  )
  assert.equal(result, 4)
  assert.deepEqual(told, [
    [1, 1],
    [2, 2],
    [3, 4],
  ])
})

test('an error that is not worth another try ends it at once', async () => {
  let calls = 0
  const work = async () => {
    calls++
    throw new Error('never')
  }
  await assert.rejects(retry(work, { signal: new AbortController().signal, retryable: () => false }), /never/)
  assert.equal(calls, 1)
})

test('the signal ends it in the middle of a pause, and before the first attempt', async () => {
  const abort = new AbortController()
  const pending = retry(async () => Promise.reject(new Error('down')), { signal: abort.signal, firstDelayMs: 60_000, random: () => 1 })
  setTimeout(() => abort.abort(new Error('stop')), 10)
  await assert.rejects(pending, /stop/)
  await assert.rejects(
    retry(async () => 1, { signal: abort.signal }),
    /stop/,
  )
  await assert.rejects(sleep(60_000, abort.signal), /stop/)
})

test('pauses grow and never pass the ceiling', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 1, max: 1000 }),
      fc.integer({ min: 1, max: 60_000 }),
      (attempt, first, max) => {
        const now = delayCeilingMs(attempt, first, max)
        const next = delayCeilingMs(attempt + 1, first, max)
        assert.ok(now > 0 && now <= max && next >= now)
      },
    ),
  )
})
