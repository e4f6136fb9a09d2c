import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deriveIdentityKey, Pseudonymiser } from '#shared/pseudonym.ts'
import { scoreAlerts } from './score.ts'
import type { PlantTruth } from './truth.ts'

const pseudonymiser = new Pseudonymiser(deriveIdentityKey(new Uint8Array(32), 'default', 'k1'))
const plant = (kind: PlantTruth['kind'], serial: number, more: Partial<PlantTruth> = {}): PlantTruth => {
  const before = { imsi: `27201000000000${serial}`, msisdn: `+35386000000${serial}`, imei: `3516151000000${serial}` }
  return { kind, atMs: 1_000_000, before, after: before, cells: [], regions: ['north'], ...more }
}
const alert = (type: string, serial: number, id: string, delayS: number) => ({
  id,
  type,
  time: new Date(1_000_000).toISOString(),
  detectedAt: new Date(1_000_000 + delayS * 1000).toISOString(),
  subscriber: pseudonymiser.text(pseudonymiser.words('imsi', `27201000000000${serial}`)),
})

test('plants are found by their pseudonyms, alerts without a plant are unfounded', () => {
  const plants = [
    plant('device-swap', 1),
    plant('device-swap', 2),
    plant('sim-swap', 3, { also: ['swap-combo'] }),
    plant('device-toggle', 4),
  ]
  const alerts = [
    alert('device-swap', 1, 'a', 2),
    alert('device-swap', 9, 'b', 2),
    alert('sim-swap', 3, 'c', 4),
    alert('swap-combo', 3, 'd', 4),
    alert('device-toggle', 4, 'e', 90),
    alert('device-swap', 4, 'f', 1),
    alert('cell-anomaly', 7, 'g', 1),
  ]
  const score = scoreAlerts(plants, alerts, pseudonymiser)
  const recall = Object.fromEntries(score.kinds.map(({ kind, recall: { found, of } }) => [kind, `${found}/${of}`]))
  assert.deepEqual(recall, { 'device-swap': '1/2', 'sim-swap': '1/1', 'device-toggle': '1/1' })
  assert.equal(score.kinds[0]!.delayS!.median, 2)
  const unfounded = Object.fromEntries(score.types.map(({ type, unfounded: ids }) => [type, ids]))
  assert.deepEqual(unfounded, { 'device-swap': ['b'], 'sim-swap': [], 'swap-combo': [], 'device-toggle': [] })
})

test('a box is found by any of its SIMs; an alert of another type about a planted person is unfounded', () => {
  const box = plant('sim-box', 1, { imsis: ['272010000000005', '272010000000006'] })
  const score = scoreAlerts([box], [alert('sim-box', 6, 'a', 1), alert('clone', 6, 'b', 1)], pseudonymiser)
  assert.equal(score.kinds[0]!.recall.share, 1)
  assert.deepEqual(score.types.find(({ type }) => type === 'clone')!.unfounded, ['b'])
})
