/**
 * The hub's detection on one core: batches of 4,096 decoded rows → detector → record batches. `node test/bench/hub.ts [subscribers] [rows]`.
 *
 * The world is what agents send once everybody is known: a tenth drive and are seen in a new cell every minute, the others every 15 min, a tenth
 * of those sightings from the neighbour cell. 3 in 10 rows name no device, half name the number, a hundredth carry a fix; sightings of one
 * person come at random moments. Then the same world through the whole path of a message (ledger, decode, detect, route, encode; the spool and
 * the region's eyes take and forget), in messages of 4,096 and of 1,000 rows with a flush every 8,000 rows or so. The fill, where every key is new, is told apart. Prints one line of JSON: rows/s and ns a row by stage, of
 * processor time, garbage collection included; octets of state a subscriber.
 */
import { cpus } from 'node:os'
import { BatchBuilder } from '#shared/batch-builder.ts'
import { decodeBatch, encodeBatch } from '#shared/batch-codec.ts'
import type { Batch } from '#shared/records.ts'
import type { CellRow } from '../../regional-hub/cell-inventory.ts'
import { createDetector } from '../../regional-hub/detector.ts'
import type { HubReport } from '../../regional-hub/events.ts'
import { Ledger } from '../../regional-hub/ledger.ts'
import { BatchTaker } from '../../regional-hub/take-batch.ts'

const subscribers = Number(process.argv[2] ?? 1_000_000)
const rows = Number(process.argv[3] ?? 4_000_000)
const batchRows = 4096
const side = 60
const startMs = Date.UTC(2026, 0, 5, 8)

const cells: CellRow[] = Array.from({ length: side * side }, (_, at) => ({
  cell: `272-01-${100_000 + at}`,
  radio: 'LTE',
  latitude: 51.5 + Math.floor(at / side) * 0.009,
  longitude: -8.8 + (at % side) * 0.0145,
  rangeM: 800,
}))

/** Processor time of this process: other programs on the machine do not count. */
function cpuMs(): number {
  return process.cpuUsage().user / 1000
}

let seed = 1
/** xorshift: the same world in every run. */
function dice(below: number): number {
  seed ^= seed << 13
  seed ^= seed >>> 17
  seed ^= seed << 5
  return (seed >>> 0) % below
}

