/**
 * Beside every segment of the journal, what each of its rows holds: how many events of which family, from when to when. So when a row is lost,
 * or the end of the write-ahead log goes without a word, it is known exactly what is missing.
 *
 * Written after the row, not synced: a killed process leaves it whole, and only a power cut together with damage leaves a row without its facts
 * (its events are then counted as far as the row itself tells). A record with a wrong checksum is passed over.
 *
 *   per row 72 octets: f64 position, arrivalMs, fromMs, toMs · u32 accepted of each of 5 families and of none · u32 rejected, duplicate, 0, crc
 */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { families } from '#shared/families.ts'
import type { JournalFacts } from '../ports.ts'

const recordBytes = 72
const acceptedAt = 32
const rejectedAt = 56
const crcAt = 68

export function factsFile(segment: string): string {
  return segment.replace(/\.db$/, '.facts')
}

/** In the order of positions, each once. */
export function readFacts(segment: string): JournalFacts[] {
  const file = factsFile(segment)
  if (!existsSync(file)) return []
  const octets = readFileSync(file)
  const found = new Map<number, JournalFacts>()
  for (let at = 0; at + recordBytes <= octets.length; at += recordBytes) {
    const record = octets.subarray(at, at + recordBytes)
    if (record.readUInt32LE(crcAt) !== crc32(record.subarray(0, crcAt))) continue
    const [position, arrivalMs, fromMs, toMs] = [0, 8, 16, 24].map((of) => record.readDoubleLE(of)) as [number, number, number, number]
    const accepted = Array.from({ length: families.length + 1 }, (_, family) => record.readUInt32LE(acceptedAt + 4 * family))
    const [rejectedRows, duplicateRows] = [record.readUInt32LE(rejectedAt), record.readUInt32LE(rejectedAt + 4)]
    found.set(position, { position, arrivalMs, fromMs, toMs, accepted, rejected: rejectedRows, duplicate: duplicateRows })
  }
  return [...found.values()].sort((a, b) => a.position - b.position)
}

export class SegmentFacts {
  readonly #descriptor: number
  readonly #record = Buffer.alloc(recordBytes)
  #at: number

  constructor(segment: string) {
    this.#descriptor = openSync(factsFile(segment), existsSync(factsFile(segment)) ? 'r+' : 'w', 0o640)
    const { size } = fstatSync(this.#descriptor)
    this.#at = size - (size % recordBytes)
  }

  /** A record there is no room for is left out. */
  note(facts: JournalFacts): void {
    const record = this.#record
    record.writeDoubleLE(facts.position, 0)
    record.writeDoubleLE(facts.arrivalMs, 8)
    record.writeDoubleLE(facts.fromMs, 16)
    record.writeDoubleLE(facts.toMs, 24)
    for (const [family, count] of facts.accepted.entries()) record.writeUInt32LE(count, acceptedAt + 4 * family)
    record.writeUInt32LE(facts.rejected, rejectedAt)
    record.writeUInt32LE(facts.duplicate, rejectedAt + 4)
    record.writeUInt32LE(0, rejectedAt + 8)
    record.writeUInt32LE(crc32(record.subarray(0, crcAt)), crcAt)
    try {
      writeSync(this.#descriptor, record, 0, recordBytes, this.#at)
      this.#at += recordBytes
    } catch {
      // a full volume: the row is stored all the same
    }
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}
