import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { HmacWords, maxTextBytes } from './hmac-words.ts'

test('the words are those of node:crypto, whatever key and text', () => {
  const text = fc.string({ unit: fc.integer({ min: 0, max: 127 }).map((code) => String.fromCharCode(code)), maxLength: maxTextBytes })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), text, (secret, message) => {
      const digest = createHmac('sha256', secret).update(message).digest()
      const words = Uint32Array.of(digest.readUInt32BE(0), digest.readUInt32BE(4), digest.readUInt32BE(8), digest.readUInt32BE(12))
      assert.deepEqual(new HmacWords(secret).words(message), words)
    }),
  )
})
