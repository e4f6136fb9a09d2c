/**
 * The journal as a row of SQLite files (segments), each opened by one writer: one row per batch, one fsync per row.
 *
 * Promises: what `append` returned for is on disk; a position is never given twice; one bad octet costs at most one segment, which is set aside
 * with every row that can still be read saved, and counted. A refused write leaves nothing behind. On a full volume it takes nothing new
 * until the ballast could be put back (ballast.ts); after an I/O error nothing at all until `reopen` has verified the newest segment.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '#shared/clock.ts'
import { DiskFull, describeError } from '#shared/errors.ts'
import { EventBatch } from '../event-batch.ts'
import type { JournalReport } from '../events.ts'
import { JournalEncoder } from '../journal-codec.ts'
import { factsOf } from '../journal-facts.ts'
import { type Journal, type JournalFacts, JournalFailed, JournalFull, type PacketChanges } from '../ports.ts'
import { Ballast } from './ballast.ts'
import { HeldPackets } from './held-packets.ts'
import { readIdKey, wordsOf } from './id-key.ts'
import { IdSegments, syncDirectory } from './id-segments.ts'
import { finishSalvage, openSegment } from './quarantine.ts'
import { replaySegment } from './replay-segment.ts'
import { readFacts, SegmentFacts } from './segment-facts.ts'
import { removeSegment, rowChecksum, SqliteSegment, segmentFiles } from './sqlite-segment.ts'

export interface JournalConfig {
  readonly directory: string
  /** Octets of all segments together; beyond it nothing is taken until the outbox has drained. */
  readonly quotaBytes?: number
  readonly segmentBytes?: number
  /** Room kept for a full volume: twice SQLite's write-ahead log and some. 0 for none. */
  readonly ballastBytes?: number
  readonly idWindowMs?: number
  readonly idWindowEvents?: number
}

interface Sealed {
  readonly file: string
  readonly first: number
  readonly last: number
  readonly octets: number
}

const rowOverheadBytes = 64
/** Skipped after a newest segment that was lost: no segment holds that many rows. */
const positionLeap = 1_000_000
const noPackets: PacketChanges = { taken: [], released: [] }

export class SqliteJournal implements Journal {
  readonly idKey: Uint32Array
  readonly #config: Required<JournalConfig>
  readonly #clock: Clock
  readonly #report: JournalReport
  readonly #encoder = new JournalEncoder()
  readonly #ballast: Ballast
  readonly #idSegments: IdSegments
  readonly #packets = new HeldPackets()
  #sealed: Sealed[] = []
  #active: SqliteSegment | undefined
  #facts: SegmentFacts | undefined
  #activeOctets = 0
  #head = 0
  #totalBatches = 0
  #totalRows = 0
  #failed = false

