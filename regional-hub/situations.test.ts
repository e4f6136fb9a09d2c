import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Maintenance } from './console-api.ts'
import type { LiveAgent, LiveAlert } from './reduce-live.ts'
import { groupSituations, type SituationInput } from './situations.ts'

const nowMs = 100_000_000
const alert = (id: string, more: Partial<LiveAlert> = {}): LiveAlert => ({
  id,
  rev: 1,
  type: 'device-swap',
  severity: 'minor',
  timeMs: nowMs - 1000,
  detectedMs: nowMs - 1000,
  retracted: false,
  subscriber: '',
  number: '',
  device: '',
  cell: '',
  evidence: null,
  ...more,
})
const agent = (name: string, lastSeenMs: number | null): LiveAgent => ({
  agent: name,
  enrolled: true,
  epoch: 'e',
  lastSeenMs,
  completeThroughMs: null,
  received: 0,
  missing: 0,
  gaps: [],
  backlog: [],
})
const input = (alerts: readonly LiveAlert[], more: Partial<SituationInput> = {}): SituationInput => ({
  nowMs,
  region: 'north',
  alerts: Object.fromEntries(alerts.map((one) => [one.id, one])),
  triage: {},
  agents: [],
  siteOf: (cell) => (cell === '' ? '' : cell.slice(0, 1)),
  cellsOf: (name) => (name === 'one' ? ['a1', 'a2'] : ['b1']),
  maintenance: [],
  waitingForCore: 0,
  ...more,
})
const window: Maintenance = {
  id: 'm',
  scope: { kind: 'site', key: 'a1' },
  by: 'Ann',
  reason: 'new antenna',
  ticket: '',
  fromMs: nowMs - 1,
  untilMs: nowMs + 1,
  endedMs: null,
  endedBy: '',
  state: 'running',
  matches: 0,
}

test('alerts of one device, subscriber, site and cell are one situation each, with the reason; what is left stands alone', () => {
  const { items, counts } = groupSituations(
    input([
      alert('1', { device: 'd', subscriber: 'x' }),
      alert('2', { device: 'd', subscriber: 'y', severity: 'critical' }),
      alert('3', { subscriber: 'z' }),
      alert('4', { subscriber: 'z', type: 'sim-swap' }),
      alert('5', { cell: 'a1' }),
      alert('6', { cell: 'a2' }),
      alert('7', { cell: 'a2' }),
      alert('8', { cell: 'b1' }),
      alert('9', { cell: 'b1', retracted: true }),
    ]),
  )
  assert.deepEqual(
    items.map(({ id, alertIds }) => [id, alertIds.join()]),
    [
      ['device:d', '1,2'],
      ['single:8', '8'],
      ['site:a', '5,6,7'],
      ['subscriber:z', '3,4'],
    ],
  )
  assert.equal(items[0]!.severity, 'critical')
  assert.equal(items[0]!.reason, 'One device with 2 subscribers.')
  assert.deepEqual(counts.byType, { 'device-swap': 7, 'sim-swap': 1 })
})

test('a silent agent explains its cells and what happened there since; most of them silent is one situation above', () => {
  const alerts = [alert('1', { cell: 'a1' }), alert('2', { cell: 'a1', timeMs: nowMs - 90_000 }), alert('3', { cell: 'b1' })]
  const one = groupSituations(input(alerts, { agents: [agent('one', nowMs - 60_000), agent('two', nowMs), agent('three', nowMs)] }))
  assert.deepEqual(
    one.items.map(({ id, muted }) => [id, muted?.parentId ?? null]),
    [
      ['agent:one', null],
      ['single:3', null],
      ['single:2', null],
      ['single:1', 'agent:one'],
    ],
  )
  assert.deepEqual(
    one.grey.map(({ kind, id }) => `${kind} ${id}`),
    ['cell a1', 'cell a2', 'alert 1'],
  )
  assert.match(one.grey[0]!.muted.words, /one is silent. Nothing was heard of it since 1970-01-02 03:45 UTC/)
  const most = groupSituations(input([], { agents: [agent('one', null), agent('two', nowMs - 60_000), agent('three', nowMs)] }))
  assert.deepEqual(
    most.items.map(({ id, severity, muted }) => [id, severity, muted?.parentId ?? null]),
    [
      ['upstream:north', 'critical', null],
      ['agent:two', 'major', 'upstream:north'],
      ['agent:one', 'major', 'upstream:north'],
    ],
  )
})

test('maintenance and snooze mute with who, why and until; an old acknowledgement is seen', () => {
  const word = { revision: 1, by: 'Bo', reason: 'known', atMs: nowMs - 9 * 3600_000 }
  const { items, counts } = groupSituations(
    input([alert('1', { cell: 'a2' }), alert('2'), alert('3'), alert('4')], {
      maintenance: [window],
      triage: {
        2: { ...word, alertId: '2', status: 'snoozed', untilMs: nowMs + 60_000 },
        3: { ...word, alertId: '3', status: 'acknowledged' },
        4: { ...word, alertId: '4', status: 'closed' },
      },
    }),
  )
  assert.deepEqual(
    items.map(({ id, status, muted, isForgotten }) => [id, status, muted?.by ?? null, isForgotten]),
    [
      ['single:3', 'acknowledged', null, true],
      ['single:1', 'active', 'maintenance', false],
      ['single:2', 'snoozed', 'snooze', false],
    ],
  )
  assert.match(items[1]!.muted!.words, /Maintenance by Ann until .*: new antenna/)
  assert.deepEqual(
    { ...counts, bySeverity: {}, byType: {} },
    { bySeverity: {}, byType: {}, open: 3, unacknowledged: 1, snoozed: 1, muted: 2, forgotten: 1 },
  )
})

test('whatever the order, the situations are the same, and every alert is in exactly one', () => {
  const name = fc.constantFrom('', 'p', 'q', 'r')
  const some = fc
    .uniqueArray(
      fc.record({ id: fc.nat(99), subscriber: name, device: name, cell: fc.constantFrom('', 'a1', 'a2', 'b1'), timeMs: fc.nat(5) }),
      {
        selector: ({ id }) => id,
        maxLength: 30,
      },
    )
    .map((all) => all.map(({ id, ...more }) => alert(`i${id}`, more)))
  fc.assert(
    fc.property(some, fc.infiniteStream(fc.nat()), (alerts, noise) => {
      const answer = groupSituations(input(alerts))
      const shuffled = [...alerts].map((one) => [noise.next().value, one] as const).sort(([a], [b]) => a - b)
      assert.deepEqual(groupSituations(input(shuffled.map(([, one]) => one))), answer)
      assert.deepEqual(answer.items.flatMap(({ alertIds }) => alertIds).sort(), alerts.map(({ id }) => id).sort())
    }),
  )
})
