import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Pseudonymiser } from '#shared/pseudonym.ts'
import { PseudonymTable } from './pseudonym-table.ts'

test('a small table that forgets all the time gives the pseudonyms of the pseudonymiser', () => {
  const pseudonymiser = new Pseudonymiser({ kid: 'test', secret: Buffer.alloc(32, 3) })
  const table = new PseudonymTable(pseudonymiser, 'imsi', 4)
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 5, maxLength: 15 })
  fc.assert(
    fc.property(fc.array(digits, { minLength: 1, maxLength: 40 }), (ids) => {
      for (const id of [...ids, ...ids, '00000', '000000']) {
        const target = new Uint32Array(6)
        table.write(id, target, 1)
        assert.deepEqual(target.slice(1, 5), pseudonymiser.words('imsi', id))
      }
    }),
  )
})
