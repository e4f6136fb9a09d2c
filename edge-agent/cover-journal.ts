/**
 * Moves what was journaled into the outbox, exactly once in effect, across any crash.
 *
 *   journal ──▶ take ──▶ sightings · events · dead letters · tallies ── fast cut, every second ──┐
 *                   └──▶ windows · usage ────────────────────────────── slow cut, every 10 s ───┴──▶ outbox ──▶ journal.release
 *
 * Every cut covers a prefix of the journal: it hands over all that the stages hold, and the position up to which they have read is stored
 * in the same transaction as the rows. After a crash, what a stage has covered is skipped and the rest is replayed into empty stages.
 * A fast cut comes at once when a device or number moved. A slow cut comes with each end of a window (plus the grace), and takes parts of
 * all open windows, however young: so late data needs no case of its own.
 * When the outbox has no room, what was cut stays here and is tried again; the journal is not released, fills up and refuses.
 * A row of the journal that is gone is told of once: its loss record and `lost` in the tallies are in the commit that covers its position. It
 * counts as accepted too, unless a cut had counted it: what was acknowledged is accepted, and windows hold accepted less lost.
 * When nobody knows what was covered (`coverageLost`), all that the journal holds is put on record as lost and none of it is cut again.
 */
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '#shared/clock.ts'
import { DiskFull } from '#shared/errors.ts'
import { families } from '#shared/families.ts'
import type { Component } from '#shared/ports.ts'
import { sleep } from '#shared/retry.ts'
import { TallyCounter, tallyId } from './count-tallies.ts'
import { EventCutter } from './cut-events.ts'
import { SightingCutter } from './cut-sightings.ts'
import { UsageCutter } from './cut-usage.ts'
import { WindowCutter } from './cut-windows.ts'
import type { EventBatch } from './event-batch.ts'
import { factsOf } from './journal-facts.ts'
import type { Coverage, Journal, JournalFacts, JournalReader, Outbox, OutboxCommit, Tally } from './ports.ts'
import { RecordWriter } from './record-writer.ts'
import { RowKeys } from './row-keys.ts'

/** The width of every window the agent cuts, as the outside face has it. */
export const windowWidthMs = 10_000

export interface CoverSettings {
  /** After the end of a window, before it is cut. */
  readonly graceMs: number
  readonly fastCutMs: number
  readonly batchRows: number
  readonly subscribers: number
  readonly keepAliveMs: number
  /** Dead letters of one fast cut beyond which they are only counted. */
  readonly deadLetterRows: number
}

export interface CoverDeps {
  readonly journal: Journal
  readonly outbox: Outbox
  readonly storeId: string
  readonly clock: Clock
  /** New rows are in the outbox. */
  readonly onCommit: () => void
  readonly onDiskFull: (error: Error) => void
  readonly onLoss: (family: string, events: number) => void
  /** Rows of the journal are gone. */
  readonly onJournalLoss: (family: string, events: number) => void
  /** The store failed: nothing may go on. */
  readonly onFailure: (error: unknown) => void
}

const urgentDelayMs = 10
const replayRowsPerCut = 200_000
const keptTallyKeys = 20_000
const overflowKeys = 2
const waitForRoomMs = 1_000

export class JournalCover implements JournalReader, Component {
  readonly name = 'cover'
  readonly #settings: CoverSettings
  readonly #deps: CoverDeps
  readonly #windows: WindowCutter
  readonly #usage: UsageCutter
  readonly #sightings: SightingCutter
  readonly #events: EventCutter
  readonly #tallies: TallyCounter
  readonly #lossKeys: RowKeys
  readonly #recovered: Coverage
  #wanted: Coverage
  #head: number
  #entries: OutboxCommit['entries'][number][] = []
  #unsaved = new Map<string, Tally>()
  #timer: NodeJS.Timeout | undefined
  #urgent: NodeJS.Timeout | undefined
  #replaying = false
  #lost: JournalFacts[] = []

