/**
 * The outbox's database as its owner uses it: one transaction at a time, each noted in a second file (outbox-notes.ts) before it returns.
 *
 * Promises: a transaction is stored whole or not at all, and memory with it. Damage met on the way is dealt with before the work is tried again:
 * a row with a wrong checksum is given up alone, with an empty one under its number; a file that SQLite calls corrupt is set aside and
 * salvaged while the agent runs, and the numbers of this epoch go on, because memory knows all that were given out.
 * On a full volume the ballast goes; from then on only what makes room or drains is written, until the ballast is back.
 */
import { dirname } from 'node:path'
import { type Database, guard, isCorrupt } from '#shared/adapters/sqlite.ts'
import type { Clock } from '#shared/clock.ts'
import { DiskFull } from '#shared/errors.ts'
import type { Lane } from '#shared/records.ts'
import type { Coverage } from '../ports.ts'
import type { OutboxReport } from '../uplink-events.ts'
import { Ballast } from './ballast.ts'
import { openOutbox } from './outbox-file.ts'
import { type GivenUp, OutboxLosses } from './outbox-losses.ts'
import type { Noted, OutboxNotes, RowNote } from './outbox-notes.ts'
import { OutboxRows, SpoiledRow } from './outbox-rows.ts'
import { readMeta, writeMeta } from './outbox-schema.ts'
import { keepOctets } from './quarantine-folder.ts'

export interface OutboxStoreOptions {
  readonly file: string
  readonly tenant: string
  readonly region: string
  readonly agent: string
  readonly storeId: string
  readonly epoch: string
  readonly quotaBytes: number
  readonly maxFrameBytes: number
  readonly clock: Clock
  /** Room kept for a full volume; 0 for none. */
  readonly ballastBytes?: number
  readonly report?: OutboxReport
}

export interface Values {
  readonly coverage?: Coverage
  readonly hubEpoch?: number
}

/** What SQLite needs beyond the rows. */
const slackBytes = 32 << 20
const notesBytes = 8 << 20
const mostRepairs = 64
const freePages = 256
const pagesGivenBack = 1024

const silent: OutboxReport = { ballastDropped() {}, ballastRestored() {}, outboxSalvaged() {}, outboxRowsLost() {} }

export class OutboxStore {
  readonly losses: OutboxLosses
  readonly #options: OutboxStoreOptions
  readonly #report: OutboxReport
  readonly #ballast: Ballast
  #db!: Database
  #rows!: OutboxRows
  #notes!: OutboxNotes
  /** The notes lack a step and must be written anew. */
  #isBehind = false
  /** What a salvage lost is not on record yet. */
  #owes = false
  #tx = 0
  coverage: Coverage = { fast: 0, slow: 0, boundaryMs: 0 }
  hubEpoch = 0
  /** Neither file nor notes could say how far the journal is covered. */
  coverageLost = false

  constructor(options: OutboxStoreOptions) {
    const { file, clock, ballastBytes = 0, report = silent } = options
    this.#options = options
    this.#report = report
    this.losses = new OutboxLosses(options)
    this.#ballast = new Ballast(`${file}.ballast`, ballastBytes, { clock, report })
    this.#open(new Map())
    this.#ballast.restore()
  }

  get db(): Database {
    return this.#db
  }

  get rows(): OutboxRows {
    return this.#rows
  }

