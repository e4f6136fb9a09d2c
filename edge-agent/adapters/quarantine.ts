/**
 * Sets a damaged segment of the journal aside and saves what can still be read of it, row by row, under the segment's own name. Says what was
 * lost as far as its neighbours know it; its facts (segment-facts.ts) stay and know it exactly. The damaged file is kept for a person to look at.
 *
 * What is saved is written in a folder of its own and takes the segment's place when it is complete: a crash on the way loses nothing.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openDatabase } from '#shared/adapters/sqlite.ts'
import { DiskFull, describeError } from '#shared/errors.ts'
import type { JournalReport } from '../events.ts'
import type { Ballast } from './ballast.ts'
import { syncDirectory } from './id-segments.ts'
import { pruneQuarantine, setAside } from './quarantine-folder.ts'
import { type Origin, rowChecksum, SqliteSegment, type StoredRow } from './sqlite-segment.ts'

interface Quarantined {
  readonly last: number
  readonly damage: { file: string; savedBatches: number; lostBatches: number; lostEvents: number }
}

/**
 * A segment that cannot be trusted is set aside; what can be read of it goes on under its name, up to `salvagedTo`. Opening writes: on a full volume the
 * ballast goes.
 */
export function openSegment(
  file: string,
  nextFirst: number | undefined,
  { ballast, report }: { ballast: Ballast; report: JournalReport },
): { segment: SqliteSegment; salvagedTo?: number } {
  try {
    return { segment: ballast.roomFor(() => SqliteSegment.open(file)) }
  } catch (cause) {
    if (cause instanceof DiskFull) throw cause
    const { last, damage } = ballast.roomFor(() => quarantineSegment(file, nextFirst))
    report.segmentQuarantined({ ...damage, why: describeError(cause) })
    return { segment: SqliteSegment.open(file), salvagedTo: last }
  }
}

/** `nextFirst`: first position of the segment that follows, if there is one. */
function quarantineSegment(file: string, nextFirst: number | undefined): Quarantined {
  const directory = dirname(file)
  const first = Number(/(\d{15})\.db$/.exec(file)![1])
  const { rows, packets, origin } = salvage(file)
  const workshop = join(directory, 'salvage')
  rmSync(workshop, { recursive: true, force: true })
  mkdirSync(workshop, { mode: 0o750 })
  const segment = SqliteSegment.create(workshop, first, origin ?? { batches: 0, rows: 0 }, packets)
  const saved: StoredRow[] = []
  let last = first - 1
  let [savedBatches, lostBatches, lostEvents] = [0, 0, 0]
  for (const row of rows) {
    if (row.position < first || (nextFirst !== undefined && row.position >= nextFirst)) continue
    if (rowChecksum(row.body, row.ids) !== row.crc) {
      lostEvents += row.rows
      continue
    }
    saved.push(row)
    savedBatches++
    last = row.position
  }
  segment.appendTogether(saved)
  segment.seal()
  segment.close()
  const aside = setAside(file)
  finishSalvage(directory)
  pruneQuarantine(directory)
  lostBatches = Math.max(0, (nextFirst === undefined ? (rows.at(-1)?.position ?? first - 1) + 1 : nextFirst) - first - savedBatches)
  lostEvents = Math.max(lostEvents, lostOf(origin, nextFirst === undefined ? undefined : directory, nextFirst, rows))
  return { last, damage: { file: aside, savedBatches, lostBatches, lostEvents } }
}

/** Puts what was saved in its place, where a crash came in between. */
export function finishSalvage(directory: string): void {
  const workshop = join(directory, 'salvage')
  if (!existsSync(workshop)) return
  for (const name of readdirSync(workshop)) {
    if (name.endsWith('.db') && !existsSync(join(directory, name))) renameSync(join(workshop, name), join(directory, name))
  }
  rmSync(workshop, { recursive: true, force: true })
  syncDirectory(directory)
}

/** Rows the following segment says there were, without those that could be read well. */
function lostOf(
  origin: Origin | undefined,
  directory: string | undefined,
  nextFirst: number | undefined,
  rows: readonly StoredRow[],
): number {
  if (directory === undefined || nextFirst === undefined || origin === undefined) return 0
  try {
    const next = openDatabase(join(directory, `journal-${String(nextFirst).padStart(15, '0')}.db`), { readonly: true })
    try {
      const after = next.prepare<[], Origin>('SELECT batches, rows FROM origin').get()
      const well = rows.reduce((sum, row) => sum + (rowChecksum(row.body, row.ids) === row.crc ? row.rows : 0), 0)
      return after === undefined ? 0 : after.rows - origin.rows - well
    } finally {
      next.close()
    }
  } catch {
    return 0
  }
}

/** Reads by position, stepping over what the damage hides: a page that cannot be read takes only its own rows. */
function salvage(file: string): { rows: StoredRow[]; packets: string[]; origin: Origin | undefined } {
  const rows = new Map<number, StoredRow>()
  let packets: string[] = []
  let origin: Origin | undefined
  try {
    const db = openDatabase(file, { readonly: true })
    try {
      origin = attempt(() => db.prepare<[], Origin>('SELECT batches, rows FROM origin').get())
      packets =
        attempt(() =>
          db
            .prepare<[], { key: string }>('SELECT key FROM packet')
            .all()
            .map(({ key }) => key),
        ) ?? []
      for (const order of ['ASC', 'DESC']) {
        attempt(() => {
          for (const row of db.prepare<[], StoredRow>(`SELECT * FROM batch ORDER BY position ${order}`).iterate())
            rows.set(row.position, row)
        })
      }
      const known = [...rows.keys()]
      const [low, high] = [Math.min(...known), Math.max(...known)]
      const one = db.prepare<[number], StoredRow>('SELECT * FROM batch WHERE position = ?')
      for (let position = low; position <= high; position++) {
        if (rows.has(position)) continue
        const row = attempt(() => one.get(position))
        if (row !== undefined) rows.set(position, row)
      }
    } finally {
      db.close()
    }
  } catch {
    // not even its header can be read: nothing is saved
  }
  return { rows: [...rows.values()].sort((a, b) => a.position - b.position), packets, origin }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
