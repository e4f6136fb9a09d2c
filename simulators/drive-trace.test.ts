import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { readTrace, traceName } from './drive-trace.ts'
import { greatCircleM } from './geometry.ts'
import { learnCells } from './learn-cells.ts'
import { identityForTrace, replayTrace } from './replay.ts'
import { parseTrack, scoreTrack } from './score-track.ts'

const dir = mkdtempSync(join(tmpdir(), 'trace-'))
after(() => rmSync(dir, { recursive: true }))

const header =
  'Timestamp,Longitude,Latitude,Speed,Operatorname,CellID,NetworkMode,RSRP,RSRQ,SNR,CQI,RSSI,DL_bitrate,UL_bitrate,State,PINGAVG,PINGMIN,PINGMAX,PINGSTDEV,PINGLOSS,CELLHEX,NODEHEX,LACHEX,RAWCELLID,NRxRSRP,NRxRSRQ'
const rows = [
  '2019.11.21_09.44.52,-8.460484,51.887249,36,B,1,LTE,-89,-7,6.0,9,-70,9,3,D,-,-,-,-,-,1,53E42,9CBA,87966209,-106.0,-14.0',
  '2019.11.21_09.44.52,-8.460484,51.887249,36,B,1,LTE,-88,-8,10.0,9,-70,9,3,D,-,-,-,-,-,1,53E42,9CBA,87966209,-106.0,-14.0',
  '2019.11.21_09.44.53,-8.461,51.8873,36,B,2,5G,-90,-8,1.0,9,-70,9,3,D,-,-,-,-,-,2,53E42,9CBA,87966210,-,-',
  '2019.11.21_09.44.54,-8.462,51.8874,36,B,56545,LTE,-69,-2,-,-,-,279,6,D,-,-,-,-,-,DCE1,C,75AA,842977,-51.0,-24.0',
  '2019.11.21_09.44.55,-8.463,51.8875,36,27203,34124,EDGE,-51,0,-,-,-,0,3,D,-,-,-,-,-,854C,-,3FE,34124,-,-',
]

function made(): string {
  const file = join(dir, 'driving-2019.csv.gz')
  writeFileSync(file, gzipSync([header, ...rows, ''].join('\n')))
  return file
}

test('the cell is told from the ids, whatever the label says', () => {
  const trace = readTrace(made())
  assert.deepEqual(
    trace.map(({ cell, rat }) => [cell, rat]),
    [
      ['272-03-87966209', 'LTE'],
      ['272-03-87966210', 'LTE'],
      ['272-03-842977', 'UMTS'],
      [`272-03-${0x3fe * 65536 + 34124}`, 'GSM'],
    ],
  )
  assert.equal(trace[0]!.timeMs, Date.UTC(2019, 10, 21, 9, 44, 52))
  assert.equal(trace[0]!.speedMps, 10)
})

test('a replay registers the phone, measures every second, and hands over where the cell changes', () => {
  const name = traceName(made())
  const options = { source: name, identity: identityForTrace(name), shiftMs: 1000, gps: false }
  const events = replayTrace(readTrace(made()), options).map(({ family, text }) => ({ family, ...JSON.parse(text) }))
  assert.deepEqual(
    events.map(({ event_type }) => event_type),
    ['registration', 'measurement', 'handover', 'measurement', 'cell_change', 'measurement', 'cell_change', 'measurement'],
  )
  const [registration, first, handover] = events
  assert.equal(registration.payload.msisdn, options.identity.msisdn)
  assert.equal(first.timestamp, Date.UTC(2019, 10, 21, 9, 44, 53))
  assert.deepEqual(first.payload.neighbours, [{ rsrp_dbm: -106 }])
  assert.equal(handover.payload.target_cell, '272-03-87966210')
  assert.ok(events.every(({ payload }) => payload.latitude === undefined))
  assert.equal(replayTrace(readTrace(made()), { ...options, gps: true }).filter(({ family }) => family === 'location').length, 4)
})

test('a track is judged at its reports and second by second, beside the trivial answers', () => {
  const trace = readTrace(made())
  const items = trace.map(({ timeMs, latitude, longitude }) => ({
    time: new Date(timeMs + 5000).toISOString(),
    position: { latitude, longitude, radiusM: 50 },
  }))
  const exact = scoreTrack(parseTrack(JSON.stringify({ items: [...items, { time: items[0]!.time, position: null }] })), trace, 5000)
  assert.equal(exact.atReports.medianM, 0)
  assert.equal(exact.atReports.withinRadius, 1)
  assert.ok(exact.areaMean.medianM > 30)
  const once = scoreTrack(parseTrack(JSON.stringify(items.slice(0, 1))), trace, 5000)
  assert.equal(once.everySecond.count, 4)
  assert.ok(once.everySecond.p95M > 150)
})

const reference = join(process.env.TRIBUTARY_REFERENCE ?? join(import.meta.dirname, '..', '..', 'shared', 'reference'), 'mobility')
const absent = existsSync(reference) ? false : `no drive traces at ${reference} (TRIBUTARY_REFERENCE names another folder)`

test('the real traces are read, and cells learned from other drives beat the middle of the drive', { skip: absent }, () => {
  const files = readdirSync(reference).filter((file) => file.startsWith('driving-'))
  assert.ok(files.length > 30)
  const judged = 'driving-2019.11.28_14.53.29.csv.gz'
  const trace = readTrace(join(reference, judged))
  assert.ok(trace.length > 3000)
  assert.deepEqual([...new Set(trace.map(({ rat }) => rat))].sort(), ['LTE', 'UMTS'])
  assert.ok(trace.every(({ latitude, longitude }) => Math.abs(latitude - 51.9) < 0.3 && Math.abs(longitude + 8.4) < 0.6))
  const learned = learnCells(
    files.filter((file) => file !== judged).map((file) => readTrace(join(reference, file))),
    { range: 'p95' },
  )
  const cells = new Map(learned.map(({ net, cell, lat, lon }) => [`272-0${net}-${cell}`, { latitude: lat, longitude: lon }]))
  const known = trace.filter(({ cell }) => cell !== undefined && cells.has(cell))
  assert.ok(known.length / trace.length > 0.8, `${known.length} of ${trace.length} rows are in cells that other drives heard`)
  const score = scoreTrack([], trace, 0, cells)
  assert.ok(score.servingCell!.medianM < score.areaMean.medianM, JSON.stringify(score))
  assert.ok(greatCircleM(known[0]!, cells.get(known[0]!.cell!)!) < 5000)
})