  /** One fsynced transaction that takes something new: refused while the ballast is gone. */
  take<T>(work: () => T, values: Values = {}): T {
    if (!this.#ballast.restore()) throw new DiskFull(`${this.#options.file}: the volume was full and has no room for the ballast yet`)
    if (this.#owes) this.#settle()
    return this.write(work, values)
  }

  /** One fsynced transaction that drains or makes room. Numbers given out in one that fails were never given out. */
  write<T>(work: () => T, values: Values = {}): T {
    return this.#repaired(() => {
      const undo = [this.#rows.remember(), this.losses.remember()]
      this.#rows.covered = values.coverage ?? this.coverage
      try {
        const result = guard(this.#options.file, () => this.#db.transaction(() => this.#work(work, values)).immediate())
        this.#done(values)
        return result
      } catch (error) {
        for (const one of undo) one()
        throw error
      }
    })
  }

  read<T>(work: () => T): T {
    return this.#repaired(() => guard(this.#options.file, work))
  }

  /** In a transaction: puts on record what it gives up. */
  giveUp(given: readonly GivenUp[], reason: string): Readonly<Record<string, number>> {
    const events = this.losses.record(this.#rows, given, reason)
    const rows = given.reduce((sum, one) => sum + one.rows, 0)
    this.#report.outboxRowsLost(reason, given.length, rows, events)
    return events
  }

  /** Gives room that is no longer used back to the volume. */
  shrink(): void {
    try {
      if (Number(this.#db.pragma('freelist_count', { simple: true })) >= freePages) this.#db.pragma(`incremental_vacuum(${pagesGivenBack})`)
      if (!this.#ballast.restore()) this.#db.pragma('wal_checkpoint(TRUNCATE)')
    } catch {
      // no room even for that: the next watermark comes in a second
    }
  }

  close(): void {
    this.#notes.close()
    this.#db.close()
  }

  #open(seqs: ReadonlyMap<Lane, number>): void {
    const { quotaBytes } = this.#options
    const { db, notes, noted, spoiled, damage } = openOutbox({
      ...this.#options,
      quotaBytes: quotaBytes + slackBytes,
      dropBallast: () => this.#ballast.drop(),
    })
    this.#db = db
    this.#notes = notes
    this.#rows = new OutboxRows(db, this.#options, seqs)
    const meta = readMeta(db) ?? new Map<string, number>()
    const value = (name: string) => meta.get(name) ?? 0
    this.#tx = value('tx')
    this.coverage = { fast: value('fast'), slow: value('slow'), boundaryMs: value('boundaryMs') }
    this.hubEpoch = value('hubEpoch')
    this.coverageLost = value('coverageLost') === 1
    this.#isBehind = true
    if (damage !== undefined) {
      const { aside, why, saved, lost } = damage
      this.#report.outboxSalvaged({ file: aside, why, savedBatches: saved, lostBatches: lost })
    }
    for (const id of spoiled) this.#spoil(id, noted)
    this.#owes = true
    this.#settle()
    this.#note({})
  }

  #work<T>(work: () => T, { coverage, hubEpoch }: Values): T {
    const result = work()
    const covered = coverage === undefined ? {} : { ...coverage, coverageLost: 0 }
    writeMeta(this.#db, { ...covered, ...(hubEpoch === undefined ? {} : { hubEpoch }), tx: this.#tx + 1 })
    return result
  }

  #done(values: Values): void {
    this.#tx++
    this.coverage = values.coverage ?? this.coverage
    this.hubEpoch = values.hubEpoch ?? this.hubEpoch
    if (values.coverage !== undefined) this.coverageLost = false
    this.#note(values)
  }

  /** A step that cannot be noted is made up for by notes that are written anew; until then the file is ahead of them, which is no damage. */
  #note(values: Values): void {
    const changes = this.#rows.takeChanges()
    try {
      if (!this.#isBehind && this.#notes.bytes < notesBytes) this.#notes.append({ tx: this.#tx, ...values, ...changes })
      else {
        const { coverage, hubEpoch } = this
        this.#notes.rewrite({ tx: this.#tx, coverage, hubEpoch, highestId: this.#rows.highestId }, this.#rows.notes())
        this.#isBehind = false
      }
    } catch {
      this.#notes.close()
      this.#isBehind = true
    }
  }

  #repaired<T>(work: () => T): T {
    for (let repairs = 0; ; repairs++) {
      try {
        return work()
      } catch (error) {
        if (error instanceof DiskFull) this.#ballast.drop()
        if (repairs === mostRepairs) throw error
        if (error instanceof SpoiledRow) this.#spoil(error.id, this.#notes.read())
        else if (isCorrupt(error)) this.#mend()
        else throw error
      }
    }
  }

  /** The file cannot be read as it should: it is closed, verified and salvaged, and the same work is done on the new one. */
  #mend(): void {
    const { seqs } = this.#rows
    this.#notes.close()
    this.#db.close()
    this.#open(seqs)
  }

  /** Gives up one row whose octets are not those that were written. */
  #spoil(id: number, noted: Noted | undefined): void {
    this.write(() => {
      const fields = this.#rows.fields(id)
      if (fields === undefined) return
      const note: RowNote = noted?.rows.get(id) ?? { ...fields, events: eventsOf(fields.events) }
      keepOctets(dirname(this.#options.file), `outbox-row-${id}`, this.#rows.octets(id))
      if (note.seq > 0) this.#rows.blank({ ...fields, ...note, events: '' })
      else this.#rows.delete(fields)
      this.giveUp([note], 'outbox-damaged')
    })
  }

  /** Puts on record what a salvage lost, in the transaction that forgets the debt. */
  #settle(): void {
    try {
      const owed = this.#db.prepare<[], { row: string }>('SELECT row FROM owed ORDER BY id').all()
      if (owed.length > 0) {
        this.write(() => {
          this.giveUp(
            owed.map(({ row }) => JSON.parse(row) as RowNote),
            'outbox-damaged',
          )
          this.#db.exec('DELETE FROM owed')
        })
      }
      this.#owes = false
    } catch (error) {
      if (!(error instanceof DiskFull)) throw error // it is tried again with the next cut
    }
  }
}

function eventsOf(text: string): Record<string, number> {
  try {
    return JSON.parse(text) as Record<string, number>
  } catch {
    return {} // the row's own octets, damaged, and no note of it
  }
}
