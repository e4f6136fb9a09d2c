/**
 * History in SQLite: the port's verbs, each handed to the file that knows its tables. Owns the folder `history/` of the core's data
 * directory; nobody else opens the files while the core runs.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Triage } from '#shared/control.ts'
import type { AlertQuery, CountGroup, CuratedBatch, Cursor, History, PartQuery, Range, Rejected } from '../ports.ts'
import { HistoryFile, SqliteBuckets } from './sqlite-buckets.ts'
import * as shown from './sqlite-history-alerts.ts'
import * as people from './sqlite-history-people.ts'
import * as totals from './sqlite-history-totals.ts'
import * as writing from './sqlite-history-write.ts'
import { mainKinds } from './sqlite-tables.ts'

export class SqliteHistory implements History {
  readonly name = 'history'
  readonly #dir: string
  readonly #nowMs: () => number
  #opened: writing.HistoryFiles | undefined

  constructor(options: { readonly dir: string; readonly nowMs: () => number }) {
    this.#dir = options.dir
    this.#nowMs = options.nowMs
  }

  get #files(): writing.HistoryFiles {
    if (this.#opened === undefined) throw new Error('history is not open')
    return this.#opened
  }

  async open(): Promise<void> {
    mkdirSync(this.#dir, { recursive: true })
    const buckets = new SqliteBuckets(this.#dir)
    buckets.start()
    this.#opened = { main: new HistoryFile(join(this.#dir, 'main.db'), mainKinds, writing.mainTables), buckets }
  }

  async close(): Promise<void> {
    this.#opened?.buckets.close()
    this.#opened?.main.db.close()
    this.#opened = undefined
  }

  write(batches: readonly CuratedBatch[], storedMs: number): Promise<void> {
    return writing.writeBatches(this.#files, batches, storedMs)
  }

  async saveCursor(cursor: Cursor): Promise<void> {
    writing.saveCursor(this.#files, cursor)
  }

  async cursor(): Promise<Cursor | undefined> {
    return writing.readCursor(this.#files)
  }

  async reject(frames: readonly Rejected[], storedMs: number): Promise<void> {
    writing.saveRejected(this.#files, frames, storedMs)
  }

  async rejectedFrames(): Promise<number> {
    return this.#files.main.one<{ n: number }>('SELECT COUNT(*) AS n FROM rejected')!.n
  }

  async expire(beforeMs: number): Promise<boolean> {
    return writing.expireStep(this.#files, beforeMs)
  }

  counts(tenant: string, range: Range, groupBy: readonly CountGroup[]) {
    return totals.counts(this.#files, tenant, range, groupBy)
  }

  async sightings(tenant: string, who: string, range: Range, limit: number, after?: { timeMs: number; key: string }) {
    return people.sightings(this.#files, tenant, who, range, limit, after)
  }

  async positions(tenant: string, who: string, range: Range, limit: number) {
    return people.positions(this.#files, tenant, who, range, limit)
  }

  async lastSighting(tenant: string, who: string, atMs: number) {
    const row = people.lastRow(this.#files, 'sighting', tenant, who, atMs)
    return row && people.sightingOf(row)
  }

  async lastPosition(tenant: string, who: string, atMs: number) {
    const row = people.lastRow(this.#files, 'position', tenant, who, atMs)
    return row && people.positionOf(row)
  }

  async bindingsFrom(tenant: string, kind: number, id: string) {
    return people.bindings(this.#files, tenant, kind, 'from', id)
  }

  async bindingsTo(tenant: string, kind: number, id: string) {
    return people.bindings(this.#files, tenant, kind, 'to', id)
  }

  async movements(tenant: string, number: string, subscribers: readonly string[], range: Range, limit: number) {
    return people.movements(this.#files, tenant, number, subscribers, range, limit)
  }

  async alerts(tenant: string, query: AlertQuery) {
    return shown.alerts(this.#files, tenant, query)
  }

  async alert(tenant: string, id: string, nowMs: number) {
    return shown.alert(this.#files, tenant, id, nowMs)
  }

  async alertHistory(tenant: string, id: string) {
    return shown.alertHistory(this.#files, tenant, id)
  }

  async saveTriage(tenant: string, triage: Triage) {
    return shown.saveTriage(this.#files, tenant, triage, this.#nowMs())
  }

  async triage(tenant: string, alertId: string) {
    return shown.triage(this.#files, tenant, alertId)
  }

  windowParts(tenant: string, query: PartQuery) {
    return totals.windowParts(this.#files, tenant, query)
  }

  usageParts(tenant: string, query: PartQuery) {
    return totals.usageParts(this.#files, tenant, query)
  }

  positionsBetween(tenant: string, range: Range, region?: string) {
    return totals.positionsBetween(this.#files, tenant, range, region)
  }

  async progress(tenant: string) {
    return totals.progress(this.#files, tenant)
  }

  async losses(tenant: string, range: Range) {
    return totals.losses(this.#files, tenant, range)
  }

  latest(sinceMs: number) {
    return people.latest(this.#files, sinceMs)
  }
}
