import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Pseudonymiser } from '#shared/pseudonym.ts'
import { rowsOf, testKey } from './adapters/front-rig.ts'
import { Decoder, type DecoderConfig } from './decode.ts'
import { EventBatch } from './event-batch.ts'
import { IdHasher } from './id-hash.ts'
import { judge } from './reference-judge.ts'

const nowMs = Date.UTC(2026, 5, 1, 12)
const pseudonymiser = new Pseudonymiser(testKey)

function decode(payload: unknown, options: { family?: string; source?: string; config?: DecoderConfig; arrivalMs?: number } = {}) {
  const unknown: string[] = []
  const decoder = new Decoder(
    { pseudonymiser, hasher: new IdHasher(Uint32Array.of(1, 2, 3, 4)), unknownField: (_, name) => unknown.push(name) },
    { log2Remembered: 8, ...options.config },
  )
  const batch = new EventBatch(1)
  const octets = payload instanceof Uint8Array ? payload : Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))
  const family = 'family' in options ? options.family : 'network'
  decoder.decode(
    {
      family,
      source: options.source ?? 'tap-1',
      tenant: 'default',
      payload: octets,
      arrivalMs: options.arrivalMs ?? nowMs,
      settle: () => {},
    },
    batch,
  )
  return Object.assign(rowsOf(batch), { unknown, counts: decoder.counts })
}

const verdictsOf = (rows: Record<string, unknown>[]) => rows.map(({ verdict, reason }) => reason ?? verdict)
const event = { timestamp: nowMs, event_type: 'measurement', cell: '272-01-75893002' }

test('an event becomes a row without anybody’s identity', () => {
  const [row] = decode({
    event_id: 'a-1',
    timestamp: nowMs - 5,
    event_type: 'handover',
    schema_version: 1,
    tenant_id: 'default',
    payload: {
      imsi: '272011234567890',
      msisdn: '+353851234567',
      imei: '35824005111111',
      cell: '272-001-75893002',
      target_cell: '272-01-5',
      rat: 'LTE',
      rsrp_dbm: -97.5,
      cause: 'of 272011234567890, 353851234567 and 12345678901234',
      neighbours: [{ cell: '272-01-7', rsrp_dbm: -99 }, { rsrp_dbm: -60 }, { cell: '272-01-8', rsrp_dbm: -80, pci: 3 }],
    },
  })
  const text = (type: 'imsi' | 'msisdn' | 'imei', id: string) =>
    [...pseudonymiser.words(type, id)].map((word) => word.toString(16).padStart(8, '0')).join('')
  assert.deepEqual(
    { ...row, idHash: typeof row!.idHash },
    {
      verdict: 'accepted',
      family: 0,
      timeMs: nowMs - 5,
      arrivalMs: nowMs,
      source: 'tap-1',
      eventType: 'handover',
      cell: '272-01-75893002',
      targetCell: '272-01-5',
      rat: 3,
      rsrpDbm: -97.5,
      cause: 'of *, * and *',
      model: 35824005,
      neighbourCell0: '272-01-8',
      neighbourRsrpDbm0: -80,
      neighbourCell1: '272-01-7',
      neighbourRsrpDbm1: -99,
      subscriber: text('imsi', '272011234567890'),
      number: text('msisdn', '353851234567'),
      device: text('imei', '35824005111111'),
      idHash: 'string',
    },
  )
})

test('objects, arrays and lines are judged one by one', () => {
  const bad = { ...event, pci: 2000 }
  assert.deepEqual(verdictsOf(decode([event, bad, 5, [event], event])), [
    'accepted',
    'out-of-bounds',
    'wrong-type',
    'wrong-type',
    'accepted',
  ])
  assert.deepEqual(verdictsOf(decode(`${JSON.stringify(event)}\r\n\n${JSON.stringify(bad)}\n{broken\n${JSON.stringify(event)}`)), [
    'accepted',
    'out-of-bounds',
    'not-json',
    'accepted',
  ])
  assert.deepEqual(verdictsOf(decode(JSON.stringify(event, null, 2))), ['accepted'])
  assert.deepEqual(verdictsOf(decode('{\n"broken": 1,\n')), ['not-json'])
  assert.deepEqual(verdictsOf(decode('')), ['empty'])
  assert.deepEqual(verdictsOf(decode(' \n ')), ['empty'])
  assert.deepEqual(verdictsOf(decode('[]')), ['empty'])
  assert.deepEqual(verdictsOf(decode('5')), ['wrong-type'])
  assert.deepEqual(verdictsOf(decode(Buffer.from([0xff, 0xfe, 1]))), ['not-json'])
  assert.deepEqual(verdictsOf(decode(event, { family: undefined, source: 'some/topic' })), ['bad-topic'])
  assert.deepEqual(verdictsOf(decode('['.repeat(100_000))), ['not-json'])
  assert.deepEqual(verdictsOf(decode(`${'['.repeat(50_000)}${']'.repeat(50_000)}`)), ['wrong-type'])
})

