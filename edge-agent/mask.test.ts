import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Pseudonymiser } from '#shared/pseudonym.ts'
import { rowsOf, testKey } from './adapters/front-rig.ts'
import { Decoder } from './decode.ts'
import { EventBatch } from './event-batch.ts'
import { IdHasher } from './id-hash.ts'
import { Masker, maxBytes } from './mask.ts'

const nowMs = Date.UTC(2026, 5, 1, 12)
const pseudonymiser = new Pseudonymiser(testKey)
const masker = new Masker(pseudonymiser)

test('a rejected event shows what was wrong with it and not who it was about', () => {
  const body = masker.json(
    {
      timestamp: nowMs,
      event_type: 'handover',
      imsi: '272011234567890',
      msisdn: 353851234567,
      cell: '272-01-75893002',
      rsrp_dbm: -97.5,
      pci: 5000,
      note: 'line 7',
    },
    nowMs,
  )
  assert.deepEqual(JSON.parse(body), {
    timestamp: nowMs,
    event_type: 'handover',
    imsi: pseudonymiser.text(pseudonymiser.words('imsi', '272011234567890')),
    msisdn: '############',
    cell: '272-01-75893002',
    rsrp_dbm: -97.5,
    pci: '####',
    note: 'line #',
  })
})

const imsi = '272011234567890'
const msisdn = '353851234567'
const imei = '358240051111110'

/** Ways in which an identity gets into a payload where it does not belong. */
function disguises(id: string): unknown[] {
  const spaced = id.replace(/(\d{3})(?=\d)/g, '$1 ')
  return [
    id,
    `+${id}`,
    Number(id),
    -Number(id),
    Number(`${id}.5`),
    Number(`0.${id}`),
    spaced,
    id.replace(/(\d{3})(?=\d)/g, '$1-'),
    [...id].reverse().join(''),
    [...id],
    [...id].map(Number),
    `tel:${id};x=1`,
    { [id]: id },
    [[{ deep: { deeper: id } }]],
    [...id].map((digit) => String.fromCodePoint(0xff10 + Number(digit))).join(''),
    [...id].map((digit) => String.fromCodePoint(0x660 + Number(digit))).join(''),
    Buffer.from(id).toString('base64'),
    Buffer.from(id).toString('hex'),
  ]
}

test('no identity is kept in a dead letter, wherever and however it stands', () => {
  const names = [
    'imsi',
    'msisdn',
    'imei',
    'cell',
    'rat',
    'event_type',
    'bytes_up',
    'timestamp',
    'cause',
    'note',
    'payload',
    'event_id',
    'tenant_id',
    'latitude',
  ]
  const id = fc.constantFrom(imsi, msisdn, imei)
  const planted = id.chain((digits) =>
    fc.record({ digits: fc.constant(digits), value: fc.constantFrom(...disguises(digits)), name: fc.constantFrom(...names) }),
  )
  const decoder = new Decoder({ pseudonymiser, hasher: new IdHasher(Uint32Array.of(1, 2, 3, 4)) })
  const shape = fc.constantFrom<(name: string, value: unknown, digits: string) => string>(
    (name, value) => JSON.stringify({ timestamp: nowMs, event_type: 'x', pci: -1, [name]: value }),
    (name, value) => JSON.stringify({ timestamp: nowMs, event_type: 'x', pci: -1, payload: { pci: -1, [name]: value } }),
    (name, value, digits) => `{"${name}":"${[...digits].map((digit) => `\\u003${digit}`).join('')}","x":${JSON.stringify(value)}`,
    (name, _, digits) => `{"${name}":"${[...digits].map((digit) => `\\u003${digit}`).join('')}","pci":-1}`,
    (_, value) => JSON.stringify([value]),
    (_, value) => `not json ${JSON.stringify(value)}`,
    (name, value) => `<event ${name}="${JSON.stringify(value)}"/>`,
    (_, __, digits) => Buffer.from(`0${digits}f`, 'hex').toString('latin1'),
  )
  fc.assert(
    fc.property(planted, shape, fc.boolean(), ({ digits, value, name }, make, known) => {
      const batch = new EventBatch(1)
      const text = make(name, value, digits)
      const payload =
        text.startsWith('{') || text.includes('json') || text.startsWith('[') || text.startsWith('<')
          ? Buffer.from(text)
          : Buffer.from(text, 'latin1')
      decoder.decode(
        {
          family: known ? 'network' : undefined,
          source: known ? 'tap' : `x/${digits}`,
          tenant: 'default',
          payload,
          arrivalMs: nowMs,
          settle: () => {},
        },
        batch,
      )
      for (const row of rowsOf(batch)) {
        const { body = '', field = '', source = '' } = row as { body?: string; field?: string; source?: string }
        assert.ok(Buffer.byteLength(body) <= maxBytes)
        const shown = `${body} ${field} ${source}`.normalize('NFKC').replaceAll(pseudonymiser.text(pseudonymiser.words('imsi', digits)), '')
        const bare = shown
          .replace(/psn1\.[\w.]+/g, '')
          .replaceAll(String(nowMs), '')
          .replace(/[^0-9]/g, '')
        assert.ok(!bare.includes(digits) && !bare.includes([...digits].reverse().join('')), shown)
        assert.ok(!shown.includes(Buffer.from(digits).toString('base64').slice(0, 12)), shown)
      }
    }),
    { numRuns: 1500 },
  )
})

test('packed digits in a payload that is no text leave only their length and a keyed hash', () => {
  const batch = new EventBatch(1)
  const decoder = new Decoder({ pseudonymiser, hasher: new IdHasher(Uint32Array.of(1, 2, 3, 4)) })
  const payload = Buffer.from('722011325476980f', 'hex')
  decoder.decode({ family: 'network', source: 'tap', tenant: 'default', payload, arrivalMs: nowMs, settle: () => {} }, batch)
  assert.match(String(rowsOf(batch)[0]!.body), /^binary, # octets, hash [a-p]{16}$/)
})

test('huge and deep events are cut', () => {
  let deep: unknown = 1
  for (let level = 0; level < 5_000; level++) deep = [deep]
  assert.ok(masker.json({ deep }, nowMs).length < 100)
  assert.ok(Buffer.byteLength(masker.json({ text: '€'.repeat(100_000) }, nowMs)) <= maxBytes)
  assert.ok(
    Buffer.byteLength(masker.json(Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`key ${at}`, at])), nowMs)) <= maxBytes,
  )
})
