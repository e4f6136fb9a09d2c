import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Claim } from '#shared/control.ts'
import { type AddressedNotice, type ClaimStore, parseClaim, settleClaim } from './directory.ts'

const key = 'ab'.repeat(16)

function claim(region: string, timeMs: number, more: Partial<Claim> = {}, subscriber = '11'.repeat(16)): Claim {
  const sighting = {
    region,
    timeMs,
    subscriber,
    number: '',
    device: '',
    model: 0,
    cell: `${region}-cell`,
    latitude: null,
    longitude: null,
    radiusM: null,
  }
  return { id: `${region}.${timeMs}`, kind: 'sim', key, hubEpoch: 1, sighting, ...more }
}

function memoryStore(): ClaimStore & { size(): number } {
  const rings = new Map<string, readonly Claim[]>()
  return {
    read: (tenant, kind, key) => rings.get(`${tenant}/${kind}/${key}`) ?? [],
    replace: (tenant, kind, key, claims) => void rings.set(`${tenant}/${kind}/${key}`, claims),
    size: () => [...rings.values()].reduce((sum, ring) => sum + ring.length, 0),
  }
}

const told = (notices: readonly AddressedNotice[]) =>
  notices
    .map(
      ({ region, notice }) =>
        `${region} hears of ${notice.sighting.region} ${notice.sighting.timeMs}${notice.released ? ', released' : ''}`,
    )
    .sort()

test('a SIM that turns up in another region: both hear of it, and the older one lets go', () => {
  const store = memoryStore()
  assert.deepEqual(settleClaim(store, 't', claim('north', 100)), [])
  assert.deepEqual(told(settleClaim(store, 't', claim('south', 200))), ['north hears of south 200, released', 'south hears of north 100'])
  assert.deepEqual(settleClaim(store, 'other', claim('east', 300)), [])
})

test('a late claim finds its neighbours in time, and does not take the key away from the newer one', () => {
  const store = memoryStore()
  settleClaim(store, 't', claim('north', 100))
  settleClaim(store, 't', claim('north', 300))
  assert.deepEqual(told(settleClaim(store, 't', claim('south', 200))), [
    'north hears of south 200',
    'south hears of north 100',
    'south hears of north 300, released',
  ])
})

test('the same claim again tells the same again and keeps one', () => {
  const store = memoryStore()
  settleClaim(store, 't', claim('north', 100))
  const first = settleClaim(store, 't', claim('south', 200))
  assert.deepEqual(settleClaim(store, 't', claim('south', 200)), first)
  assert.equal(store.size(), 2)
})

test('of a device the last 16 SIMs are kept, and a claim hears of every one elsewhere', () => {
  const store = memoryStore()
  const sim = (at: number) => at.toString(16).padStart(2, '0').repeat(16)
  for (let at = 1; at <= 20; at++) settleClaim(store, 't', claim('north', at, { kind: 'device', id: `n${at}` }, sim(at)))
  const notices = settleClaim(store, 't', claim('south', 50, { kind: 'device' }, sim(99)))
  assert.equal(notices.filter(({ region }) => region === 'south').length, 16)
  assert.equal(notices.filter(({ region }) => region === 'north').length, 1)
  assert.equal(store.size(), 16)
})

test('whatever the order in which two regions’ claims arrive, each hears of its neighbours in time', () => {
  const moments = fc.uniqueArray(fc.record({ timeMs: fc.integer({ min: 1, max: 1000 }), isNorth: fc.boolean() }), {
    selector: ({ timeMs }) => timeMs,
    minLength: 2,
    maxLength: 4,
  })
  fc.assert(
    fc.property(
      moments.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
      ([all, arriving]) => {
        const store = memoryStore()
        const heard = new Set<string>()
        for (const { timeMs, isNorth } of arriving) {
          for (const { region, notice } of settleClaim(store, 't', claim(isNorth ? 'north' : 'south', timeMs)))
            heard.add(`${region} ${notice.sighting.timeMs}`)
        }
        const sorted = [...all].sort((a, b) => a.timeMs - b.timeMs)
        for (const [at, { timeMs, isNorth }] of sorted.entries()) {
          const next = sorted[at + 1]
          if (next === undefined || next.isNorth === isNorth) continue
          assert.ok(heard.has(`${isNorth ? 'north' : 'south'} ${next.timeMs}`), 'the earlier hears of the later')
          assert.ok(heard.has(`${isNorth ? 'south' : 'north'} ${timeMs}`), 'the later hears of the earlier')
        }
      },
    ),
  )
})

test('a claim that is none is refused with what is wrong', () => {
  const octets = (value: unknown) => Buffer.from(JSON.stringify(value))
  assert.equal(parseClaim(octets(claim('north', 1)), 'north').id, 'north.1')
  assert.throws(() => parseClaim(octets(claim('north', 1)), 'south'), /its carrier 'south'/)
  assert.throws(() => parseClaim(octets({ ...claim('north', 1), key: 'x' }), 'north'), /32 hex digits/)
  assert.throws(() => parseClaim(octets({ ...claim('north', 1), kind: 'car' }), 'north'), /kind/)
  assert.throws(() => parseClaim(octets(null), 'north'), /kind/)
})
