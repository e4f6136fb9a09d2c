import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BadSketch, QuantileSketch, relativeAccuracy } from './quantile-sketch.ts'

const value = fc.double({ min: 0.01, max: 600_000, noNaN: true })

test('any quantile of any merge is within the accuracy of the exact value', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(value, { maxLength: 60 }), { minLength: 1, maxLength: 6 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (parts, q) => {
        const merged = new QuantileSketch()
        for (const part of parts) {
          const sketch = new QuantileSketch()
          for (const one of part) sketch.add(one)
          merged.merge(QuantileSketch.decode(sketch.encode()))
        }
        const sorted = parts.flat().sort((a, b) => a - b)
        assert.equal(merged.count, sorted.length)
        if (sorted.length === 0) return
        const exact = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!
        assert.ok(Math.abs(merged.quantile(q) - exact) <= exact * relativeAccuracy * 1.0001, `${merged.quantile(q)} for ${exact}`)
      },
    ),
  )
})

test('order and grouping of merges do not change the octets', () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 100 }), fc.nat(100), (values, cut) => {
      const forward = new QuantileSketch()
      for (const one of values) forward.add(one)
      const backward = new QuantileSketch()
      for (const one of values.slice(cut).reverse()) backward.add(one)
      const rest = new QuantileSketch()
      for (const one of values.slice(0, cut)) rest.add(one)
      backward.merge(rest)
      assert.deepEqual(backward.encode(), forward.encode())
    }),
  )
})

test('damaged octets are refused', () => {
  assert.throws(() => QuantileSketch.decode(Uint8Array.of(7)), BadSketch)
  assert.throws(() => QuantileSketch.decode(Uint8Array.of(1, 0x80)), BadSketch)
  assert.throws(() => QuantileSketch.decode(Uint8Array.of(1, 0, 0xff, 0xff, 0xff, 0x7f, 1)), BadSketch)
})
