/**
 * The region's own history: the last days in SQLite, one file a day of arrival, so that forgetting a day is deleting a file.
 *
 * Windows and usage are kept as the parts they came in and merged on reading; tallies at their highest revision; positions sampled (the core
 * has them all); what the live stream said, for replay. Every write is an upsert by the record's own key: the same batch again changes nothing.
 * Runs in a thread of its own (history-thread.ts), away from detection. A file that cannot be opened is set aside and reported.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { type Database, guard, openDatabase } from '#shared/adapters/sqlite.ts'
import { decodeBatch } from '#shared/batch-codec.ts'
import { QuantileSketch } from '#shared/quantile-sketch.ts'
import { type Batch, type BytesColumn, type ColumnType, recordSchemas, wordsPerRow } from '#shared/records.ts'
import { type HistoryKind, historyKinds } from '../ports.ts'

/** Key columns; `agent` and `epoch` come from the batch. */
const keys: Readonly<Record<HistoryKind, readonly string[]>> = {
  window: ['startMs', 'cell', 'family', 'agent', 'epoch', 'part'],
  usage: ['startMs', 'cell', 'application', 'protocol', 'agent', 'epoch', 'part'],
  tally: ['minuteMs', 'family', 'source', 'eventType', 'agent', 'epoch'],
  loss: ['key'],
  position: ['subscriber', 'timeMs', 'key'],
}
/** A live message from this length on is kept packed. */
const packedFromChars = 2_000
const dayMs = 24 * 3600_000

export interface HistoryOptions {
  readonly dir: string
  readonly days: number
  readonly positionsPerS: number
  readonly onBroken: (file: string, words: string) => void
}

export class SqliteHistory {
  readonly #options: HistoryOptions
  readonly #days = new Map<string, Database>()
  #positionSecond = 0
  #positionsLeft = 0
  skippedPositions = 0

  constructor(options: HistoryOptions) {
    this.#options = options
    mkdirSync(options.dir, { recursive: true, mode: 0o700 })
    for (const name of readdirSync(options.dir)) {
      const day = /^(\d{4}-\d\d-\d\d)\.db$/.exec(name)?.[1]
      if (day !== undefined) this.#day(day)
    }
  }

  /** All frames in one transaction of the day. */
  write(
    nowMs: number,
    frames: readonly Uint8Array[],
    live: readonly { readonly timeMs: number; readonly type: string; readonly data: string }[],
  ): void {
    const day = this.#day(dayOf(nowMs))
    guard(day.name, () =>
      day
        .transaction(() => {
          for (const frame of frames) this.#insert(day, decodeBatch(frame), nowMs)
          const put = day.prepare('INSERT INTO live (timeMs, type, data) VALUES (?, ?, ?)')
          for (const { timeMs, type, data } of live) put.run(timeMs, type, data.length > packedFromChars ? zstdCompressSync(data) : data)
        })
        .immediate(),
    )
  }

