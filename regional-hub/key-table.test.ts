import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KeyTable } from './key-table.ts'

test('as a Map from keys to consecutive numbers, through growth and snapshot', () => {
  const key = fc.tuple(fc.nat(3), fc.nat(2000), fc.nat(1), fc.nat(1)).filter((words) => words.some((word) => word > 0))
  fc.assert(
    fc.property(fc.array(key, { maxLength: 3000, size: 'max' }), (keys) => {
      const table = new KeyTable()
      const model = new Map<string, number>()
      for (const words of keys) {
        const text = words.join()
        if (!model.has(text)) model.set(text, model.size + 1)
        assert.equal(table.add(Uint32Array.from(words), 0), model.get(text))
      }
      const copy = new KeyTable()
      copy.restore(table.snapshot().map((part) => part.slice()))
      for (const [text, number] of model) {
        const words = Uint32Array.from(text.split(',').map(Number))
        assert.equal(table.find(words, 0), number)
        assert.equal(copy.find(words, 0), number)
        const found = new Uint32Array(4)
        copy.copy(number, found, 0)
        assert.deepEqual(found, words)
      }
      assert.equal(table.find(Uint32Array.of(9, 9, 9, 9), 0), 0)
    }),
    { numRuns: 20 },
  )
})

test('a missing key has number 0', () => {
  const table = new KeyTable()
  assert.equal(table.add(new Uint32Array(4), 0), 0)
  assert.equal(table.size, 0)
})
