/** ns per event and cutting stage, on batches as intake makes them: `node test/bench/cut-stages.ts`. CPU time of the one thread, fixed seed, one line of JSON. */
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { TallyCounter } from '../../edge-agent/count-tallies.ts'
import { EventCutter } from '../../edge-agent/cut-events.ts'
import { SightingCutter } from '../../edge-agent/cut-sightings.ts'
import { UsageCutter } from '../../edge-agent/cut-usage.ts'
import { WindowCutter } from '../../edge-agent/cut-windows.ts'
import { accepted, EventBatch } from '../../edge-agent/event-batch.ts'
import { RowKeys } from '../../edge-agent/row-keys.ts'

const rows = 4_096
const batches = 64
const subscribers = 50_000
const cells = 200
const random = xoroshiro128plus(7)
const below = (limit: number) => (random.next() >>> 0) % limit
const types = ['measurement', 'handover', 'attach', 'session_end', 'paging']
const startMs = Date.UTC(2026, 0, 1)

function fill(batch: EventBatch, index: number): void {
  for (let at = 0; at < rows; at++) {
    const row = batch.add()
    const { columns } = batch
    const subscriber = below(subscribers) + 1
    const family = at % 5 === 4 ? 4 : at % 10 === 1 ? 1 : 0
    columns.family[row] = family
    columns.verdict[row] = accepted
    columns.timeMs[row] = startMs + index * 100 + (at % 100)
    columns.arrivalMs[row] = startMs + index * 100 + 120
    columns.cell[row] = batch.code(`272-01-${1_000 + (subscriber % cells)}`)
    columns.source[row] = batch.code(`enb-${subscriber % 20}`)
    columns.eventType[row] = batch.code(family === 0 ? types[below(types.length)]! : family === 1 ? 'registration' : 'flow')
    columns.subscriber.set([Math.imul(subscriber, 0x9e3779b1) >>> 0, subscriber, 1, 1], row * 4)
    columns.device.set([Math.imul(subscriber, 0x85ebca6b) >>> 0, subscriber, 1, 1], row * 4)
    columns.rsrpDbm[row] = -60 - below(800) / 10
    if (family === 0) columns.latencyMs[row] = 5 + below(1_000) / 10
    if (family !== 4) continue
    columns.application[row] = batch.code(`app-${below(30)}`)
    columns.protocol[row] = batch.code(below(3) === 0 ? 'udp' : 'tcp')
    columns.flows[row] = 1
    columns.bytesDown[row] = below(1_000_000)
    columns.rttMs[row] = 5 + below(100)
  }
}

const input = Array.from({ length: batches }, (_, index) => {
  const batch = new EventBatch(rows)
  fill(batch, index)
  return batch
})
const keys = new RowKeys('00112233445566778899aabbccddeeff')
const windows = new WindowCutter({ widthMs: 10_000, batchRows: 1_000 })
const usage = new UsageCutter({ widthMs: 10_000, batchRows: 1_000 })
const sightings = new SightingCutter({ keys, batchRows: 1_000, subscribers: 131_072, keepAliveMs: 900_000 })
const events = new EventCutter({ keys, batchRows: 1_000, deadLetterRows: 1_000 })
const tallies = new TallyCounter({ widthMs: 10_000, graceMs: 250, batchRows: 1_000, keptKeys: 20_000, recall: () => undefined })
const stages: Record<string, (batch: EventBatch, position: number) => void> = {
  windows: (batch) => windows.add(batch),
  usage: (batch) => usage.add(batch),
  sightings: (batch, position) => sightings.add(batch, position),
  events: (batch, position) => events.add(batch, position),
  tallies: (batch) => tallies.add(batch),
}

const spent: Record<string, number[]> = Object.fromEntries(Object.keys(stages).map((name) => [name, []]))
for (let round = 0; round < 12; round++) {
  for (const [name, stage] of Object.entries(stages)) {
    const from = process.threadCpuUsage()
    for (const [at, batch] of input.entries()) stage(batch, round * batches + at + 1)
    const { user, system } = process.threadCpuUsage(from)
    if (round >= 2) spent[name]!.push(((user + system) * 1e3) / (rows * batches))
  }
  for (const drain of [() => windows.cut(1), () => usage.cut(1), () => sightings.drain(), () => events.drain(), () => tallies.cut()])
    drain()
}
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!
const nsPerEvent = Object.fromEntries(Object.entries(spent).map(([name, values]) => [name, Math.round(median(values) * 10) / 10]))
const totalNs = Object.values(nsPerEvent).reduce((sum, one) => sum + one, 0)
process.stdout.write(`${JSON.stringify({ nsPerEvent, totalNs: Math.round(totalNs), eventsPerSecond: Math.round(1e9 / totalNs) })}\n`)
