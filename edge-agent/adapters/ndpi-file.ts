/**
 * Follows a CSV file of nDPI's (`ndpiReader -C`) as it grows.
 *
 * Whole lines only; the place up to which lines are durable in the journal is kept in a small state file, so that a restart goes on from there.
 * A line's key is made of the file's identity and the line's place, so that one read twice (a crash between journal and state) has no second effect.
 * A file that was replaced or truncated is read from its beginning. A line that is no flow is told and passed over.
 */
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, readSync, renameSync, writeFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import type { Component } from '#shared/ports.ts'
import { addNdpiFlow, ndpiHeader } from '../decode-ndpi.ts'
import type { Intake } from '../ports.ts'

export interface NdpiFileOptions {
  readonly file: string
  readonly cell: string
  /** Where the place reached is kept. */
  readonly stateFile: string
  readonly pollMs: number
  /** True: read to the end of the file as it is now, then stop. */
  readonly once?: boolean
}

export interface NdpiFileReport {
  ndpiLineRefused(file: string, reason: string): void
  ndpiFileWaits(file: string, reason: string): void
}

export interface NdpiFileDeps {
  readonly intake: Intake
  readonly report: NdpiFileReport
  readonly nowMs: () => number
}

interface Place {
  readonly inode: number
  readonly offset: number
  readonly header: string
  /** CRC of the first octets that were read (up to `headOctets`): a file written anew under the same inode is another file. */
  readonly headCrc: number
}

const chunkOctets = 1 << 20
const newline = 10
const headOctets = 4096
const nowhere: Place = { inode: 0, offset: 0, header: '', headCrc: 0 }

export class NdpiFile implements Component {
  readonly name: string
  readonly #options: NdpiFileOptions
  readonly #deps: NdpiFileDeps
  readonly #source: string
  #place: Place = nowhere
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #working = false
  #waitingFor = ''
  lastArrivalMs = 0
  flows = 0

  constructor(options: NdpiFileOptions, deps: NdpiFileDeps) {
    this.name = `ndpi ${options.file}`
    this.#options = options
    this.#deps = deps
    const base = options.file
      .split('/')
      .at(-1)!
      .replace(/[^A-Za-z0-9._-]/g, '-')
    this.#source = `ndpi-${base}`.slice(0, 64)
  }

  async start(): Promise<void> {
    this.#place = readPlace(this.#options.stateFile)
    if (this.#options.once !== true) this.#schedule(0)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  /** Reads to the present end of the file; resolves when all of it is durable, with the number of flows taken. */
  async readToEnd(): Promise<number> {
    const before = this.flows
    while (!this.#stopped && (await this.#readChunk()));
    return this.flows - before
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => void this.#poll(), delayMs)
  }

  async #poll(): Promise<void> {
    if (this.#working) return
    this.#working = true
    try {
      while (!this.#stopped && (await this.#readChunk()));
    } catch (error) {
      this.#wait(String(error))
    } finally {
      this.#working = false
      this.#schedule(this.#options.pollMs)
    }
  }

  /** Takes the next whole lines; false when there are none now. */
  async #readChunk(): Promise<boolean> {
    const chunk = this.#nextLines()
    if (chunk === undefined) return false
    const { inode, offset, lines } = chunk
    let { header } = this.#place
    let text = lines.toString('utf8')
    let at = offset
    if (offset === 0) {
      const end = text.indexOf('\n') + 1
      header = text.slice(0, end).trim()
      at += Buffer.byteLength(text.slice(0, end))
      text = text.slice(end)
    }
    const read = ndpiHeader(header.split(','))
    if ('missing' in read) {
      this.#wait(`its header lacks ${read.missing.join(', ')}; expected a file written by ndpiReader -C`)
      return false
    }
    this.lastArrivalMs = this.#deps.nowMs()
    await this.#offer(text, read.places, inode, at)
    const reached = offset + lines.length
    this.#place = { inode, offset: reached, header, headCrc: this.#headCrc(Math.min(headOctets, reached)) }
    writePlace(this.#options.stateFile, this.#place)
    return true
  }

  #offer(text: string, places: Parameters<typeof addNdpiFlow>[2], inode: number, offset: number): Promise<void> {
    const origin = { source: this.#source, cell: this.#options.cell, arrivalMs: this.lastArrivalMs }
    return new Promise((resolve, reject) => {
      this.#deps.intake.offerFlows({
        fill: (batch) => {
          let at = offset
          for (const line of text.split('\n')) {
            if (line.trim() !== '') {
              const refused = addNdpiFlow(batch, fieldsOf(line), places, { ...origin, key: [crc32(line, inode), at >>> 0] })
              if (refused === undefined) this.flows++
              else this.#deps.report.ndpiLineRefused(this.#options.file, refused)
            }
            at += Buffer.byteLength(line) + 1
          }
        },
        settle: (error) => (error === undefined ? resolve() : reject(error)),
      })
    })
  }

  #nextLines(): { inode: number; offset: number; lines: Buffer } | undefined {
    const { file } = this.#options
    let descriptor: number
    try {
      descriptor = openSync(file, 'r')
    } catch (error) {
      this.#wait(`it cannot be opened (${(error as NodeJS.ErrnoException).code})`)
      return undefined
    }
    try {
      const { ino, size } = fstatSync(descriptor)
      const place = this.#place
      const same = ino === place.inode && size >= place.offset && this.#headCrc(Math.min(headOctets, place.offset)) === place.headCrc
      const offset = same ? place.offset : 0
      const octets = Buffer.allocUnsafe(Math.min(chunkOctets, size - offset))
      const read = readSync(descriptor, octets, 0, octets.length, offset)
      const end = octets.subarray(0, read).lastIndexOf(newline) + 1
      this.#waitingFor = ''
      return end === 0 ? undefined : { inode: ino, offset, lines: octets.subarray(0, end) }
    } finally {
      closeSync(descriptor)
    }
  }

  #headCrc(octets: number): number {
    const descriptor = openSync(this.#options.file, 'r')
    try {
      const head = Buffer.alloc(octets)
      return crc32(head.subarray(0, readSync(descriptor, head, 0, octets, 0)))
    } finally {
      closeSync(descriptor)
    }
  }

  #wait(reason: string): void {
    if (reason === this.#waitingFor) return
    this.#waitingFor = reason
    this.#deps.report.ndpiFileWaits(this.#options.file, reason)
  }
}

/** nDPI quotes nothing, but a server name may hold anything: what does not parse as CSV is split at its commas. */
function fieldsOf(line: string): string[] {
  if (!line.includes('"')) return line.split(',')
  try {
    return (parse(line, { relax_column_count: true, relax_quotes: true }) as string[][])[0] ?? []
  } catch {
    return line.split(',')
  }
}

function readPlace(file: string): Place {
  try {
    return { ...nowhere, ...(JSON.parse(readFileSync(file, 'utf8')) as Place) }
  } catch {
    return nowhere
  }
}

function writePlace(file: string, place: Place): void {
  writeFileSync(`${file}.new`, JSON.stringify(place))
  const descriptor = openSync(`${file}.new`, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
  renameSync(`${file}.new`, file)
}
