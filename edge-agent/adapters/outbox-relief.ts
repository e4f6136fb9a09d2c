/**
 * What happens when the outbox fills: resolution goes before data, and what must go is put on record.
 *
 * In this order, oldest first, and only among rows that wait without a number: windows and usage are merged into 1 min, then into 5 min;
 * then the oldest windows are given up, then the oldest sightings and whole events of lane `sighting`. Never alarm, movement or ledger.
 * Each step is one transaction of the caller: a loss record is written with the deletion it tells of.
 */
import { BatchBuilder } from '#shared/batch-builder.ts'
import { decodeBatch } from '#shared/batch-codec.ts'
import type { Clock } from '#shared/clock.ts'
import { families } from '#shared/families.ts'
import type { Batch } from '#shared/records.ts'
import { mergeParts, type PartKind } from '../merge-parts.ts'
import type { OutboxLoss } from '../ports.ts'
import { RowKeys } from '../row-keys.ts'
import type { OutboxRows, RowFields } from './outbox-rows.ts'

export interface OutboxReliefOptions {
  readonly storeId: string
  readonly epoch: string
  readonly batchRows: number
  readonly clock: Clock
}

const coarser = [
  { fromMs: 10_000, toMs: 60_000, rows: 60 },
  { fromMs: 60_000, toMs: 300_000, rows: 50 },
] as const
const kinds: readonly PartKind[] = ['window', 'usage']
const lossKeys = 1
const givenUpTogether = 8

export class OutboxRelief {
  readonly #rows: OutboxRows
  readonly #options: OutboxReliefOptions
  readonly #nextPart: () => number
  readonly #keys: RowKeys
  #losses = 0

  constructor(rows: OutboxRows, options: OutboxReliefOptions, nextPart: () => number) {
    this.#rows = rows
    this.#options = options
    this.#nextPart = nextPart
    this.#keys = new RowKeys(options.storeId, lossKeys)
  }

  /** Makes some room. Undefined: there is nothing left that may be merged or given up. */
  step(): readonly OutboxLoss[] | undefined {
    for (const { fromMs, toMs, rows } of coarser) {
      for (const kind of kinds) if (this.#merge(kind, fromMs, toMs, rows)) return []
    }
    return this.#giveUp('window') ?? this.#giveUp('sighting')
  }

  recordLoss(
    row: Pick<RowFields, 'lane' | 'record' | 'fromMs' | 'toMs' | 'boundaryMs'>,
    reason: string,
    rows: number,
    batches: number,
  ): void {
    const builder = new BatchBuilder('loss', 1)
    builder.add()
    const { columns } = builder
    this.#keys.write(columns.key, 0, Number(this.#options.epoch.split('.')[1]), ++this.#losses & 0xfffff)
    columns.timeMs[0] = this.#options.clock.nowMs()
    columns.lane[0] = builder.code(row.lane)
    columns.record[0] = builder.code(row.record)
    columns.reason[0] = builder.code(reason)
    columns.rows[0] = rows
    columns.batches[0] = batches
    columns.fromMs[0] = row.fromMs
    columns.toMs[0] = row.toMs
    const meta = { tenant: '', region: '', agent: '', epoch: '', lane: '', seq: 0 } as const
    this.#rows.insert(builder.finish(meta) as unknown as Batch, 'ledger', true, row.boundaryMs)
  }

  /** False when fewer than two rows of that width wait: merging one batch with itself makes no room. */
  #merge(kind: PartKind, fromMs: number, toMs: number, limit: number): boolean {
    const waiting = this.#rows.waitingOfWidth('window', kind, fromMs, limit)
    if (waiting.length < 2) return false
    const batches = waiting.map((fields) => decodeBatch(this.#rows.frame(fields.id)))
    const boundaryMs = Math.min(...waiting.map((fields) => fields.boundaryMs))
    const createdMs = Math.min(...waiting.map((fields) => fields.createdMs))
    for (const fields of waiting) this.#rows.delete(fields)
    for (const batch of mergeParts(kind, batches, toMs, this.#nextPart(), this.#options.batchRows)) {
      this.#rows.insert(batch, 'window', false, boundaryMs, createdMs)
    }
    return true
  }

  #giveUp(lane: 'window' | 'sighting'): readonly OutboxLoss[] | undefined {
    const waiting = this.#rows.waiting(lane, 0, givenUpTogether)
    if (waiting.length === 0) return undefined
    const lost = new Map<string, number>()
    for (const fields of waiting) {
      for (const [family, events] of eventsIn(decodeBatch(this.#rows.frame(fields.id)))) lost.set(family, (lost.get(family) ?? 0) + events)
      this.#rows.delete(fields)
    }
    for (const record of new Set(waiting.map((fields) => fields.record))) {
      const of = waiting.filter((fields) => fields.record === record)
      const range = { fromMs: Math.min(...of.map((one) => one.fromMs)), toMs: Math.max(...of.map((one) => one.toMs)) }
      const rows = of.reduce((sum, one) => sum + one.rows, 0)
      this.recordLoss({ lane, record, boundaryMs: of[0]!.boundaryMs, ...range }, 'outbox-quota', rows, of.length)
    }
    return [...lost].map(([family, events]) => ({ family, events }))
  }
}

/** Events that only this batch told of. A sighting is none: its event is counted in a window too. */
function eventsIn(batch: Batch): Map<string, number> {
  const events = new Map<string, number>()
  const add = (family: string, times: number) => events.set(family, (events.get(family) ?? 0) + times)
  for (let row = 0; row < batch.rows; row++) {
    if (batch.kind === 'window') {
      const { family, events: counted } = batch.columns as Batch<'window'>['columns']
      add(families[family[row]!] ?? '', counted[row]!)
    } else if (batch.kind === 'usage') add('dpi', (batch.columns as Batch<'usage'>['columns']).flows[row]!)
  }
  return events
}