  constructor(settings: CoverSettings, deps: CoverDeps) {
    const { batchRows } = settings
    const keys = new RowKeys(deps.storeId)
    this.#settings = settings
    this.#deps = deps
    this.#windows = new WindowCutter({ widthMs: windowWidthMs, batchRows })
    this.#usage = new UsageCutter({ widthMs: windowWidthMs, batchRows })
    this.#sightings = new SightingCutter({ keys, ...settings })
    this.#events = new EventCutter({ keys, ...settings })
    this.#tallies = new TallyCounter({
      widthMs: windowWidthMs,
      graceMs: settings.graceMs,
      batchRows,
      keptKeys: keptTallyKeys,
      recall: (key) => this.#unsaved.get(tallyId(key)) ?? deps.outbox.recallTally(key),
    })
    this.#lossKeys = new RowKeys(deps.storeId, overflowKeys)
    const { journal, outbox } = deps
    this.#recovered = outbox.coverageLost ? { fast: journal.head, slow: journal.head, boundaryMs: 0 } : outbox.coverage
    this.#wanted = this.#recovered
    this.#head = Math.min(this.#recovered.fast, this.#recovered.slow)
  }

  /** Position up to which the stages have read. */
  get head(): number {
    return this.#head
  }

  take(batch: EventBatch, position: number): void {
    if (position <= this.#head) return
    if (position > this.#recovered.slow) {
      this.#windows.add(batch)
      this.#usage.add(batch)
    }
    if (position > this.#recovered.fast) {
      this.#sightings.add(batch, position)
      this.#events.add(batch, position)
      this.#tallies.add(batch)
    }
    this.#head = position
    if (this.#sightings.urgentRows + this.#events.urgentRows > 0 && !this.#replaying) {
      this.#urgent ??= setTimeout(() => this.#attempt(false), urgentDelayMs)
    }
  }

  /** Replays what no cut has covered, cuts it, and starts the timers. */
  async start(signal: AbortSignal): Promise<void> {
    this.#deps.journal.raiseHead(Math.max(this.#recovered.fast, this.#recovered.slow)) // a journal that was lost must not give covered positions again
    if (this.#deps.outbox.coverageLost) this.#giveUpAll()
    await this.#replay(signal)
    this.#attempt(true, this.#deps.clock.nowMs())
    this.#schedule()
  }

  async stop(): Promise<void> {
    const wasRunning = this.#timer !== undefined
    this.abandon()
    if (wasRunning) this.#attempt(true, this.#deps.clock.nowMs())
  }

  /** Stops without a last cut, as a crash would: what is not covered is replayed at the next start. */
  abandon(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#urgent)
    this.#timer = undefined
  }

  cutFast(): void {
    this.#cut(false, this.#wanted.boundaryMs)
  }

  /** Everything that arrived before `boundaryMs` has been taken. */
  cutSlow(boundaryMs: number): void {
    this.#cut(true, boundaryMs)
  }

  async #replay(signal: AbortSignal): Promise<void> {
    this.#replaying = true
    let rows = 0
    for (const { position, batch } of this.#deps.journal.replay(this.#head, (facts) => this.#takeLost(facts))) {
      this.take(batch, position)
      rows += batch.rows
      if (rows < replayRowsPerCut) continue
      rows = 0
      while (!this.#attempt(true)) await sleep(waitForRoomMs, signal)
      await setImmediate()
      signal.throwIfAborted()
    }
    this.#replaying = false
  }

  #schedule(): void {
    const nowMs = this.#deps.clock.nowMs() - this.#settings.graceMs
    const untilBoundaryMs = windowWidthMs - (nowMs % windowWidthMs)
    this.#timer = setTimeout(
      () => {
        const boundaryMs = windowStart(this.#deps.clock.nowMs() - this.#settings.graceMs)
        this.#attempt(boundaryMs > this.#wanted.boundaryMs || boundaryMs < windowStart(this.#wanted.boundaryMs), boundaryMs)
        if (this.#timer !== undefined) this.#schedule()
      },
      Math.min(this.#settings.fastCutMs, untilBoundaryMs),
    )
  }

  /** False when the outbox had no room. */
  #attempt(slow: boolean, boundaryMs = this.#wanted.boundaryMs): boolean {
    try {
      this.#cut(slow, boundaryMs)
    } catch (error) {
      if (!(error instanceof DiskFull)) this.#deps.onFailure(error)
      else {
        this.#deps.onDiskFull(error)
        return false
      }
    }
    return true
  }

  #takeLost(facts: JournalFacts): void {
    const { position } = facts
    if (position <= this.#head) return
    this.#head = position
    if (position <= this.#recovered.slow) return
    this.#tallies.addLost(facts, position <= this.#recovered.fast)
    this.#lost.push(facts)
  }

  #giveUpAll(): void {
    const add = (facts: JournalFacts) => {
      this.#tallies.addLost(facts, true)
      this.#lost.push(facts)
    }
    for (const { position, batch } of this.#deps.journal.replay(0, add)) {
      add(factsOf(position, batch.rows > 0 ? batch.columns.arrivalMs[0]! : 0, batch))
    }
  }

  #cut(slow: boolean, boundaryMs: number): void {
    clearTimeout(this.#urgent)
    this.#urgent = undefined
    const { outbox, journal, onCommit, onLoss } = this.#deps
    for (const { family, events } of outbox.relieve()) onLoss(family, events)
    this.#gather(slow)
    const before = outbox.coverage
    const fast = Math.max(this.#wanted.fast, this.#head)
    const passed = slow ? Math.max(this.#wanted.slow, this.#head) : this.#wanted.slow
    this.#wanted = { fast, slow: passed, boundaryMs }
    const unchanged = fast === before.fast && passed === before.slow && boundaryMs === before.boundaryMs
    if (this.#entries.length === 0 && unchanged) return
    outbox.commit({ entries: this.#entries, tallies: [...this.#unsaved.values()], coverage: this.#wanted })
    this.#entries = []
    this.#unsaved.clear()
    if (!this.#replaying) journal.release(Math.min(fast, passed))
    onCommit()
  }

  /** Empties the stages into what is to be committed. */
  #gather(slow: boolean): void {
    this.#entries.push(...this.#sightings.drain(), ...this.#events.drain(), ...this.#overflow(), ...this.#gone())
    const { batches, tallies } = this.#tallies.cut()
    for (const batch of batches) this.#entries.push({ lane: 'ledger', batch })
    for (const tally of tallies) this.#unsaved.set(tallyId(tally), tally)
    if (!slow) return
    const part = this.#deps.outbox.nextPart()
    for (const batch of [...this.#windows.cut(part), ...this.#usage.cut(part)]) this.#entries.push({ lane: 'window', batch })
  }

  #overflow(): OutboxCommit['entries'][number][] {
    const { rows, fromMs, toMs } = this.#events.drainOverflow()
    if (rows === 0) return []
    return this.#lossRecord(0, { lane: 'ledger', record: 'dead-letter', reason: 'dead-letter-cap', rows, batches: 0, fromMs, toMs })
  }

  /** What of the journal is gone: told of in the commit that covers it. */
  #gone(): OutboxCommit['entries'][number][] {
    const lost = this.#lost
    if (lost.length === 0) return []
    this.#lost = []
    const perFamily = lost[0]!.accepted.map((_, family) => lost.reduce((sum, { accepted }) => sum + accepted[family]!, 0))
    const rows = perFamily.reduce((sum, count) => sum + count, 0)
    for (const [family, events] of perFamily.entries()) if (events > 0) this.#deps.onJournalLoss(families[family] ?? '', events)
    const fromMs = lost.reduce((least, one) => Math.min(least, one.fromMs), Number.POSITIVE_INFINITY)
    const toMs = lost.reduce((most, one) => Math.max(most, one.toMs), Number.NEGATIVE_INFINITY)
    const reason = this.#deps.outbox.coverageLost ? 'coverage-lost' : 'journal-damaged'
    return this.#lossRecord(1, { lane: '', record: 'journal', reason, rows, batches: lost.length, fromMs, toMs })
  }

  #lossRecord(
    row: number,
    of: { lane: string; record: string; reason: string; rows: number; batches: number; fromMs: number; toMs: number },
  ) {
    const writer = new RecordWriter('loss', 1)
    writer.add()
    const { columns, code } = writer
    this.#lossKeys.write(columns.key, 0, this.#head, row)
    columns.timeMs[0] = this.#deps.clock.nowMs()
    columns.lane[0] = code(of.lane)
    columns.record[0] = code(of.record)
    columns.reason[0] = code(of.reason)
    columns.rows[0] = of.rows
    columns.batches[0] = of.batches
    columns.fromMs[0] = of.fromMs
    columns.toMs[0] = of.toMs
    return writer.drain().map((batch) => ({ lane: 'ledger' as const, batch }))
  }
}

function windowStart(timeMs: number): number {
  return Math.floor(timeMs / windowWidthMs) * windowWidthMs
}