  constructor(config: JournalConfig, deps: { clock: Clock; report: JournalReport }) {
    this.#config = {
      quotaBytes: 512 << 20,
      segmentBytes: 16 << 20,
      ballastBytes: 24 << 20,
      idWindowMs: 600_000,
      idWindowEvents: 1_000_000,
      ...config,
    }
    this.#clock = deps.clock
    this.#report = deps.report
    const { directory } = this.#config
    mkdirSync(directory, { recursive: true, mode: 0o750 })
    this.idKey = readIdKey(directory)
    this.#ballast = new Ballast(join(directory, 'ballast'), this.#config.ballastBytes, deps)
    this.#idSegments = new IdSegments(directory)
    this.#ballast.restore()
    this.#open()
  }

  get head(): number {
    return this.#head
  }

  /** Octets that count against the quota. */
  get octets(): number {
    return this.#sealed.reduce((sum, { octets }) => sum + octets, 0) + this.#activeOctets
  }

  /** Why nothing is taken now; '' while it takes. */
  get refusal(): string {
    try {
      this.#ballast.require()
      return this.#failed ? 'the disk failed; it is reopened and verified when the next event comes' : ''
    } catch (error) {
      return describeError(error)
    }
  }

  append(batch: EventBatch, packets: PacketChanges = noPackets): number {
    if (this.#failed) throw new JournalFailed('the journal failed and was not reopened yet')
    this.#ballast.require()
    const body = this.#encoder.body(batch)
    const ids = this.#encoder.ids(batch)
    const octets = body.length + (ids?.length ?? 0) + rowOverheadBytes
    if (this.octets + octets > this.#config.quotaBytes) {
      throw new JournalFull(
        `the journal holds ${this.octets} of ${this.#config.quotaBytes} octets; events are refused until the uplink has drained`,
      )
    }
    const position = this.#head + 1
    const crc = rowChecksum(body, ids)
    const arrivalMs = this.#clock.nowMs()
    this.#attempt(() => {
      const segment = this.#writable()
      segment.append({ position, arrivalMs, rows: batch.rows, crc, body, ids }, packets)
    })
    this.#facts?.note(factsOf(position, arrivalMs, batch))
    this.#head = position
    this.#activeOctets += octets
    this.#totalBatches++
    this.#totalRows += batch.rows
    for (const key of packets.taken) this.#packets.hold(key)
    for (const key of packets.released) this.#packets.letGo(key)
    return position
  }

  release(position: number): void {
    const covered = this.#sealed.filter(({ last }) => last <= position)
    if (covered.length === 0) return
    const sinceMs = this.#clock.nowMs() - this.#config.idWindowMs
    for (const { file, first } of covered) {
      try {
        const segment = SqliteSegment.openToRead(file)
        try {
          this.#idSegments.write(first, segment.ids(sinceMs))
        } finally {
          segment.close()
        }
      } catch (error) {
        if (error instanceof DiskFull || (error as { code?: string }).code === 'ENOSPC') return // stays until there is room for its ids
        this.#report.idsQuarantined(file, 0)
      }
      removeSegment(file)
      this.#sealed = this.#sealed.filter((one) => one.file !== file)
    }
    syncDirectory(this.#config.directory)
    this.#idSegments.prune(this.#clock.nowMs(), this.#config.idWindowMs, this.#config.idWindowEvents, 0)
    this.#ballast.restore()
  }

  *replay(after: number, lost: (facts: JournalFacts) => void = () => {}): Iterable<{ position: number; batch: EventBatch }> {
    const replaying = { after, batch: new EventBatch(256), report: this.#report, lost }
    for (const { file, last } of [...this.#sealed]) {
      if (last <= after) continue
      const segment = SqliteSegment.open(file)
      try {
        yield* replaySegment(segment, replaying)
      } finally {
        segment.close()
      }
    }
    if (this.#active !== undefined) yield* replaySegment(this.#active, replaying)
  }

  raiseHead(position: number): void {
    if (position <= this.#head) return
    this.#seal()
    this.#head = position
  }

  reopen(): void {
    const lastKnown = this.#head
    try {
      this.#leave()
      this.#open(lastKnown)
      this.#failed = false
    } catch (cause) {
      throw new JournalFailed(`the journal could not be reopened: ${describeError(cause)}`, { cause })
    }
  }

  *recentIds(): Iterable<{ arrivalMs: number; ids: Uint32Array }> {
    const sinceMs = this.#clock.nowMs() - this.#config.idWindowMs
    yield* this.#idSegments.read((file, ids) => this.#report.idsQuarantined(file, ids))
    for (const { file } of [...this.#sealed]) {
      const segment = SqliteSegment.open(file)
      try {
        for (const { arrivalMs, ids } of segment.ids(sinceMs)) yield { arrivalMs, ids: wordsOf(ids) }
      } finally {
        segment.close()
      }
    }
    if (this.#active !== undefined) for (const { arrivalMs, ids } of this.#active.ids(sinceMs)) yield { arrivalMs, ids: wordsOf(ids) }
  }

  holdsPacket(key: string): boolean {
    return this.#packets.has(key)
  }

  packetsOf(client: string): readonly string[] {
    return this.#packets.of(client)
  }

  close(): void {
    try {
      this.#active?.seal()
    } catch {
      // a full volume: the write-ahead log stays, and is read at the next start
    }
    this.#leave()
  }

  #leave(): void {
    this.#active?.close()
    this.#facts?.close()
    this.#active = undefined
    this.#facts = undefined
  }

  #open(dropAbove = Number.POSITIVE_INFINITY): void {
    const { directory } = this.#config
    this.#sealed = []
    finishSalvage(directory)
    const files = segmentFiles(directory)
    let newest: { segment: SqliteSegment; octets: number } | undefined
    for (const [at, { file, first }] of files.entries()) {
      const last = at === files.length - 1
      const { segment, salvagedTo } = openSegment(file, files[at + 1]?.first, { ballast: this.#ballast, report: this.#report })
      if (last && salvagedTo !== undefined) this.#head = Math.max(this.#head, salvagedTo, first) + positionLeap
      if (last && dropAbove !== Number.POSITIVE_INFINITY) segment.dropAbove(dropAbove)
      const totals = segment.totals()
      const origin = segment.origin()
      const octets = totals.octets + totals.batches * rowOverheadBytes
      const end = Math.max(totals.last, readFacts(file).at(-1)?.position ?? 0, first - 1)
      this.#head = Math.max(this.#head, end)
      this.#totalBatches = origin.batches + totals.batches
      this.#totalRows = origin.rows + totals.rows
      newest?.segment.seal()
      newest?.segment.close()
      newest = { segment, octets }
      this.#sealed.push({ file, first, last: end, octets })
    }
    if (newest === undefined) return
    this.#sealed.pop()
    this.#active = newest.segment
    this.#facts = new SegmentFacts(newest.segment.file)
    this.#activeOctets = newest.octets
    this.#packets.reset(newest.segment.packets())
  }

  #writable(): SqliteSegment {
    if (this.#active !== undefined && this.#activeOctets >= this.#config.segmentBytes) this.#seal()
    if (this.#active === undefined) {
      const origin = { batches: this.#totalBatches, rows: this.#totalRows }
      this.#active = SqliteSegment.create(this.#config.directory, this.#head + 1, origin, this.#packets.all())
      this.#facts = new SegmentFacts(this.#active.file)
      this.#activeOctets = 0
      syncDirectory(this.#config.directory)
    }
    return this.#active
  }

  #seal(): void {
    const segment = this.#active
    if (segment === undefined) return
    segment.seal()
    this.#leave()
    const octets = Math.max(this.#activeOctets, existsSync(segment.file) ? statSync(segment.file).size : 0)
    this.#sealed.push({ file: segment.file, first: segment.first, last: this.#head, octets })
    this.#activeOctets = 0
  }

  #attempt(write: () => void): void {
    try {
      write()
    } catch (cause) {
      if (cause instanceof DiskFull || ['SQLITE_FULL', 'ENOSPC'].includes((cause as { code?: string }).code ?? '')) {
        this.#ballast.drop()
        throw new JournalFull('the volume is full; events are refused until there is room again', { cause })
      }
      this.#failed = true
      throw new JournalFailed(`the journal could not be written: ${describeError(cause)}`, { cause })
    }
  }
}
