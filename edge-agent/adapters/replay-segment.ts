/**
 * Reads a segment's rows back into batches, each against its own checksum; what does not match, or is not there although its facts are, is
 * counted, handed to `lost` in its place, and passed over.
 */
import type { EventBatch } from '../event-batch.ts'
import type { JournalReport } from '../events.ts'
import { decodeJournalRow } from '../journal-codec.ts'
import type { JournalFacts } from '../ports.ts'
import { readFacts } from './segment-facts.ts'
import { rowChecksum, type SqliteSegment, type StoredRow } from './sqlite-segment.ts'

export interface Replaying {
  readonly after: number
  /** Filled anew for every row. */
  readonly batch: EventBatch
  readonly report: JournalReport
  readonly lost: (facts: JournalFacts) => void
}

export function* replaySegment(
  segment: SqliteSegment,
  { after, batch, report, lost }: Replaying,
): Iterable<{ position: number; batch: EventBatch }> {
  let [savedBatches, lostBatches, lostEvents] = [0, 0, 0]
  const facts = readFacts(segment.file).filter(({ position }) => position > after)
  let at = 0
  const passMissing = (before: number) => {
    for (; at < facts.length && facts[at]!.position < before; at++) lost(facts[at]!)
  }
  for (const row of segment.rows(after)) {
    passMissing(row.position)
    const known = facts[at]?.position === row.position ? facts[at++] : undefined
    if (!decoded(row, batch)) {
      lostBatches++
      lostEvents += row.rows
      lost(known ?? guessed(row))
      continue
    }
    savedBatches++
    if (batch.rows > 0) yield { position: row.position, batch }
  }
  passMissing(Number.POSITIVE_INFINITY)
  if (lostBatches > 0) {
    report.segmentQuarantined({ file: segment.file, why: 'rows whose checksum does not match', savedBatches, lostBatches, lostEvents })
  }
}

function decoded(row: StoredRow, batch: EventBatch): boolean {
  try {
    if (rowChecksum(row.body, row.ids) !== row.crc) return false
    decodeJournalRow(row.body, row.ids, batch)
    return true
  } catch {
    return false
  }
}

/** Without its facts, all that a damaged row holds counts as accepted, of no known family. */
function guessed({ position, arrivalMs, rows }: StoredRow): JournalFacts {
  return { position, arrivalMs, fromMs: arrivalMs, toMs: arrivalMs, accepted: [0, 0, 0, 0, 0, rows], rejected: 0, duplicate: 0 }
}
