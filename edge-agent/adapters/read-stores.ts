/**
 * Journal and outbox as somebody beside the agent sees them: through read-only connections, running or not. Promises to change nothing and to
 * hold up nobody. What vanishes while it is looked at (a segment that was released) is passed over: it was delivered.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Database, openDatabase } from '#shared/adapters/sqlite.ts'
import { decodeBatch } from '#shared/batch-codec.ts'
import { describeError } from '#shared/errors.ts'
import { EventBatch } from '../event-batch.ts'
import { decodeJournalRow } from '../journal-codec.ts'
import { describeRow } from '../live-tap.ts'
import { isSound, type StoredOutboxRow } from './outbox-row.ts'
import { rowChecksum, type StoredRow, segmentFiles } from './sqlite-segment.ts'

export interface SegmentFacts {
  readonly file: string
  readonly first: number
  readonly last: number
  readonly batches: number
  readonly events: number
  readonly bytes: number
  readonly oldestMs: number | null
  readonly newestMs: number | null
}

export interface OutboxFacts {
  readonly lane: string
  readonly record: string
  /** False: these rows get their number when they are about to be sent. */
  readonly numbered: boolean
  readonly batches: number
  readonly rows: number
  readonly bytes: number
  readonly oldestMs: number
  readonly newestMs: number
}

export interface StoresFacts {
  readonly segments: readonly SegmentFacts[]
  readonly outbox: readonly OutboxFacts[]
  readonly outboxBytes: number
  readonly quarantined: readonly string[]
}

export interface StoresVerdict {
  readonly files: number
  readonly rows: number
  readonly bytes: number
  readonly problems: readonly string[]
}

export interface OutboxFrame {
  readonly id: number
  readonly epoch: string
  readonly lane: string
  readonly seq: number
  readonly record: string
  readonly rows: number
  readonly createdMs: number
  readonly bytes: number
  readonly frame: Buffer
}

const journalOf = (dataDir: string) => join(dataDir, 'journal')
const outboxOf = (dataDir: string) => join(dataDir, 'outbox.db')

export function listStores(dataDir: string): StoresFacts {
  const segments = standingSegments(dataDir).flatMap(({ file, first }) => {
    const facts = reading(file, (db) =>
      db
        .prepare<[], { last: number | null; batches: number; events: number; oldestMs: number | null; newestMs: number | null }>(
          'SELECT max(position) AS last, count(*) AS batches, total(rows) AS events, min(arrivalMs) AS oldestMs, max(arrivalMs) AS newestMs FROM batch',
        )
        .get(),
    )
    return facts === undefined ? [] : [{ file: basename(file), first, ...facts, last: facts.last ?? first - 1, bytes: sizeOf(file) }]
  })
  const outbox =
    reading(outboxOf(dataDir), (db) =>
      db
        .prepare<[], Omit<OutboxFacts, 'numbered'> & { numbered: number }>(
          `SELECT lane, record, seq > 0 AS numbered, count(*) AS batches, total(rows) AS rows, total(bytes) AS bytes,
             min(createdMs) AS oldestMs, max(createdMs) AS newestMs FROM row GROUP BY lane, record, seq > 0 ORDER BY min(id)`,
        )
        .all(),
    ) ?? []
  const aside = [join(journalOf(dataDir), 'quarantine'), join(dataDir, 'quarantine')]
  return {
    segments,
    outbox: outbox.map((one) => ({ ...one, numbered: one.numbered === 1 })),
    outboxBytes: sizeOf(outboxOf(dataDir)),
    quarantined: aside.flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : [])),
  }
}