  /** Runs a query in every day file that can hold rows from `fromMs` on: what came late stands in a later day's file. */
  all<T>(fromMs: number, sql: string, parameters: Readonly<Record<string, unknown>>): T[] {
    const from = dayOf(fromMs - dayMs)
    return [...this.#days].filter(([day]) => day >= from).flatMap(([, db]) => db.prepare(sql).all(parameters) as T[])
  }

  /** Deletes the days that are over. */
  forget(nowMs: number): void {
    const oldest = dayOf(nowMs - (this.#options.days - 1) * dayMs)
    for (const [day, db] of this.#days) {
      if (day >= oldest) continue
      db.close()
      this.#days.delete(day)
      for (const suffix of ['', '-wal', '-shm']) rmSync(join(this.#options.dir, `${day}.db${suffix}`), { force: true })
    }
  }

  close(): void {
    for (const db of this.#days.values()) db.close()
    this.#days.clear()
  }

  #day(day: string): Database {
    const known = this.#days.get(day)
    if (known !== undefined) return known
    const file = join(this.#options.dir, `${day}.db`)
    let db: Database
    try {
      db = open(file)
    } catch (error) {
      if (!existsSync(file)) throw error
      this.#options.onBroken(file, (error as Error).message)
      for (const suffix of ['', '-wal', '-shm']) {
        if (existsSync(`${file}${suffix}`)) renameSync(`${file}${suffix}`, `${file}.broken${suffix}`)
      }
      db = open(file)
    }
    this.#days.set(day, db)
    return db
  }

  #insert(db: Database, batch: Batch, nowMs: number): void {
    const kind = batch.kind as HistoryKind
    if (keys[kind] === undefined) return
    const names = [...Object.keys(recordSchemas[kind]), ...(usesAgent(kind) ? ['agent', 'epoch'] : [])]
    const newer = kind === 'tally' ? ` WHERE excluded.revision >= tally.revision` : ''
    const rest = names.filter((name) => !keys[kind].includes(name))
    const put = db.prepare(
      `INSERT INTO "${kind}" (${names.map((name) => `"${name}"`)}) VALUES (${names.map(() => '?')})
       ON CONFLICT DO UPDATE SET ${rest.map((name) => `"${name}" = excluded."${name}"`)}${newer}`,
    )
    for (let row = 0; row < batch.rows; row++) {
      if (kind === 'position' && !this.#samples(nowMs)) continue
      const values = Object.entries(recordSchemas[kind]).map(([name, type]) => cellOf(batch, name, type, row))
      put.run(...values, ...(usesAgent(kind) ? [batch.meta.agent, batch.meta.epoch] : []))
    }
  }

  #samples(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000)
    if (second !== this.#positionSecond) {
      this.#positionSecond = second
      this.#positionsLeft = this.#options.positionsPerS
    }
    if (this.#positionsLeft-- > 0) return true
    this.skippedPositions++
    return false
  }
}

function open(file: string): Database {
  const db = openDatabase(file)
  guard(file, () => {
    for (const kind of historyKinds) db.exec(tableOf(kind))
    db.exec('CREATE TABLE IF NOT EXISTS live (id INTEGER PRIMARY KEY, timeMs REAL NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL)')
    db.exec('CREATE INDEX IF NOT EXISTS live_time ON live (timeMs)')
    db.exec(`CREATE INDEX IF NOT EXISTS live_state ON live (timeMs) WHERE type = 'state'`)
    db.exec(`CREATE INDEX IF NOT EXISTS live_agents ON live (timeMs) WHERE type = 'agents'`)
    for (const column of ['agent', 'epoch']) {
      const has = db.prepare(`SELECT 1 FROM pragma_table_info('loss') WHERE name = ?`).get(column)
      if (has === undefined) db.exec(`ALTER TABLE loss ADD COLUMN ${column} TEXT NOT NULL DEFAULT ''`)
    }
    db.aggregate<QuantileSketch>('merged', {
      start: () => new QuantileSketch(),
      step: (sum, octets) => {
        if (octets instanceof Uint8Array) sum.merge(QuantileSketch.decode(octets))
      },
      result: (sum) => Buffer.from(sum.encode()),
    })
  })
  return db
}

function tableOf(kind: HistoryKind): string {
  const columns = Object.entries(recordSchemas[kind]).map(([name, type]) => `"${name}" ${sqlType(type)}`)
  if (usesAgent(kind)) columns.push('agent TEXT', 'epoch TEXT')
  return `CREATE TABLE IF NOT EXISTS "${kind}" (${columns}, PRIMARY KEY (${keys[kind].map((name) => `"${name}"`)})) WITHOUT ROWID`
}

function usesAgent(kind: HistoryKind): boolean {
  return kind === 'loss' || keys[kind].includes('agent')
}

function sqlType(type: ColumnType): string {
  if (type === 'text') return "TEXT NOT NULL DEFAULT ''"
  return type === 'bytes' || type === 'id64' || type === 'id128' ? 'BLOB NOT NULL' : 'REAL'
}

/** A missing number is NULL: sums pass over it. */
function cellOf(batch: Batch, name: string, type: ColumnType, row: number): unknown {
  const column = (batch.columns as unknown as Record<string, Float64Array & BytesColumn>)[name]!
  if (type === 'text') return batch.texts[column[row]!]
  if (type === 'bytes') return Buffer.from(column.data.subarray(column.offsets[row], column.offsets[row + 1]))
  if (type === 'id64' || type === 'id128') return wordsOf(column as unknown as Uint32Array, row * wordsPerRow[type], wordsPerRow[type])
  const value = column[row]!
  return Number.isNaN(value) ? (name === 'part' ? 0 : null) : value
}

export function wordsOf(words: Uint32Array, at: number, count: number): Buffer {
  const octets = Buffer.alloc(count * 4)
  for (let word = 0; word < count; word++) octets.writeUInt32BE(words[at + word]!, word * 4)
  return octets
}

function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10)
}
