/**
 * Sends what the outbox hands out, highest lane first, and beats once a second, idle or not.
 *
 * A PubAck is a hint: it frees nothing, it only says when to look whether the hub's watermark follows. Everything above the watermark is sent
 * again on reconnect, and whenever a lane's watermark stands still for `stallMs` above numbers already acknowledged; the wait doubles while
 * it goes on standing still (the hub may be down for hours, and the stream still holds what it was given).
 * The next row is chosen only when the link can take it, so that an alarm never queues behind a backlog.
 */
import type { Clock } from '#shared/clock.ts'
import type { Beat, Watermark } from '#shared/control.ts'
import { DiskFull } from '#shared/errors.ts'
import type { Component } from '#shared/ports.ts'
import { pump } from '#shared/pump.ts'
import type { Lane } from '#shared/records.ts'
import type { Outbox, OutboxRow, Uplink } from './ports.ts'
import { TokenBucket } from './token-bucket.ts'

export interface UplinkSettings {
  readonly agent: string
  readonly maxInFlight: number
  /** 0: no bound. */
  readonly bytesPerSecond: number
  readonly stallMs: number
  readonly beatMs: number
}

export interface UplinkDeps {
  readonly outbox: Outbox
  readonly uplink: Uplink
  readonly clock: Clock
  readonly report: UplinkReport
  readonly onFailure: (error: unknown) => void
}

export interface UplinkReport {
  rowSent(row: OutboxRow): void
  rowGivenUp(row: OutboxRow, error: unknown): void
  laneStalled(lane: string, seq: number, standsMs: number): void
  staleWatermark(hubEpoch: number): void
  watermarkNotStored(error: Error): void
}

interface Standing {
  oldestSeq: number
  sinceMs: number
  waitMs: number
}

/** The wait between two times of sending again grows to so many times `stallMs`. */
const longestWait = 16
const idleMs = 500
const rowHeaderBytes = 250

export class UplinkPump implements Component {
  readonly name = 'uplink-pump'
  readonly #settings: UplinkSettings
  readonly #deps: UplinkDeps
  readonly #bucket: TokenBucket
  /** Highest number acknowledged by the server, per epoch and lane. */
  readonly #acked = new Map<string, number>()
  readonly #standing = new Map<string, Standing>()
  /** How often a lane was sent again because its watermark stood still. */
  readonly #rounds = new Map<Lane, number>()
  readonly #abort = new AbortController()
  #wake: (() => void) | undefined
  #beats: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined

  constructor(settings: UplinkSettings, deps: UplinkDeps) {
    this.#settings = settings
    this.#deps = deps
    this.#bucket = new TokenBucket(settings.bytesPerSecond, () => deps.clock.monotonicMs())
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#abort.abort(signal.reason), { once: true })
    const { uplink, outbox, report, onFailure } = this.#deps
    this.#running = pump<OutboxRow>({
      source: this.#rows(),
      work: (row) => uplink.publish(row, this.#rounds.get(row.lane) ?? 0),
      settle: (row) => this.#settle(row),
      maxInFlight: this.#settings.maxInFlight,
      signal: this.#abort.signal,
      onPoison: (row, error) => {
        outbox.giveUp(row, 'refused-by-the-server')
        report.rowGivenUp(row, error)
      },
      maxDelayMs: 2_000,
    }).catch(onFailure)
    this.#beats = setInterval(() => this.#beat(), this.#settings.beatMs)
  }

  /** Sends what is left while the link takes it, for three quarters of the deadline; the rest is sent after the next start. */
  async stop(deadlineMs: number): Promise<void> {
    clearInterval(this.#beats)
    const { uplink, clock } = this.#deps
    const endMs = clock.monotonicMs() + Math.min(2_000, deadlineMs * 0.75)
    this.poke()
    while (this.#running !== undefined && uplink.connected && !this.#drained && clock.monotonicMs() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    if (uplink.connected) this.#beat()
    this.#abort.abort(new Error('stopped'))
    await this.#running
  }

  /** New rows are there. */
  poke(): void {
    this.#wake?.()
  }

  /** The link is back: the server may have lost what it had acknowledged. */
  reconnected(): void {
    this.#standing.clear()
    this.#acked.clear()
    this.#deps.outbox.rewind()
    this.poke()
  }

  watermark(watermark: Watermark): void {
    const { outbox, report, onFailure } = this.#deps
    try {
      if (!outbox.free(watermark)) report.staleWatermark(watermark.hubEpoch)
    } catch (error) {
      if (error instanceof DiskFull)
        report.watermarkNotStored(error) // the hub says it again every second
      else onFailure(error)
    }
  }

  #drained = false

  async *#rows(): AsyncGenerator<OutboxRow> {
    const { outbox, uplink } = this.#deps
    const { signal } = this.#abort
    while (!signal.aborted) {
      await this.#bucket.ready(signal)
      const row = uplink.connected ? outbox.next() : undefined
      this.#drained = row === undefined
      if (row === undefined) {
        await this.#idle()
        continue
      }
      this.#bucket.spend(row.frame.length + rowHeaderBytes)
      yield row
    }
  }

  /** Until `poke`, or for half a second. */
  async #idle(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, idleMs)
    this.#wake = resolve
    await promise
    clearTimeout(timer)
    this.#wake = undefined
  }

  #settle(row: OutboxRow): void {
    const key = `${row.epoch}/${row.lane}`
    this.#acked.set(key, Math.max(this.#acked.get(key) ?? 0, row.seq))
    this.#deps.report.rowSent(row)
  }

  #beat(): void {
    const { outbox, uplink, clock, onFailure } = this.#deps
    try {
      const beat: Beat = { agent: this.#settings.agent, ...outbox.beat(clock.nowMs()) }
      if (uplink.connected) uplink.beat(beat)
      this.#resendStalled(beat)
    } catch (error) {
      onFailure(error)
    }
  }

  #resendStalled({ lanes }: Beat): void {
    const { outbox, clock, report } = this.#deps
    const nowMs = clock.monotonicMs()
    for (const { epoch, lane, oldestSeq } of lanes) {
      const key = `${epoch}/${lane}`
      const standing = this.#standing.get(key)
      if (oldestSeq > (this.#acked.get(key) ?? 0)) this.#standing.delete(key)
      else if (standing === undefined || standing.oldestSeq !== oldestSeq) {
        this.#standing.set(key, { oldestSeq, sinceMs: nowMs, waitMs: this.#settings.stallMs })
      } else if (nowMs - standing.sinceMs >= standing.waitMs) {
        report.laneStalled(lane, oldestSeq, nowMs - standing.sinceMs)
        standing.sinceMs = nowMs
        standing.waitMs = Math.min(standing.waitMs * 2, this.#settings.stallMs * longestWait)
        this.#rounds.set(lane, (this.#rounds.get(lane) ?? 0) + 1)
        outbox.rewind(lane)
        this.poke()
      }
    }
  }
}
