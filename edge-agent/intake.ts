/**
 * Where every event enters: group commit.
 *
 *   taps ─▶ gather ─▶ decode ─▶ repeats marked ─▶ journal.append (one fsync) ─▶ reader.take ─▶ settle all
 *
 * What gathers in a turn of the event loop, or in a few milliseconds when little comes, shares one journal row and one fsync. Promises that
 * `settle()` without an error comes only after the fsync, and that a refused message leaves no trace: not in the journal, not among the
 * ids that were seen. Bounded in octets; taps ask `congested`. Never looks into a message itself.
 */
import type { Clock } from '#shared/clock.ts'
import type { Component } from '#shared/ports.ts'
import type { Decoder } from './decode.ts'
import type { Duplicates } from './duplicates.ts'
import { accepted, duplicate, EventBatch, rejected } from './event-batch.ts'
import type { IntakeReport } from './events.ts'
import {
  type FlowDelivery,
  type Journal,
  JournalFailed,
  JournalFull,
  type JournalReader,
  type RawMessage,
  type SessionIntake,
} from './ports.ts'

export interface IntakeConfig {
  /** How long a few messages wait for more before they are synced. */
  readonly maxWaitMs?: number
  /** So many messages do not wait. */
  readonly eagerMessages?: number
  /** A row of the journal has at most about this many events; a single message is never split. */
  readonly maxRows?: number
  /** Octets taken and not settled beyond which taps stop reading. */
  readonly maxPendingBytes?: number
  /** How long nothing is tried after the journal was full or failed. */
  readonly pauseMs?: number
}

export interface IntakeDeps {
  readonly clock: Clock
  readonly decoder: Decoder
  readonly duplicates: Duplicates
  readonly journal: Journal
  readonly reader: JournalReader
  readonly report: IntakeReport
  /** The agent cannot go on: what is durable was not taken over by the reader. */
  readonly die?: (error: unknown) => void
}

interface Release {
  readonly keys: readonly string[]
  readonly settle: (error?: Error) => void
}

export class EventIntake implements SessionIntake, Component {
  readonly name = 'intake'
  readonly #config: Required<IntakeConfig>
  readonly #deps: IntakeDeps
  readonly #batch = new EventBatch(4096)
  #messages: RawMessage[] = []
  #flows: FlowDelivery[] = []
  #releases: Release[] = []
  #pendingBytes = 0
  #relief: (() => void)[] = []
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  #pausedUntilMs = Number.NEGATIVE_INFINITY
  #refusal: Error | undefined
  #stopped = false

  constructor(config: IntakeConfig, deps: IntakeDeps) {
    this.#config = { maxWaitMs: 2, eagerMessages: 32, maxRows: 8192, maxPendingBytes: 32 << 20, pauseMs: 500, ...config }
    this.#deps = deps
  }

  async start(): Promise<void> {
    for (const { arrivalMs, ids } of this.#deps.journal.recentIds()) this.#deps.duplicates.reload(arrivalMs, ids)
  }

  /** What was taken is committed; what comes after is refused. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#commit()
  }

  offer(message: RawMessage): void {
    if (this.#refused(message.settle.bind(message))) return
    this.#messages.push(message)
    this.#pendingBytes += message.payload.length
    this.#schedule()
  }

  offerFlows(delivery: FlowDelivery): void {
    if (this.#refused(delivery.settle.bind(delivery))) return
    this.#flows.push(delivery)
    this.#schedule()
  }

  releasePackets(keys: readonly string[], settle: (error?: Error) => void): void {
    const held = keys.filter((key) => this.#deps.journal.holdsPacket(key))
    if (held.length === 0) {
      settle()
      return
    }
    if (this.#refused(settle)) return
    this.#releases.push({ keys: held, settle })
    this.#schedule()
  }

  packetsOf(client: string): readonly string[] {
    return this.#deps.journal.packetsOf(client)
  }

  get congested(): boolean {
    return this.#pendingBytes >= this.#config.maxPendingBytes
  }

  whenRelieved(listener: () => void): void {
    this.#relief.push(listener)
  }

  /** Everything gathered so far is committed now. */
  flush(): void {
    this.#commit()
  }

  #schedule(): void {
    if (this.#immediate !== undefined) return
    if (this.#messages.length + this.#flows.length >= this.#config.eagerMessages || this.#config.maxWaitMs <= 0) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#immediate = setImmediate(() => this.#commit())
    } else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#commit(), this.#config.maxWaitMs)
    }
  }

