/** One URL holds everything on the console's screen: what is written is read again, and whatever is typed gives a screen. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { home, layers, type Place, readPlace, views, writePlace } from '../regional-hub/console/place.ts'

const places: fc.Arbitrary<Place> = fc.record(
  {
    view: fc.constantFrom(...views),
    selected: fc.constantFrom('', 'alert:0123', 'cell:272-01-75893002', 'subscriber:psn1.k1.abc'),
    atMs: fc.option(fc.integer({ min: 1.5e12, max: 2e12 })),
    speed: fc.integer({ min: 1, max: 600 }),
    isPlaying: fc.boolean(),
    frame: fc.constantFrom(null, { latitude: 53.12345, longitude: -7.5, zoom: 17.25 }),
    find: fc.string(),
    show: fc.constantFrom('unacknowledged', 'open', 'all'),
    severity: fc.constantFrom('', 'critical', 'minor'),
    sort: fc.constantFrom('', 'cell'),
    hidden: fc.subarray([...layers]),
    metric: fc.constantFrom('signal', 'events', 'drops'),
    compare: fc.subarray(['272-01-1', '272-01-2', '272-01-3']),
    hours: fc.constantFrom(1, 6, 24, 168),
    hasTable: fc.boolean(),
    isWall: fc.boolean(),
    theme: fc.constantFrom('auto', 'dark', 'light'),
  },
  { noNullPrototype: true },
)

test('every place comes back from its address', () => {
  fc.assert(fc.property(places, (place) => assert.deepEqual(readPlace(writePlace(place)), place)))
})

test('the plain page has a plain address', () => {
  assert.equal(writePlace(home), '')
  assert.deepEqual(readPlace(''), home)
})

test('whatever is typed as an address gives a screen', () => {
  fc.assert(fc.property(fc.string(), (query) => assert.ok(views.includes(readPlace(query).view))))
})
