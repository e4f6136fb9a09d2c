/**
 * The front half of an agent on its own, for tests and benchmarks: broker → intake → journal, with a reader that remembers what it was
 * handed. Everything is real; only what stands behind the journal is missing.
 */

import { type Clock, systemClock } from '#shared/clock.ts'
import { createLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics.ts'
import { Pseudonymiser } from '#shared/pseudonym.ts'
import { Decoder } from '../decode.ts'
import { Duplicates, type DuplicatesConfig } from '../duplicates.ts'
import { type EventBatch, eventColumnSpecs, verdicts } from '../event-batch.ts'
import { type FrontReport, reportFront } from '../events.ts'
import { IdHasher } from '../id-hash.ts'
import { EventIntake, type IntakeConfig } from '../intake.ts'
import type { JournalReader } from '../ports.ts'
import { MqttBroker, type MqttBrokerConfig } from './mqtt-broker.ts'
import { type JournalConfig, SqliteJournal } from './sqlite-journal.ts'

export const testKey = { kid: 'test', secret: Buffer.alloc(32, 7) }

export interface FrontOptions {
  readonly journal: JournalConfig
  readonly mqtt?: Partial<MqttBrokerConfig>
  readonly intake?: IntakeConfig
  readonly duplicates?: DuplicatesConfig
  readonly reader?: JournalReader
  readonly clock?: Clock
  readonly die?: (error: unknown) => void
}

export function openFront(options: FrontOptions) {
  const clock = options.clock ?? systemClock
  const reports: { what: string; args: unknown[] }[] = []
  const real = reportFront(createLog({ service: 'agent', level: 'silent' }), createMetrics('agent', { processMetrics: false }), clock)
  const report = recording(real, reports)
  const journal = new SqliteJournal({ ballastBytes: 0, ...options.journal }, { clock, report })
  const hasher = new IdHasher(journal.idKey)
  const pseudonymiser = new Pseudonymiser(testKey)
  const decoder = new Decoder({ pseudonymiser, hasher, unknownField: report.unknownField })
  const taken: ReturnType<typeof rowsOf> = []
  const reader = options.reader ?? { take: (batch: EventBatch) => taken.push(...rowsOf(batch)) }
  const intake = new EventIntake(options.intake ?? {}, {
    clock,
    decoder,
    journal,
    reader,
    report,
    die: options.die,
    duplicates: new Duplicates(options.duplicates),
  })
  const broker = new MqttBroker(
    { host: '127.0.0.1', port: 0, tenant: 'default', ...options.mqtt },
    { intake, clock, report, hashClient: (id) => hasher.hex(id) },
  )
  return {
    journal,
    intake,
    broker,
    report,
    taken,
    reports,
    start: async () => {
      await intake.start()
      await broker.start()
    },
    stop: async () => {
      await broker.stop()
      await intake.stop()
      journal.close()
    },
  }
}

/** What tests compare: every row as an object of the columns that hold something. */
export function rowsOf(batch: EventBatch): Record<string, unknown>[] {
  const textColumns = new Set(['eventType', 'source', 'cell', 'targetCell', 'neighbourCell0', 'neighbourCell1', 'neighbourCell2', 'cause'])
  for (const name of ['channel', 'action', 'outcome', 'campaign', 'application', 'protocol', 'reason', 'field', 'body'])
    textColumns.add(name)
  return Array.from({ length: batch.rows }, (_, row) => {
    const shown: Record<string, unknown> = {}
    for (const { name, words, empty } of eventColumnSpecs) {
      const column = batch.columns[name]
      const values = [...column.subarray(row * words, (row + 1) * words)]
      if (values.every((value) => Object.is(value, empty))) continue
      if (name === 'verdict') shown[name] = verdicts[values[0]!]
      else if (textColumns.has(name)) shown[name] = batch.texts[values[0]!]
      else shown[name] = words === 1 ? values[0] : values.map((value) => value.toString(16).padStart(8, '0')).join('')
    }
    return shown
  })
}

function recording(real: FrontReport, reports: { what: string; args: unknown[] }[]): FrontReport {
  return new Proxy(real, {
    get:
      (target, what: keyof FrontReport) =>
      (...args: unknown[]) => {
        if (what !== 'committed') reports.push({ what, args })
        return (target[what] as (...args: unknown[]) => void)(...args)
      },
  })
}
