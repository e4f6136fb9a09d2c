/**
 * Makes a sound outbox out of a damaged one and its notes.
 *
 *   damaged file ──▶ every row whose checksum holds ──┐
 *   notes        ──▶ which rows there must be ────────┴──▶ outbox.db.new ──▶ (damaged file set aside) ──▶ outbox.db
 *
 * What decides that nothing counts twice:
 * · A row that the notes say was freed, merged or given its number under another id is not taken over, however well it reads: it is an old
 *   page that came back, and its successor may have been sent.
 * · A row newer than the notes is taken over: the process died between its transaction and its note, so nothing of it was sent. Its own
 *   columns say how far the journal was covered with it.
 * · Coverage is the highest that file, rows and notes know. It never goes back: what was cut once is not cut again, even when the rows it was
 *   cut into are lost. They are then on record as lost, with the number of events each told of.
 * · When neither file nor notes can be read, nobody knows what was sent. Then the whole journal counts as covered and is put on record as lost
 *   (`coverage` undefined, see cover-journal.ts): too much is said to be lost rather than anything counted twice.
 * A lost row that had a number leaves an empty one under it: the hub waits for no number that will not come. If the hub had the row already,
 * without having said so, the empty one is a repeat to it, and the loss was told in vain.
 * Crashes: the new file is complete or does not count, and once complete it alone counts.
 */
import { existsSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Database, openDatabase } from '#shared/adapters/sqlite.ts'
import { DiskFull } from '#shared/errors.ts'
import { syncDirectory } from './id-segments.ts'
import type { Noted, RowNote } from './outbox-notes.ts'
import { blankRow, insertRow, isSound, noteOf, type StoredOutboxRow } from './outbox-row.ts'
import { createOutbox, type OutboxOpening, readMeta, writeMeta } from './outbox-schema.ts'
import { pruneQuarantine, setAside } from './quarantine-folder.ts'

export interface Salvaged {
  readonly aside: string
  readonly saved: number
  readonly lost: number
}

const rowsPerTransaction = 256

export function salvageOutbox(opening: OutboxOpening, noted: Noted | undefined): Salvaged {
  const { file } = opening
  const found = readAll(file, noted)
  const { kept, lost } = sort(found.rows, noted)
  writeNew(opening, { ...found, kept, lost, noted })
  const aside = finishSwap(file)
  return { aside, saved: kept.length, lost: lost.length }
}

/** Puts a complete new file in its place. The damaged one goes first, with its log. */
export function finishSwap(file: string): string {
  const aside = setAside(file)
  renameSync(`${file}.new`, file)
  syncDirectory(dirname(file))
  pruneQuarantine(dirname(file))
  return aside
}

interface Found {
  readonly rows: Map<number, StoredOutboxRow>
  readonly meta: Map<string, number>
  readonly tallies: readonly Record<string, unknown>[]
}

/** From both ends and then one by one, stepping over what cannot be read. */
function readAll(file: string, noted: Noted | undefined): Found {
  const rows = new Map<number, StoredOutboxRow>()
  const found = { rows, meta: new Map<string, number>(), tallies: [] as Record<string, unknown>[] }
  const db = attempt(() => openDatabase(file, { readonly: true }))
  if (db === undefined) return found
  try {
    const take = (row: StoredOutboxRow | undefined) => {
      if (row !== undefined && Buffer.isBuffer(row.frame) && isSound(row)) rows.set(row.id, row)
    }
    for (const order of ['ASC', 'DESC']) {
      attempt(() => {
        for (const row of db.prepare<[], StoredOutboxRow>(`SELECT * FROM row NOT INDEXED ORDER BY id ${order}`).iterate()) take(row)
      })
    }
    const one = attempt(() => db.prepare<[number], StoredOutboxRow>('SELECT * FROM row NOT INDEXED WHERE id = ?'))
    for (const id of noted?.rows.keys() ?? []) if (!rows.has(id)) take(attempt(() => one?.get(id)))
    found.meta = attempt(() => readMeta(db)) ?? found.meta
    found.tallies = attempt(() => db.prepare<[], Record<string, unknown>>('SELECT * FROM tally').all()) ?? []
  } finally {
    attempt(() => db.close())
  }
  return found
}

