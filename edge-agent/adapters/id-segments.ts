/**
 * Hashes of event ids that outlive the journal's rows: when a segment of the journal is unlinked, the ids of its rows are written to a file of
 * their own first, synced and with a checksum. Files whose newest id is older than the window are removed.
 *
 *   'TRBI' u32 · u32 entries · u32 crc of the rest · per entry { f64 arrivalMs, u32 octets, u32 0, id hashes as in memory }
 */
import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'

const magic = 0x49425254
const headBytes = 12
const entryBytes = 16
const namePattern = /^ids-(\d{15})-(\d{15})-(\d{12})\.bin$/

interface IdFile {
  readonly file: string
  readonly first: number
  readonly newestMs: number
  readonly ids: number
}

export class IdSegments {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /** On disk when it returns. `first` is the first position of the segment they come from. */
  write(first: number, entries: Iterable<{ arrivalMs: number; ids: Uint8Array }>): void {
    const parts: Buffer[] = []
    let newestMs = 0
    let ids = 0
    let count = 0
    for (const entry of entries) {
      const head = Buffer.alloc(entryBytes)
      head.writeDoubleLE(entry.arrivalMs, 0)
      head.writeUInt32LE(entry.ids.length, 8)
      parts.push(head, Buffer.from(entry.ids))
      newestMs = Math.max(newestMs, entry.arrivalMs)
      ids += entry.ids.length / 8
      count++
    }
    if (count === 0) return
    const body = Buffer.concat(parts)
    const head = Buffer.alloc(headBytes)
    head.writeUInt32LE(magic, 0)
    head.writeUInt32LE(count, 4)
    head.writeUInt32LE(crc32(body), 8)
    const name = `ids-${digits(first, 15)}-${digits(Math.max(0, Math.ceil(newestMs)), 15)}-${digits(ids, 12)}.bin`
    const file = join(this.#directory, name)
    const descriptor = openSync(`${file}.part`, 'w', 0o600)
    try {
      writeSync(descriptor, head)
      writeSync(descriptor, body)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(`${file}.part`, file)
    syncDirectory(this.#directory)
  }

  /** Removes what can no longer matter: older than the window, or with a whole window of newer ids after it. */
  prune(nowMs: number, windowMs: number, windowIds: number, newerIds: number): void {
    let newer = newerIds
    for (const one of this.#files().reverse()) {
      if (nowMs - one.newestMs > windowMs || newer >= windowIds) rmSync(one.file, { force: true })
      else newer += one.ids
    }
  }

  /** Entries of all files, oldest first. A damaged file is set aside; `damaged` is told its name. */
  *read(damaged: (file: string, ids: number) => void): Iterable<{ arrivalMs: number; ids: Uint32Array }> {
    for (const one of this.#files()) {
      let entries: { arrivalMs: number; ids: Uint32Array }[]
      try {
        entries = parse(readFileSync(one.file))
      } catch {
        renameSync(one.file, `${one.file}.damaged`)
        damaged(one.file, one.ids)
        continue
      }
      yield* entries
    }
  }

  #files(): IdFile[] {
    return readdirSync(this.#directory)
      .sort()
      .flatMap((name) => {
        const match = namePattern.exec(name)
        if (match === null) return []
        return [{ file: join(this.#directory, name), first: Number(match[1]), newestMs: Number(match[2]), ids: Number(match[3]) }]
      })
  }
}

function parse(octets: Buffer): { arrivalMs: number; ids: Uint32Array }[] {
  if (octets.readUInt32LE(0) !== magic || crc32(octets.subarray(headBytes)) !== octets.readUInt32LE(8)) throw new Error('damaged')
  const entries: { arrivalMs: number; ids: Uint32Array }[] = []
  let at = headBytes
  for (let entry = octets.readUInt32LE(4); entry > 0; entry--) {
    const length = octets.readUInt32LE(at + 8)
    const ids = new Uint32Array(length / 4)
    octets.copy(new Uint8Array(ids.buffer), 0, at + entryBytes, at + entryBytes + length)
    entries.push({ arrivalMs: octets.readDoubleLE(at), ids })
    at += entryBytes + length
  }
  return entries
}

/** A rename is durable once the directory is. */
export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, '0')
}
