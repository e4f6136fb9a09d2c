import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { hexToWords, normaliseImei, normaliseMsisdn, Pseudonymiser, parsePseudonym, wordsToHex } from './pseudonym.ts'

const key = { kid: 'k1', secret: Buffer.alloc(32, 7) }

test('a pseudonym is the head of the HMAC over type and identity', () => {
  const words = new Pseudonymiser(key).words('imsi', '272011234567890')
  const digest = createHmac('sha256', key.secret)
    .update(Buffer.concat([Buffer.from('imsi'), Buffer.of(0), Buffer.from('272011234567890')]))
    .digest('hex')
  assert.equal(wordsToHex(words), digest.slice(0, 32))
})

test('the same digits as another type are another pseudonym', () => {
  const pseudonymiser = new Pseudonymiser(key)
  assert.notDeepEqual(pseudonymiser.words('imsi', '35824005111111'), pseudonymiser.words('imei', '35824005111111'))
})

test('check digit, software version and plus sign do not matter', () => {
  assert.equal(normaliseImei('358240051111110'), normaliseImei('3582400511111101'))
  assert.equal(normaliseMsisdn('+353851234567'), normaliseMsisdn('353851234567'))
})

test('text and hex forms come back, and a small cache forgets without changing an answer', () => {
  const small = new Pseudonymiser(key, 4)
  const large = new Pseudonymiser(key)
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^\d{5,15}$/), { maxLength: 20 }), (ids) => {
      for (const id of ids) {
        const words = small.words('imsi', id)
        assert.deepEqual(words, large.words('imsi', id))
        assert.match(small.text(words), /^psn1\.k1\.[a-z2-7]{26}$/)
        assert.deepEqual(parsePseudonym(small.text(words)), words)
        assert.deepEqual(hexToWords(wordsToHex(words)), words)
      }
    }),
  )
})
