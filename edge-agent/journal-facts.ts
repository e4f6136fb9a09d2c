/** What a row of the journal holds, counted: so that it can be told exactly when the row is lost. Pure. */
import { families } from '#shared/families.ts'
import { duplicate, type EventBatch, rejected } from './event-batch.ts'
import type { JournalFacts } from './ports.ts'

export function factsOf(position: number, arrivalMs: number, batch: EventBatch): JournalFacts {
  const accepted = new Array<number>(families.length + 1).fill(0)
  const counts = { rejected: 0, duplicate: 0 }
  let fromMs = Number.POSITIVE_INFINITY
  let toMs = Number.NEGATIVE_INFINITY
  const { verdict, family, timeMs } = batch.columns
  for (let row = 0; row < batch.rows; row++) {
    if (verdict[row] === rejected) counts.rejected++
    else if (verdict[row] === duplicate) counts.duplicate++
    else {
      accepted[Math.min(family[row]!, families.length)]!++
      if (timeMs[row]! < fromMs) fromMs = timeMs[row]!
      if (timeMs[row]! > toMs) toMs = timeMs[row]!
    }
  }
  const isTimed = fromMs <= toMs
  return { position, arrivalMs, fromMs: isTimed ? fromMs : arrivalMs, toMs: isTimed ? toMs : arrivalMs, accepted, ...counts }
}

/** Events of all verdicts. */
export function eventsOfFacts({ accepted, rejected: refused, duplicate: repeated }: JournalFacts): number {
  return accepted.reduce((sum, count) => sum + count, 0) + refused + repeated
}
