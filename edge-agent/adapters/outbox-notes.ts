/**
 * The outbox's second memory: a log beside the database of what every transaction added and removed, one line each with its own checksum.
 *
 * It holds no content, only facts: which rows are there, how many events each tells of, what of the journal is covered. So when the database is
 * damaged, or has silently gone back (SQLite drops the end of a damaged write-ahead log without a word), it is known exactly what is
 * missing, and coverage does not go back with it. A step is noted and synced after its transaction and before anything of it is sent; a row
 * that was sent is therefore always a row that is noted. A line that cannot be read is counted and passed over.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Lane, RecordKind } from '#shared/records.ts'
import type { Coverage } from '../ports.ts'
import { syncDirectory } from './id-segments.ts'

/** A row without its content. `events`: those that only this row tells of, by family. */
export interface RowNote {
  readonly id: number
  readonly epoch: string
  readonly lane: Lane
  readonly seq: number
  readonly record: RecordKind
  readonly rows: number
  readonly fromMs: number
  readonly toMs: number
  readonly boundaryMs: number
  readonly events: Readonly<Record<string, number>>
}

/** What one transaction did. */
export interface Step {
  readonly tx: number
  readonly hubEpoch?: number
  readonly coverage?: Coverage
  readonly added: readonly RowNote[]
  readonly removed: readonly number[]
  /** The highest id ever given, where the rows added do not tell. */
  readonly highestId?: number
}

/** All steps together. */
export interface Noted {
  readonly tx: number
  readonly hubEpoch: number
  readonly coverage: Coverage | undefined
  readonly rows: Map<number, RowNote>
  readonly highestId: number
  readonly unreadable: number
}

const rowsPerLine = 500

export class OutboxNotes {
  readonly #file: string
  #descriptor: number | undefined
  /** Octets since the last `rewrite`. */
  bytes = 0

  constructor(file: string) {
    this.#file = file
  }

  /** Undefined when there is no such file, or not one line of it can be read. */
  read(): Noted | undefined {
    let text: string
    try {
      text = readFileSync(this.#file, 'latin1')
    } catch {
      return undefined
    }
    const noted = {
      tx: 0,
      hubEpoch: 0,
      coverage: undefined as Coverage | undefined,
      rows: new Map<number, RowNote>(),
      highestId: 0,
      unreadable: 0,
    }
    let lines = 0
    for (const line of text.split('\n')) {
      if (line === '') continue
      const step = readLine(line)
      if (step === undefined) {
        noted.unreadable++
        continue
      }
      lines++
      noted.tx = Math.max(noted.tx, step.tx)
      noted.hubEpoch = Math.max(noted.hubEpoch, step.hubEpoch ?? 0)
      noted.coverage = step.coverage ?? noted.coverage
      noted.highestId = Math.max(noted.highestId, step.highestId ?? 0)
      for (const id of step.removed) noted.rows.delete(id)
      for (const row of step.added) {
        noted.rows.set(row.id, row)
        noted.highestId = Math.max(noted.highestId, row.id)
      }
    }
    return lines === 0 ? undefined : noted
  }

  /** On disk when it returns. */
  append(step: Step): void {
    const line = Buffer.from(`${lineOf(step)}\n`, 'latin1')
    this.#descriptor ??= openSync(this.#file, 'a', 0o640)
    writeSync(this.#descriptor, line)
    fsyncSync(this.#descriptor)
    this.bytes += line.length
  }

  /** A new file of what holds now, in place of the log. */
  rewrite(state: Omit<Step, 'added' | 'removed'>, rows: Iterable<RowNote>): void {
    this.close()
    const unfinished = `${this.#file}.new`
    const descriptor = openSync(unfinished, 'w', 0o640)
    try {
      const write = (added: readonly RowNote[]) => writeSync(descriptor, `${lineOf({ ...state, added, removed: [] })}\n`, null, 'latin1')
      write([])
      let some: RowNote[] = []
      for (const row of rows) {
        if (some.push(row) < rowsPerLine) continue
        write(some)
        some = []
      }
      if (some.length > 0) write(some)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(unfinished, this.#file)
    syncDirectory(dirname(this.#file))
    this.bytes = 0
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }
}

/** Beyond ASCII nothing is written as it is: a damaged octet damages one line, whatever it becomes. */
function lineOf(step: Step): string {
  const text = JSON.stringify(step).replace(/[\u007f-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return `${crc32(text).toString(16).padStart(8, '0')} ${text}`
}

function readLine(line: string): Step | undefined {
  const text = line.slice(9)
  if (Number.parseInt(line.slice(0, 8), 16) !== crc32(Buffer.from(text, 'latin1'))) return undefined
  try {
    return JSON.parse(text) as Step
  } catch {
    return undefined
  }
}
