import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLog } from './log.ts'

function lines(level: 'info' | 'debug' = 'info') {
  const written: string[] = []
  return {
    written,
    log: createLog({ service: 'edge-agent', name: 'north-1', level, stream: { write: (line: string) => void written.push(line) } }),
  }
}

test('one JSON line with level, time, service and name', () => {
  const { log, written } = lines()
  log.info({ rows: 3 }, 'connected')
  log.debug('not at this level')
  const [line] = written.map((one) => JSON.parse(one))
  assert.equal(written.length, 1)
  assert.deepEqual({ ...line, time: 0 }, { level: 'info', time: 0, service: 'edge-agent', name: 'north-1', rows: 3, msg: 'connected' })
  assert.ok(Number.isFinite(Date.parse(line.time)))
})

test('no identity leaves, whatever it is called and wherever it slipped in, and the line stays JSON', () => {
  const digits = fc.stringMatching(/^[0-9]{15}$/)
  fc.assert(
    fc.property(digits, (imsi) => {
      const { log, written } = lines()
      log.warn({ imsi, event: { imei: imsi, msisdn: `+${imsi}` }, err: new Error(`bad ${imsi}`) }, `rejected ${imsi}: "${imsi}"`)
      assert.ok(!written.join('').includes(imsi), written.join(''))
      JSON.parse(written[0]!)
    }),
  )
})

test('counts and times are no identities', () => {
  const { log, written } = lines()
  log.info({ timeMs: 1767225600123, bytes: 272011234567890 }, 'counted')
  const line = JSON.parse(written[0]!)
  assert.equal(line.timeMs, 1767225600123)
  assert.equal(line.bytes, 272011234567890)
})