/** Every file's structure, every row's checksum, every frame's coding. */
export function verifyStores(dataDir: string, progress: (words: string) => void = () => {}): StoresVerdict {
  const problems: string[] = []
  let [files, rows, bytes] = [0, 0, 0]
  const look = (file: string, check: (db: Database) => number) => {
    if (!existsSync(file)) return
    progress(`verifying ${basename(file)} …`)
    try {
      const found = reading(file, (db) => {
        const verdict = db.pragma('quick_check(3)') as { quick_check: string }[]
        for (const { quick_check: words } of verdict) if (words !== 'ok') problems.push(`${basename(file)}: ${words}`)
        return check(db)
      })
      if (found === undefined) return
      files++
      rows += found
      bytes += sizeOf(file)
    } catch (error) {
      problems.push(`${basename(file)}: ${describeError(error)}`)
    }
  }
  const batch = new EventBatch(256)
  for (const { file } of standingSegments(dataDir)) {
    look(file, (db) => {
      let count = 0
      for (const row of db.prepare<[], StoredRow>('SELECT * FROM batch ORDER BY position').iterate()) {
        count++
        try {
          if (rowChecksum(row.body, row.ids) !== row.crc) throw new Error('its checksum does not match')
          decodeJournalRow(row.body, row.ids, batch)
        } catch (error) {
          problems.push(`${basename(file)}: row ${row.position} (${row.rows} events): ${describeError(error)}`)
        }
      }
      return count
    })
  }
  look(outboxOf(dataDir), (db) => {
    let count = 0
    for (const row of db.prepare<[], StoredOutboxRow>('SELECT * FROM row ORDER BY id').iterate()) {
      count++
      try {
        if (row.crc !== undefined && !isSound(row)) throw new Error('its checksum does not match') // undefined: a store of before checksums
        decodeBatch(row.frame)
      } catch (error) {
        problems.push(`outbox.db: row ${row.id} (lane ${row.lane}, number ${row.seq}): ${describeError(error)}`)
      }
    }
    return count
  })
  return { files, rows, bytes, problems }
}

/** Events of the journal, one line of JSON each: decoded, pseudonymised as they are stored. */
export function* exportJournal(dataDir: string): Generator<string> {
  const batch = new EventBatch(256)
  for (const { file } of standingSegments(dataDir)) {
    const db = openDatabase(file, { readonly: true })
    try {
      for (const row of db.prepare<[], StoredRow>('SELECT * FROM batch ORDER BY position').iterate()) {
        if (rowChecksum(row.body, row.ids) !== row.crc) continue // verify tells of it
        decodeJournalRow(row.body, row.ids, batch)
        for (let at = 0; at < batch.rows; at++) yield describeRow(batch, at)
      }
    } finally {
      db.close()
    }
  }
}

/** Frames of the outbox, oldest first. */
export function* readOutbox(dataDir: string, lane?: string): Generator<OutboxFrame> {
  if (!existsSync(outboxOf(dataDir))) return
  const db = openDatabase(outboxOf(dataDir), { readonly: true })
  try {
    const columns = 'id, epoch, lane, seq, record, rows, createdMs, bytes, frame'
    yield* lane === undefined
      ? db.prepare<[], OutboxFrame>(`SELECT ${columns} FROM row ORDER BY id`).iterate()
      : db.prepare<[string], OutboxFrame>(`SELECT ${columns} FROM row WHERE lane = ? ORDER BY id`).iterate(lane)
  } finally {
    db.close()
  }
}

function standingSegments(dataDir: string): { file: string; first: number }[] {
  return existsSync(journalOf(dataDir)) ? segmentFiles(journalOf(dataDir)) : []
}

/** Undefined when the file is not there (any more). */
function reading<T>(file: string, use: (db: Database) => T): T | undefined {
  if (!existsSync(file)) return undefined
  let db: Database
  try {
    db = openDatabase(file, { readonly: true })
  } catch (error) {
    if (!existsSync(file)) return undefined
    throw error
  }
  try {
    return use(db)
  } finally {
    db.close()
  }
}

function sizeOf(file: string): number {
  return [file, `${file}-wal`].reduce((sum, one) => sum + (existsSync(one) ? statSync(one).size : 0), 0)
}
