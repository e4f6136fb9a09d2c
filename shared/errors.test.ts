import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeError, errorTable, fail, findError, TributaryError } from './errors.ts'

test('every entry says what happened and what to do, in sentences', () => {
  for (const [code, { sentence, remedy, disposition }] of Object.entries(errorTable)) {
    assert.match(code, /^[a-z]+(-[a-z]+)*$/)
    assert.match(sentence, /^[A-Z].*\.$/, code)
    assert.match(remedy, /^[A-Z].*\.$/, code)
    assert.ok(['retry', 'reject', 'stop'].includes(disposition))
  }
})

test('an error says what, where, why and what to do, and is found under others', () => {
  const cause = new Error('EACCES')
  const error = (() => {
    try {
      return fail('key-file', '/etc/key: mode 0644', { cause })
    } catch (thrown) {
      return thrown as TributaryError
    }
  })()
  assert.ok(error instanceof TributaryError)
  assert.equal(error.message, `The identity key file cannot be used: /etc/key: mode 0644. ${errorTable['key-file'].remedy}`)
  assert.equal(error.disposition, 'stop')
  const outer = new Error('the agent could not start', { cause: error })
  assert.equal(findError(outer, 'key-file'), error)
  assert.equal(findError(outer, 'disk-full'), undefined)
  assert.match(describeError(outer), /^the agent could not start Cause: .*0644.* Cause: EACCES$/)
})
