import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Binding, History } from './ports.ts'
import { resolveNumber } from './resolve-number.ts'

const [open, never] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
const tie = (from: string, to: string, firstMs: number, lastMs: number, region = 'north'): Binding => ({
  region,
  from,
  to,
  firstMs,
  lastMs,
})

async function spansOf(number: string, bindings: readonly Binding[]) {
  const history = {
    bindingsFrom: async (_tenant: string, _kind: number, id: string) => bindings.filter((one) => one.from === id),
    bindingsTo: async (_tenant: string, _kind: number, id: string) => bindings.filter((one) => one.to === id),
  } as unknown as History
  const spans = await resolveNumber(history, 't', number)
  assert.deepEqual(spans.at(-1), { who: number, fromMs: never, toMs: open })
  return spans.slice(0, -1).map(({ who, fromMs, toMs }) => [who, fromMs, toMs])
}

test('a number on one SIM: for ever, and before it was first seen with it', async () => {
  assert.deepEqual(await spansOf('n', [tie('n', 'A', 100, 200), tie('n', 'A', 150, 400, 'south')]), [['A', never, open]])
  assert.deepEqual(await spansOf('unknown', []), [])
})

test('a number that moved to another SIM leaves the first one then', async () => {
  assert.deepEqual(await spansOf('n', [tie('n', 'A', 100, 200), tie('n', 'B', 300, 400)]), [
    ['A', never, 300],
    ['B', 300, open],
  ])
})

test('a short visit to another SIM ends with it, and so does each leg of a toggle', async () => {
  assert.deepEqual(await spansOf('n', [tie('n', 'A', 100, 900), tie('n', 'B', 500, 510)]), [
    ['A', never, open],
    ['B', 500, 511],
  ])
  assert.deepEqual(await spansOf('n', [tie('n', 'A', 100, 200), tie('n', 'B', 300, 400), tie('n', 'A', 500, 600)]), [
    ['A', never, 300],
    ['B', 300, 500],
    ['A', 500, open],
  ])
})

test('a SIM that got another number is not followed for the old one, nor before it bore this one', async () => {
  const bindings = [tie('old', 'A', 100, 200), tie('n', 'A', 300, 400)]
  assert.deepEqual(await spansOf('old', bindings), [['A', never, 300]])
  assert.deepEqual(await spansOf('n', bindings), [['A', 201, open]])
})