function mix(number: number, salt: number): number {
  let h = Math.imul(number ^ (salt * 0x9e3779b9), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

const place = Uint16Array.from({ length: subscribers }, (_, who) => (who % side) * side + dice(side))

/** Cells driven so far, of the tenth that drive: to and fro along the row. */
const driven = Uint16Array.from({ length: subscribers }, () => dice(2 * side))

/** One in ten drives. Whether the next row is of a driver: they are seen fifteen times as often. */
const shareOfDrivers = 0.1 / 60 / (0.1 / 60 + 0.9 / 900)
/** Between batches: each agent's rows come at the rate the world has. */
const batchMs = (batchRows / (subscribers * (0.1 / 60 + 0.9 / 900))) * 1000

function nextPerson(): number {
  const perRow = Math.floor(subscribers / side)
  const isDriver = dice(1000) < shareOfDrivers * 1000
  const drawn = dice(Math.floor(perRow / 10)) * 10
  return isDriver ? drawn : drawn + 1 + dice(9)
}

function cellOf(who: number, inRow: number, isFirst: boolean): number {
  if (inRow % 10 !== 0) return place[who]! - (!isFirst && dice(10) === 0 && place[who]! % side > 0 ? 1 : 0)
  const step = ++driven[who]! % (2 * side)
  return (who % side) * side + (step < side ? step : 2 * side - 1 - step)
}

let agent = 0

function makeBatch(timeMs: number, isFirst: number, rowCount = batchRows): Batch<'sighting'> {
  const builder = new BatchBuilder('sighting', rowCount)
  agent++
  for (let row = 0; row < rowCount; row++) {
    // A batch is of one agent: people in one row of cells.
    const who = isFirst >= 0 ? (isFirst + row) % subscribers : nextPerson() * side + (agent % side)
    builder.add()
    const c = builder.columns
    for (let word = 0; word < 4; word++) {
      c.subscriber[row * 4 + word] = mix(who, word + 1)
      if (isFirst >= 0 || row & 1) c.number[row * 4 + word] = mix(who, word + 5)
      if (isFirst >= 0 || row % 10 < 7) c.device[row * 4 + word] = mix(who, word + 9)
    }
    if (isFirst >= 0 || row % 10 < 7) c.model[row] = 35_000_000 + (who % 5000)
    c.key[row * 2] = mix(row + timeMs, 20)
    c.key[row * 2 + 1] = mix(row + timeMs, 21)
    const cell = cells[cellOf(who, Math.floor(who / side), isFirst >= 0)]!
    c.timeMs[row] = timeMs + Math.floor((row / batchRows) * (isFirst >= 0 ? 400 : batchMs))
    c.arrivalMs[row] = c.timeMs[row]! + 50
    c.cell[row] = builder.code(cell.cell)
    c.rat[row] = 3
    c.rsrpDbm[row] = -90
    if (dice(100) === 0) {
      c.latitude[row] = cell.latitude + dice(100) / 20_000
      c.longitude[row] = cell.longitude + dice(100) / 20_000
      c.accuracyM[row] = 20
    }
  }
  return builder.finish({ tenant: 'default', region: 'north', agent: 'north-1', epoch: 'e', lane: 'sighting', seq: agent })
}

const detector = createDetector({ region: 'north', cells })
let timeMs = startMs
const fillFrom = cpuMs()
for (let first = 0; first < subscribers; first += batchRows) {
  detector.sightings(makeBatch(timeMs, first))
  detector.flush()
  timeMs += 400
}
const fillMs = cpuMs() - fillFrom
const stateBytes = detector.stateBytes()

const spent = { decode: 0, detect: 0, flush: 0, encode: 0 }
let done = 0
let told = 0
while (done < rows) {
  const frame = encodeBatch(makeBatch(timeMs, -1))
  timeMs += batchMs
  const t0 = cpuMs()
  const batch = decodeBatch(frame) as Batch<'sighting'>
  const t1 = cpuMs()
  detector.sightings(batch)
  const t2 = cpuMs()
  const { batches } = detector.flush()
  const t3 = cpuMs()
  for (const one of batches) {
    told += one.kind === 'sighting' ? 0 : one.rows
    encodeBatch(one)
  }
  spent.decode += t1 - t0
  spent.detect += t2 - t1
  spent.flush += t3 - t2
  spent.encode += cpuMs() - t3
  done += batchRows
}
const nsPerRow = Object.fromEntries(Object.entries(spent).map(([stage, ms]) => [stage, Math.round((ms * 1e6) / done)]))
const detectMs = spent.detect + spent.flush

/** The whole path of a message but the wire and the disk: ns of processor time a row. */
function takeMessages(messageRows: number): { nsPerRow: number; rowsPerSecond: number; octetsOutPerRow: number } {
  const report = new Proxy({}, { get: () => () => undefined }) as HubReport
  let octets = 0
  const outlets = {
    spool: (_topic: string, frame: Uint8Array) => {
      octets += frame.length
    },
    observe: () => undefined,
    claims: () => undefined,
  }
  const deps = { tenant: 'default', region: 'north', hubEpoch: () => 1, ledger: new Ledger(), detector, outlets, report }
  const taker = new BatchTaker({ ...deps, clock: { nowMs: () => timeMs, monotonicMs: () => timeMs } })
  let taken = 0
  let ms = 0
  for (let message = 1; taken < rows / 2; message++) {
    const batch = makeBatch(timeMs, -1, messageRows)
    timeMs += (batchMs * messageRows) / batchRows
    const frame = encodeBatch(batch)
    const from = cpuMs()
    taker.take({ tenant: 'default', agent: 'north-1', lane: 'sighting', epoch: 'e', seq: batch.meta.seq, frame })
    if (message % Math.round(8192 / messageRows) === 0) taker.flush()
    ms += cpuMs() - from
    taken += messageRows
  }
  return {
    nsPerRow: Math.round((ms * 1e6) / taken),
    rowsPerSecond: Math.round((taken / ms) * 1000),
    octetsOutPerRow: Math.round(octets / taken),
  }
}

const path = { rows4096: takeMessages(4096), rows1000: takeMessages(1000) }
console.log(
  JSON.stringify({
    bench: 'hub',
    cpu: cpus()[0]?.model,
    node: process.version,
    subscribers,
    rows: done,
    rowsPerSecond: Math.round((done / detectMs) * 1000),
    rowsPerSecondWithCodec: Math.round((done / (detectMs + spent.decode + spent.encode)) * 1000),
    nsPerRow,
    path,
    toldPerRow: Math.round((told / done) * 1000) / 1000,
    stateBytesPerSubscriber: Math.round(stateBytes / subscribers),
    stateBytesPerSubscriberAfter: Math.round(detector.stateBytes() / subscribers),
    rssBytes: process.memoryUsage().rss,
    fillMs: Math.round(fillMs),
  }),
)
