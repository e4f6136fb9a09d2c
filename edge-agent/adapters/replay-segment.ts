/** Reads a segment's rows back into batches, each against its own checksum; what does not match is counted and passed over. */
import type { EventBatch } from '../event-batch.ts'
import type { JournalReport } from '../events.ts'
import { decodeJournalRow } from '../journal-codec.ts'
import { rowChecksum, type SqliteSegment } from './sqlite-segment.ts'

/** `batch` is filled anew for every row. */
export function* replaySegment(
  segment: SqliteSegment,
  after: number,
  batch: EventBatch,
  report: JournalReport,
): Iterable<{ position: number; batch: EventBatch }> {
  let [savedBatches, lostBatches, lostEvents] = [0, 0, 0]
  for (const row of segment.rows(after)) {
    try {
      if (rowChecksum(row.body, row.ids) !== row.crc) throw new Error('checksum')
      decodeJournalRow(row.body, row.ids, batch)
    } catch {
      lostBatches++
      lostEvents += row.rows
      continue
    }
    savedBatches++
    if (batch.rows > 0) yield { position: row.position, batch }
  }
  if (lostBatches > 0) {
    report.segmentQuarantined({ file: segment.file, why: 'rows whose checksum does not match', savedBatches, lostBatches, lostEvents })
  }
}