  #commit(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
    this.#timer = undefined
    this.#immediate = undefined
    while (this.#messages.length + this.#flows.length + this.#releases.length > 0) this.#commitGroup()
    if (this.#relief.length === 0) return
    const relief = this.#relief
    this.#relief = []
    for (const listener of relief) listener()
  }

  #commitGroup(): void {
    const { decoder, duplicates, clock } = this.#deps
    const batch = this.#batch
    batch.reset()
    const settling: { settle(error?: Error): void }[] = []
    const taken = new Set<string>()
    let octets = 0
    let used = 0
    for (; used < this.#messages.length && batch.rows < this.#config.maxRows; used++) {
      const message = this.#messages[used]!
      settling.push(message)
      octets += message.payload.length
      if (message.packetKey !== undefined) {
        if (taken.has(message.packetKey) || this.#deps.journal.holdsPacket(message.packetKey)) continue
        taken.add(message.packetKey)
      }
      decoder.decode(message, batch)
    }
    this.#messages = used === this.#messages.length ? [] : this.#messages.slice(used)
    const releases = this.#releases
    this.#releases = []
    settling.push(...releases)
    for (const delivery of this.#flows) this.#fill(delivery, settling)
    this.#flows = []
    const released = releases.flatMap(({ keys }) => keys)

    let error: Error | undefined
    const counts = { accepted: 0, rejected: 0, duplicate: 0 }
    if (batch.rows > 0 || taken.size > 0 || released.length > 0) {
      duplicates.begin(clock.nowMs(), batch.rows)
      this.#markRepeats(counts)
      error = this.#append([...taken], released)
    }
    if (error === undefined && batch.rows > 0) this.#report(counts)
    this.#pendingBytes -= octets
    for (const one of settling) one.settle(error)
  }

  /** One export that cannot be read takes no other along. */
  #fill(delivery: FlowDelivery, settling: { settle(error?: Error): void }[]): void {
    const { rows } = this.#batch
    try {
      delivery.fill(this.#batch)
      settling.push(delivery)
    } catch (error) {
      this.#batch.truncate(rows)
      this.#deps.report.decodeFailed('flows', error)
      delivery.settle(error as Error)
    }
  }

  #markRepeats(counts: { accepted: number; rejected: number; duplicate: number }): void {
    const { rows, columns } = this.#batch
    const { verdict, idHash } = columns
    const { duplicates } = this.#deps
    for (let row = 0; row < rows; row++) {
      if (verdict[row] !== accepted) {
        counts.rejected++
        continue
      }
      const low = idHash[2 * row]!
      const high = idHash[2 * row + 1]!
      if ((low | high) !== 0 && duplicates.seen(low, high)) {
        verdict[row] = duplicate
        counts.duplicate++
      } else counts.accepted++
    }
  }

  #append(taken: readonly string[], released: readonly string[]): Error | undefined {
    const { journal, reader, duplicates, report, clock } = this.#deps
    let position: number
    try {
      position = journal.append(this.#batch, { taken, released })
    } catch (error) {
      duplicates.takeBack()
      if (!(error instanceof JournalFull) && !(error instanceof JournalFailed)) throw error
      this.#pausedUntilMs = clock.monotonicMs() + this.#config.pauseMs
      this.#refusal = error
      if (error instanceof JournalFull) report.journalFull(error, this.#batch.rows)
      else report.journalFailed(error, this.#batch.rows)
      return error
    }
    if (this.#batch.rows > 0) {
      try {
        reader.take(this.#batch, position)
      } catch (error) {
        // It is durable and will be replayed; whoever reads the journal is in no known state.
        report.readerFailed(error)
        this.#deps.die?.(error)
      }
    }
    return undefined
  }

  #report(counts: { accepted: number; rejected: number; duplicate: number }): void {
    const { report, decoder } = this.#deps
    report.committed(counts)
    if (counts.rejected > 0) {
      const { rows, columns, texts } = this.#batch
      for (let row = 0; row < rows; row++) {
        if (columns.verdict[row] === rejected) report.eventRejected(texts[columns.reason[row]!]!)
      }
    }
    if (decoder.counts.unknownFields > 0) report.unknownFields(decoder.counts.unknownFields)
    if (decoder.counts.aheadOfClock > 0) report.aheadOfClock(decoder.counts.aheadOfClock)
    decoder.counts.unknownFields = 0
    decoder.counts.aheadOfClock = 0
  }

  /** After a refusal nothing is decoded for a moment: a full journal must not burn the processor on what it cannot take. */
  #refused(settle: (error?: Error) => void): boolean {
    let refusal = this.#stopped ? new Error('the agent is stopping') : undefined
    if (this.#refusal !== undefined) {
      if (this.#deps.clock.monotonicMs() < this.#pausedUntilMs) refusal = this.#refusal
      else if (this.#refusal instanceof JournalFailed) refusal = this.#reopen()
      if (refusal === undefined) this.#refusal = undefined
    }
    if (refusal === undefined) return false
    const error = refusal
    setImmediate(() => settle(error))
    return true
  }

  #reopen(): Error | undefined {
    try {
      this.#deps.journal.reopen()
      this.#deps.report.journalReopened()
      return undefined
    } catch (error) {
      this.#pausedUntilMs = this.#deps.clock.monotonicMs() + this.#config.pauseMs
      return error as Error
    }
  }
}
