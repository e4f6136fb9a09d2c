import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hideInOwnText, hideInText, safeLogLine, safeMetrics, withoutSecrets } from './hide-secrets.ts'

const planted = ['272011234567890', '353851234567', '35824005111111', '3582400511111106', '27201']
const digits = (text: string) => text.replace(/\D/g, '')

test('an identity goes, however it is written', () => {
  for (const one of planted) {
    for (const text of [one, `imsi=${one}`, `client device-${one} left`, `topic tributary/v1/network/${one}/x`, `"${one}"`]) {
      assert.ok(!digits(hideInText(text)).includes(one), text)
    }
  }
  for (const written of [
    '+353 85 123 4567',
    '353-85-1234567',
    '(353) 85 123-4567',
    '353.85.123.4567',
    '272-01-1234567890',
    '272 01 1234567890',
  ]) {
    assert.doesNotMatch(hideInText(`called ${written} today`), /1234567|4567/, written)
  }
  for (const one of planted.filter((text) => text.length >= 7)) assert.ok(!hideInOwnText(`of ${one}`).includes(one))
})

test('what support needs stays', () => {
  for (const text of [
    '2026-11-21T14:09:58.809Z',
    'nats://127.0.0.1:36004 answers',
    'store a2776d8fdbbe360e239e6f77c518406e.1795270198',
    'journal-000000000000001.db',
  ]) {
    assert.equal(hideInText(text), text)
  }
  for (const text of ['tcp 36420 (mqtt.port)', 'p99 476.79 ms, median 0.42 ms over 100 writes']) assert.equal(hideInOwnText(text), text)
})

test('secrets go by name, files of secrets keep theirs; numbers stay numbers', () => {
  const config = {
    hub: { natsUrl: 'nats://me:hunter2@10.0.0.1:4222', passwordFile: '/etc/tributary/password' },
    mqtt: { users: [{ name: 'probe', passwordHash: 'scrypt$15$8$1$abc$def' }] },
    brokers: [{ password: 'hunter2' }],
    outbox: { quotaBytes: 1073741824 },
  }
  const text = JSON.stringify(withoutSecrets(config))
  assert.doesNotMatch(text, /hunter2|scrypt\$/)
  assert.match(text, /"natsUrl":"nats:\/\/10.0.0.1:4222"/)
  assert.match(text, /\/etc\/tributary\/password/)
  assert.match(text, /1073741824/)
})

test('a log line keeps its numbers and loses its texts’ numbers; a line that is no JSON too', () => {
  const line = safeLogLine(
    JSON.stringify({ level: 'info', time: '2026-11-21T14:09:58.809Z', rows: 1234567, client: 'device-272011234567890', token: 'abc' }),
  )
  assert.match(line, /"rows":1234567/)
  assert.doesNotMatch(line, /272011234567890|abc/)
  assert.doesNotMatch(safeLogLine('Error: cannot read 272011234567890'), /2720/)
  assert.equal(safeMetrics('a_total{source="x353851234567"} 353851234567'), 'a_total{source="x#"} 353851234567')
})