function sort(rows: Map<number, StoredOutboxRow>, noted: Noted | undefined): { kept: StoredOutboxRow[]; lost: RowNote[] } {
  const kept: StoredOutboxRow[] = []
  const doubtful: RowNote[] = []
  for (const row of rows.values()) {
    if (noted === undefined || row.id > noted.highestId || noted.rows.has(row.id)) kept.push(row)
    else if (noted.unreadable > 0) doubtful.push(noteOf(row, JSON.parse(row.events))) // its note may be among those that cannot be read
  }
  const lost = [...(noted?.rows.values() ?? [])].filter(({ id }) => !rows.has(id))
  return { kept: kept.sort((a, b) => a.id - b.id), lost: [...lost, ...doubtful] }
}

function writeNew(opening: OutboxOpening, from: Found & { kept: StoredOutboxRow[]; lost: RowNote[]; noted: Noted | undefined }): void {
  const { kept, lost, noted, meta, tallies } = from
  const file = `${opening.file}.new`
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true })
  const db = withRoom(opening, () => createOutbox(file, opening.quotaBytes))
  try {
    const write = (work: () => void) => withRoom(opening, () => db.transaction(work).immediate())
    const put = db.prepare<[StoredOutboxRow]>(insertRow('id'))
    const owe = db.prepare<[string]>('INSERT INTO owed (row) VALUES (?)')
    const highestId = Math.max(noted?.highestId ?? 0, kept.at(-1)?.id ?? 0)
    const isBlind = noted === undefined && meta.size === 0
    write(() => {
      const highest = (name: 'fast' | 'slow') =>
        kept.reduce((most, row) => Math.max(most, row[name]), Math.max(meta.get(name) ?? 0, noted?.coverage?.[name] ?? 0))
      writeMeta(db, {
        fast: highest('fast'),
        slow: highest('slow'),
        boundaryMs: noted?.coverage?.boundaryMs ?? meta.get('boundaryMs') ?? 0,
        hubEpoch: Math.max(meta.get('hubEpoch') ?? 0, noted?.hubEpoch ?? 0),
        tx: Math.max(meta.get('tx') ?? 0, noted?.tx ?? 0) + 1,
        coverageLost: isBlind ? 1 : 0,
      })
      for (const one of tallies) putTally(db, one)
      for (const row of lost) {
        owe.run(JSON.stringify(row))
        if (row.seq > 0) put.run(blankRow(row, opening))
      }
      db.prepare('DELETE FROM sqlite_sequence').run()
      db.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('row', ?)").run(highestId)
    })
    for (let at = 0; at < kept.length; at += rowsPerTransaction) {
      write(() => {
        for (const row of kept.slice(at, at + rowsPerTransaction)) put.run(row)
      })
    }
    write(() => writeMeta(db, { complete: 1 }))
    db.pragma('wal_checkpoint(TRUNCATE)')
  } finally {
    db.close()
  }
}

function putTally(db: Database, tally: Record<string, unknown>): void {
  const names = ['minuteMs', 'family', 'source', 'eventType', 'accepted', 'rejected', 'duplicate', 'late', 'lost']
  attempt(() =>
    db
      .prepare<unknown[]>(`INSERT OR REPLACE INTO tally VALUES (${names.map(() => '?').join(', ')})`)
      .run(...names.map((name) => tally[name])),
  )
}

/** On a full volume the ballast goes, then what was set aside earlier. */
function withRoom<T>(opening: OutboxOpening, work: () => T): T {
  const ways = [() => opening.dropBallast(), () => pruneQuarantine(dirname(opening.file), 0)]
  for (;;) {
    try {
      return work()
    } catch (error) {
      const isFull = error instanceof DiskFull || (error as { code?: string }).code === 'SQLITE_FULL'
      const way = ways.shift()
      if (!isFull || way === undefined) throw error
      way()
    }
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** A new file that is complete, left by a crash just before it was put in its place. */
export function hasCompleteNew(file: string): boolean {
  if (!existsSync(`${file}.new`)) return false
  const db = attempt(() => openDatabase(`${file}.new`, { readonly: true }))
  if (db === undefined) return false
  try {
    return attempt(() => readMeta(db)?.get('complete')) === 1
  } finally {
    db.close()
  }
}