test('times', () => {
  const at = (timestamp: unknown, arrivalMs = nowMs) => decode({ ...event, timestamp }, { arrivalMs })[0]!
  assert.equal(at('2026-06-01T11:59:59.25Z').timeMs, nowMs - 750)
  assert.equal(at('2026-06-01t13:30:00+01:30').timeMs, nowMs)
  assert.equal(at('2026-06-01T10:30:00-01:30').timeMs, nowMs)
  assert.equal(at('2024-02-29T00:00:00Z').timeMs, Date.UTC(2024, 1, 29))
  for (const wrong of ['2026-06-01T12:00:00', '2026-02-29T00:00:00Z', '2026-13-01T00:00:00Z', 'now', '', '1767225600123', '2026-06-01']) {
    assert.equal(at(wrong).reason, 'out-of-bounds', wrong)
  }
  assert.equal(at(true).reason, 'wrong-type')
  assert.equal(at(undefined).reason, 'time-missing')
  assert.equal(at(Date.UTC(2000, 0, 1) - 1).reason, 'time-too-old')
  assert.equal(at(Date.UTC(2000, 0, 1)).verdict, 'accepted')
  assert.equal(at(nowMs + 24 * 3600_000 + 1).reason, 'time-ahead')
  assert.equal(at(1e300).reason, 'time-ahead')
  assert.equal(at(nowMs + 120_000).timeMs, nowMs + 120_000)
  const ahead = decode({ ...event, timestamp: nowMs + 120_001 })
  assert.equal(ahead[0]!.timeMs, nowMs)
  assert.equal(ahead.counts.aheadOfClock, 1)
})

test('what a family needs', () => {
  const fix = { timestamp: nowMs, event_type: 'fix', imsi: '272011234567890' }
  assert.deepEqual(verdictsOf(decode({ timestamp: nowMs, event_type: 'paging' })), ['cell-missing'])
  assert.deepEqual(verdictsOf(decode({ ...fix, cell: '272-01-1' }, { family: 'location' })), ['accepted'])
  assert.deepEqual(verdictsOf(decode({ ...fix, latitude: 1, longitude: 2 }, { family: 'location' })), ['accepted'])
  assert.deepEqual(verdictsOf(decode({ ...fix, latitude: 1 }, { family: 'location' })), ['cell-missing'])
  assert.deepEqual(verdictsOf(decode({ ...event }, { family: 'location' })), ['identity-missing'])
  assert.deepEqual(verdictsOf(decode({ timestamp: nowMs, event_type: 'visit', msisdn: '12345' }, { family: 'interaction' })), ['accepted'])
  assert.deepEqual(verdictsOf(decode({ timestamp: nowMs, event_type: 'flow' }, { family: 'dpi' })), ['cell-missing'])
  const [flow] = decode({ timestamp: nowMs, event_type: 'flow' }, { family: 'dpi', config: { dpiCell: '272-01-9' } })
  assert.equal(flow!.cell, '272-01-9')
  assert.equal(flow!.flows, 1)
})

test('names that mean something to JavaScript mean nothing here', () => {
  const text = `{"timestamp":${nowMs},"event_type":"paging","cell":"272-01-1","__proto__":{"imsi":"1"},"constructor":1,"toString":"x","hasOwnProperty":2}`
  const rows = decode(text)
  assert.deepEqual(verdictsOf(rows), ['accepted'])
  assert.deepEqual(rows.unknown.sort(), ['__proto__', 'constructor', 'hasOwnProperty', 'toString'])
  assert.equal(({} as Record<string, unknown>).imsi, undefined)
})

