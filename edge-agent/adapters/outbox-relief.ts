/**
 * What happens when the outbox fills: resolution goes before data, and what must go is put on record.
 *
 * In this order, oldest first, and only among rows that wait without a number: windows and usage are merged into 1 min, then into 5 min;
 * then the oldest windows are given up, then the oldest sightings and whole events of lane `sighting`. Never alarm, movement or ledger.
 * Each step is one transaction of the caller: a loss record is and the events lost in the tallies are written with the deletion they tell of.
 */
import { decodeBatch } from '#shared/batch-codec.ts'
import { mergeParts, type PartKind } from '../merge-parts.ts'
import type { OutboxLoss } from '../ports.ts'
import type { OutboxRows } from './outbox-rows.ts'
import type { OutboxStore } from './outbox-store.ts'

const coarser = [
  { fromMs: 10_000, toMs: 60_000, rows: 60 },
  { fromMs: 60_000, toMs: 300_000, rows: 50 },
] as const
const kinds: readonly PartKind[] = ['window', 'usage']
const givenUpTogether = 8

/** Makes some room, in a transaction of the caller. Undefined: there is nothing left that may be merged or given up. */
export function relieveStep(store: OutboxStore, nextPart: () => number, batchRows: number): readonly OutboxLoss[] | undefined {
  for (const { fromMs, toMs, rows } of coarser) {
    for (const kind of kinds) if (merge(store.rows, kind, { fromMs, toMs, limit: rows, nextPart, batchRows })) return []
  }
  return giveUp(store, 'window') ?? giveUp(store, 'sighting')
}

interface Merging {
  readonly fromMs: number
  readonly toMs: number
  readonly limit: number
  readonly nextPart: () => number
  readonly batchRows: number
}

/** False when fewer than two rows of that width wait: merging one batch with itself makes no room. */
function merge(rows: OutboxRows, kind: PartKind, { fromMs, toMs, limit, nextPart, batchRows }: Merging): boolean {
  const waiting = rows.waitingOfWidth('window', kind, fromMs, limit)
  if (waiting.length < 2) return false
  const batches = waiting.map(({ id }) => decodeBatch(rows.sound(id).frame))
  const boundaryMs = Math.min(...waiting.map((fields) => fields.boundaryMs))
  const createdMs = Math.min(...waiting.map((fields) => fields.createdMs))
  for (const fields of waiting) rows.delete(fields)
  for (const batch of mergeParts(kind, batches, toMs, nextPart(), batchRows)) rows.insert(batch, 'window', false, boundaryMs, createdMs)
  return true
}

function giveUp(store: OutboxStore, lane: 'window' | 'sighting'): readonly OutboxLoss[] | undefined {
  const waiting = store.rows.waiting(lane, 0, givenUpTogether)
  if (waiting.length === 0) return undefined
  for (const fields of waiting) store.rows.delete(fields)
  const lost = store.giveUp(
    waiting.map((fields) => ({ ...fields, events: JSON.parse(fields.events) as Record<string, number> })),
    'outbox-quota',
  )
  return Object.entries(lost).map(([family, events]) => ({ family, events }))
}
