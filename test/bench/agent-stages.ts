/** Processor time of each stage of the agent's front half, over the same events, stage by stage as intake runs them. */
import { mkdirSync } from 'node:fs'
import { systemClock } from '#shared/clock.ts'
import { Pseudonymiser } from '#shared/pseudonym.ts'
import { SqliteJournal } from '../../edge-agent/adapters/sqlite-journal.ts'
import { Decoder } from '../../edge-agent/decode.ts'
import { Duplicates } from '../../edge-agent/duplicates.ts'
import { EventBatch } from '../../edge-agent/event-batch.ts'
import { IdHasher } from '../../edge-agent/id-hash.ts'
import { payload } from './mqtt-load.ts'

const eventsInAll = 200_000
const eventsPerCommit = 2_000
const rounds = 6
const warmUp = 2

export function measureStages(directory: string, events: number): Record<string, number> {
  mkdirSync(directory, { recursive: true })
  const none = () => {}
  const report = { segmentQuarantined: none, idsQuarantined: none, ballastDropped: none, ballastRestored: none }
  const journal = new SqliteJournal({ directory, ballastBytes: 0, quotaBytes: 2 ** 34 }, { clock: systemClock, report })
  const decoder = new Decoder({
    pseudonymiser: new Pseudonymiser({ kid: 'bench', secret: Buffer.alloc(32, 1) }),
    hasher: new IdHasher(journal.idKey),
  })
  const duplicates = new Duplicates()
  const batch = new EventBatch(4096)
  let sequence = 0
  const messages = Array.from({ length: eventsInAll / events }, (_, at) => Buffer.from(payload(at % 50, events, () => sequence++)))
  const spent = {
    'JSON.parse alone': 0,
    'decode (with JSON.parse)': 0,
    'repeats (id table)': 0,
    'journal row and fsync': 0,
    'empty the batch': 0,
  }
  for (let round = 0; round < rounds; round++) {
    if (round === warmUp) for (const stage of Object.keys(spent) as (keyof typeof spent)[]) spent[stage] = 0
    const perCommit = eventsPerCommit / events
    for (let from = 0; from < messages.length; from += perCommit) {
      const group = messages.slice(from, from + perCommit)
      spent['empty the batch'] += cpuOf(() => batch.reset())
      spent['JSON.parse alone'] += cpuOf(() => {
        for (const octets of group) JSON.parse(octets.toString('latin1'))
      })
      const arrivalMs = Date.now()
      spent['decode (with JSON.parse)'] += cpuOf(() => {
        for (const octets of group)
          decoder.decode({ family: 'network', source: 'load', tenant: 'default', payload: octets, arrivalMs, settle: none }, batch)
      })
      spent['repeats (id table)'] += cpuOf(() => {
        duplicates.begin(arrivalMs, batch.rows)
        const { idHash } = batch.columns
        for (let row = 0; row < batch.rows; row++) duplicates.seen(idHash[2 * row]!, idHash[2 * row + 1]! ^ round)
      })
      spent['journal row and fsync'] += cpuOf(() => {
        journal.append(batch)
      })
      journal.release(journal.head)
    }
  }
  journal.close()
  return Object.fromEntries(Object.entries(spent).map(([stage, ms]) => [stage, (ms * 1e6) / (eventsInAll * (rounds - warmUp))]))
}

function cpuOf(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