test('unknown fields and those of another family are counted, named once and ignored', () => {
  const rows = decode([
    { ...event, colour: 1, channel: 'x' },
    { ...event, colour: 2 },
  ])
  assert.deepEqual(verdictsOf(rows), ['accepted', 'accepted'])
  assert.deepEqual(rows.unknown, ['colour', 'channel'])
  assert.equal(rows.counts.unknownFields, 3)
})

test('event types of any name are counted by name, up to a bound', () => {
  const rows = decode(
    Array.from({ length: 5 }, (_, at) => ({ ...event, event_type: `type-${'abcde'[at]}` })),
    { config: { maxEventTypes: 13 } },
  )
  assert.deepEqual(
    rows.map(({ eventType }) => eventType),
    ['type-a', 'type-b', 'other', 'other', 'other'],
  )
  for (const wrong of ['', 'a\u0000', '\ud800', 'x'.repeat(65)])
    assert.deepEqual(verdictsOf(decode({ ...event, event_type: wrong })), ['out-of-bounds'])
  assert.deepEqual(verdictsOf(decode({ ...event, event_type: '😀'.repeat(64) })), ['accepted'])
})

test('the judgement is that of the interface’s table, field by field', () => {
  const value = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        -161,
        -160,
        -97.5,
        -20,
        0,
        0.5,
        1,
        1007,
        1008,
        3846,
        3847,
        16777215,
        16777216,
        2 ** 53,
        360,
        361,
        Number.POSITIVE_INFINITY,
      ),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        'LTE',
        'lte',
        '272-01-1',
        '272-1-1',
        '272-001-68719476735',
        '272-01-68719476736',
        'x'.repeat(64),
        'x'.repeat(65),
      ),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        '12345',
        '1234',
        '+12345',
        '123456789012345',
        '1234567890123456',
        '12345678901234567',
        '\u0007',
        '\ud800',
        '',
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        null,
        true,
        {},
        [],
        [{ rsrp_dbm: -90 }],
        [{ rsrp_dbm: -190 }],
        [{ pci: 4 }],
        [1],
        Array(33).fill({ rsrp_dbm: -90 }),
      ),
    },
    { weight: 1, arbitrary: fc.constantFrom('2026-06-01T00:00:00Z', '2026-06-01', nowMs, 1) },
  )
  const names = [
    'imsi',
    'msisdn',
    'imei',
    'cell',
    'tac',
    'rat',
    'pci',
    'timing_advance',
    'rsrp_dbm',
    'rsrq_db',
    'sinr_db',
    'neighbours',
    'latitude',
    'longitude',
  ]
  names.push(
    'accuracy_m',
    'speed_mps',
    'bearing_deg',
    'target_cell',
    'cause',
    'duration_ms',
    'bytes_up',
    'bytes_down',
    'latency_ms',
    'loss_ratio',
    'channel',
  )
  names.push(
    'action',
    'outcome',
    'campaign',
    'application',
    'protocol',
    'packets_up',
    'packets_down',
    'rtt_ms',
    'flow_start',
    'flow_end',
    'event_id',
    'colour',
  )
  const good = { imsi: '272011234567890', cell: '272-01-1', latitude: 53.3, longitude: -6.2 }
  const family = fc.constantFrom('network', 'subscriber', 'location', 'interaction', 'dpi')
  const given = fc
    .subarray(Object.keys(good))
    .map((kept) => Object.fromEntries(Object.entries(good).filter(([name]) => kept.includes(name))))
  const odd = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 3 })
  fc.assert(
    fc.property(family, given, odd, fc.boolean(), (ofFamily, usual, strange, nested) => {
      const payload = { ...usual, ...strange }
      const { event_id: eventId, ...rest } = payload as Record<string, unknown>
      const envelope = { timestamp: nowMs, event_type: 'x', ...(eventId === undefined ? {} : { event_id: eventId }) }
      const whole = nested ? { ...envelope, payload: rest } : { ...envelope, ...rest }
      const [row] = decode(JSON.stringify(whole).replaceAll('null', 'null'), { family: ofFamily })
      const sent = JSON.parse(JSON.stringify(whole)) as Record<string, unknown>
      assert.equal(row!.verdict, judge(ofFamily, sent), JSON.stringify(row))
    }),
    { numRuns: 800 },
  )
})
