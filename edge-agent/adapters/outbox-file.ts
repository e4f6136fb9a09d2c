/**
 * Opens the outbox's database so that it can be trusted, whatever lies in its place: verifies structure, every row's checksum, and that file
 * and notes (outbox-notes.ts) tell the same. Never refuses to start for damage; what cannot be trusted is salvaged (salvage-outbox.ts).
 *
 *   file and notes agree ─────────────▶ open
 *   file is ahead of the notes ───────▶ open: the process died before it could note its last step; notes are written anew
 *   rows with a wrong checksum ───────▶ open: the owner gives up those rows, one by one
 *   anything else ────────────────────▶ salvage, then open the new file
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Database, guard } from '#shared/adapters/sqlite.ts'
import { DiskFull, describeError, TributaryError } from '#shared/errors.ts'
import { type Noted, OutboxNotes } from './outbox-notes.ts'
import { isSound, type StoredOutboxRow } from './outbox-row.ts'
import { addColumns, createOutbox, type OutboxOpening, readMeta } from './outbox-schema.ts'
import { finishSwap, hasCompleteNew, type Salvaged, salvageOutbox } from './salvage-outbox.ts'

export interface OpenedOutbox {
  readonly db: Database
  readonly notes: OutboxNotes
  readonly noted: Noted | undefined
  /** Ids of rows whose checksum is wrong. */
  readonly spoiled: readonly number[]
  readonly damage: (Salvaged & { readonly why: string }) | undefined
}

export function openOutbox(opening: OutboxOpening): OpenedOutbox {
  const { file } = opening
  const notes = new OutboxNotes(`${file}.notes`)
  const noted = notes.read()
  if (hasCompleteNew(file)) finishSwap(file)
  const isNew = !existsSync(file) && noted === undefined // else a file without tables is damage
  const first = open(opening, isNew, noted)
  if (first.why === undefined) return { db: first.db, notes, noted, spoiled: first.spoiled, damage: undefined }
  const salvaged = salvageOutbox(opening, noted)
  const second = open(opening, true, undefined)
  if (second.why !== undefined) throw new Error(`${file}: the salvaged outbox is not sound either: ${second.why}`)
  return { db: second.db, notes, noted, spoiled: [], damage: { ...salvaged, why: first.why } }
}

type Verdict = { db: Database; spoiled: number[]; why: undefined } | { why: string }

function open(opening: OutboxOpening, mayBeEmpty: boolean, noted: Noted | undefined): Verdict {
  const { file, quotaBytes, dropBallast } = opening
  if (!mayBeEmpty && !holdsTables(file)) return { why: 'it is gone or empty' }
  let db: Database | undefined
  for (let attempt = 1; ; attempt++) {
    try {
      db = createOutbox(file, quotaBytes)
      return verified(db, file, noted)
    } catch (error) {
      db?.close()
      db = undefined
      if (!(error instanceof DiskFull)) {
        if (!isDamage(file, error)) throw error
        return { why: describeError(error) }
      }
      if (attempt === 2) throw error
      dropBallast()
    }
  }
}

function verified(db: Database, file: string, noted: Noted | undefined): Verdict {
  return guard(file, () => {
    const refuse = (why: string): Verdict => {
      db.close()
      return { why }
    }
    const words = String(db.pragma('integrity_check(1)', { simple: true }))
    if (words !== 'ok') return refuse(words)
    addColumns(db)
    const spoiled: number[] = []
    const unseen = new Set(noted?.rows.keys())
    for (const row of db.prepare<[], StoredOutboxRow>('SELECT * FROM row NOT INDEXED ORDER BY id').iterate()) {
      if (!isSound(row)) spoiled.push(row.id)
      unseen.delete(row.id)
    }
    const meta = readMeta(db)
    if (meta === undefined) return refuse('what it says of itself does not match its checksum')
    const tx = meta.get('tx') ?? 0
    if (noted === undefined || tx > noted.tx) return { db, spoiled, why: undefined }
    if (tx < noted.tx) return refuse(`it stands at transaction ${tx}, ${noted.tx} were noted: the end of its log is lost`)
    if (noted.unreadable === 0 && unseen.size > 0) return refuse(`${unseen.size} rows that were noted are not in it`)
    return { db, spoiled, why: undefined }
  })
}

function holdsTables(file: string): boolean {
  return existsSync(file) && statSync(file).size > 0
}

/** Not: a file or folder that this user may not write, one that another process holds, too little memory. */
function isDamage(file: string, error: unknown): boolean {
  const code = [error, (error as Error).cause]
    .map((one) => String((one as { code?: unknown } | undefined)?.code))
    .find((one) => one.startsWith('SQLITE_'))
  if (code === undefined && !(error instanceof TributaryError)) return false
  if (/^SQLITE_(BUSY|LOCKED|NOMEM|PERM|AUTH)/.test(code ?? '')) return false
  try {
    for (const place of [file, dirname(file)]) accessSync(place, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}
