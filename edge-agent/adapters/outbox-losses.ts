/**
 * What the outbox had to give up, put on record: a `loss` record for the reader and `lost` in the tallies, both rows of the transaction of the
 * caller, the same one that gives the rows up. So neither is there without the other, and a crash leaves none half told.
 *
 * The totals are its own: no tap can be called `#outbox` (a topic to publish to has no #), so no other part of the agent writes these keys.
 * They are absolute within an epoch, as all tallies are, and only grow: the total is its own revision.
 */
import { BatchBuilder } from '#shared/batch-builder.ts'
import type { Clock } from '#shared/clock.ts'
import type { Batch } from '#shared/records.ts'
import { RowKeys } from '../row-keys.ts'
import type { RowNote } from './outbox-notes.ts'
import type { OutboxRows } from './outbox-rows.ts'

export interface OutboxLossesOptions {
  readonly storeId: string
  readonly epoch: string
  readonly clock: Clock
}

/** Rows given up together for one reason. */
export type GivenUp = Pick<RowNote, 'lane' | 'record' | 'rows' | 'fromMs' | 'toMs' | 'boundaryMs' | 'events'>

const lossKeys = 1
const minuteMs = 60_000
const keptMinutes = 10
const noMeta = { tenant: '', region: '', agent: '', epoch: '', lane: '', seq: 0 } as const
export const lossSource = '#outbox'

export class OutboxLosses {
  readonly #options: OutboxLossesOptions
  readonly #keys: RowKeys
  #losses = 0
  /** By minute, then by family. */
  #totals = new Map<number, Readonly<Record<string, number>>>()

  constructor(options: OutboxLossesOptions) {
    this.#options = options
    this.#keys = new RowKeys(options.storeId, lossKeys)
  }

  /** One record per lane and kind of row. Returns the events lost, by family. */
  record(rows: OutboxRows, given: readonly GivenUp[], reason: string): Readonly<Record<string, number>> {
    const groups = new Map<string, GivenUp[]>()
    for (const one of given) {
      const key = `${one.lane} ${one.record}`
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [one])
      else group.push(one)
    }
    const lost: Record<string, number> = {}
    for (const group of groups.values()) {
      this.#writeLoss(rows, group, reason)
      for (const { events } of group) for (const [family, count] of Object.entries(events)) lost[family] = (lost[family] ?? 0) + count
    }
    const boundaryMs = given.reduce((least, one) => Math.min(least, one.boundaryMs), Number.POSITIVE_INFINITY)
    if (Object.values(lost).some((count) => count > 0)) this.#writeTally(rows, lost, boundaryMs)
    return lost
  }

  /** Undoes what memory learned since. */
  remember(): () => void {
    const totals = new Map(this.#totals)
    return () => {
      this.#totals = totals
    }
  }

  #writeLoss(rows: OutboxRows, group: readonly GivenUp[], reason: string): void {
    const builder = new BatchBuilder('loss', 1)
    builder.add()
    const { columns } = builder
    this.#keys.write(columns.key, 0, Number(this.#options.epoch.split('.')[1]), ++this.#losses & 0xfffff)
    columns.timeMs[0] = this.#options.clock.nowMs()
    columns.lane[0] = builder.code(group[0]!.lane)
    columns.record[0] = builder.code(group[0]!.record)
    columns.reason[0] = builder.code(reason)
    columns.rows[0] = group.reduce((sum, one) => sum + one.rows, 0)
    columns.batches[0] = group.length
    columns.fromMs[0] = group.reduce((least, one) => Math.min(least, one.fromMs), Number.POSITIVE_INFINITY)
    columns.toMs[0] = group.reduce((most, one) => Math.max(most, one.toMs), Number.NEGATIVE_INFINITY)
    const boundaryMs = group.reduce((least, one) => Math.min(least, one.boundaryMs), Number.POSITIVE_INFINITY)
    rows.insert(builder.finish(noMeta) as unknown as Batch, 'ledger', true, boundaryMs)
  }

  #writeTally(rows: OutboxRows, lost: Readonly<Record<string, number>>, boundaryMs: number): void {
    const minute = Math.floor(this.#options.clock.nowMs() / minuteMs) * minuteMs
    const totals = { ...this.#totals.get(minute) }
    const builder = new BatchBuilder('tally', 8)
    for (const [family, count] of Object.entries(lost)) {
      totals[family] = (totals[family] ?? 0) + count
      const row = builder.add()
      const { columns } = builder
      columns.minuteMs[row] = minute
      columns.family[row] = builder.code(family)
      columns.source[row] = builder.code(lossSource)
      for (const name of ['accepted', 'rejected', 'duplicate', 'late'] as const) columns[name][row] = 0
      columns.lost[row] = totals[family]!
      columns.revision[row] = totals[family]!
    }
    this.#totals.set(minute, totals)
    for (const old of [...this.#totals.keys()].sort((a, b) => a - b).slice(0, -keptMinutes)) this.#totals.delete(old)
    rows.insert(builder.finish(noMeta) as unknown as Batch, 'ledger', true, boundaryMs)
  }
}
