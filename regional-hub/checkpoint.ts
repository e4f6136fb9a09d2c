/**
 * Makes what was taken durable: spool, then history, then the snapshot that refers to both, in this order; then the watermarks and the inbox's
 * release that rest on it.
 *
 * Promises: what is captured belongs together (one synchronous step); only one runs at a time; the interval stretches to 20 times what
 * detection stands still for one, and to twice what one takes in all, but not beyond 20 s: agents send again after 30 s without a watermark. A snapshot that cannot be written is reported and tried again: until then no agent frees a row. A stale epoch ends the hub, and so does
 * a disk that can no longer be trusted: it is opened and checked anew by the next start.
 */
import type { Clock } from '#shared/clock.ts'
import { describeError, findError } from '#shared/errors.ts'
import { sleep } from '#shared/retry.ts'
import type { HubReport } from './events.ts'
import { type StreamCursor, startOfStream } from './ports.ts'
import type { SnapshotHeader } from './snapshot.ts'
import type { Marks } from './watermarks.ts'

export interface Captured {
  readonly header: Omit<SnapshotHeader, 'parts'>
  readonly parts: readonly Uint8Array[]
  readonly marks: Marks
  readonly spoolHead: number
  readonly inboxCursor: StreamCursor
}

export interface CheckpointDeps {
  readonly intervalMs: number
  readonly clock: Clock
  readonly report: HubReport
  /** The state of this moment; its parts are copies. */
  capture(): Captured
  persistSpool(): void
  flushHistory(): Promise<void>
  write(header: Captured['header'], parts: readonly Uint8Array[]): Promise<void>
  /** It is on disk for sure. `previous`: where the inbox stood at the snapshot before, which is still there to go back to. */
  written(captured: Captured, previous: StreamCursor): void
  /** The hub cannot go on. */
  die(error: unknown): void
}

const blockedShare = 20
const writingShare = 2
const longestPauseMs = 20_000

export class Checkpointer {
  readonly #deps: CheckpointDeps
  #running: Promise<void> | undefined
  #previous: StreamCursor = startOfStream
  #pauseMs = 0

  constructor(deps: CheckpointDeps) {
    this.#deps = deps
  }

  /** One after another until the signal aborts. */
  async loop(signal: AbortSignal): Promise<void> {
    const { intervalMs } = this.#deps
    while (!signal.aborted) {
      await sleep(Math.max(intervalMs, Math.min(longestPauseMs, this.#pauseMs)), signal).catch(() => {})
      if (!signal.aborted) await this.take()
    }
  }

  /** Resolves when one that began after the call is over, well or not. */
  async take(): Promise<void> {
    await this.#running
    this.#running ??= this.#take().finally(() => {
      this.#running = undefined
    })
    await this.#running
  }

  async #take(): Promise<void> {
    const { clock, report, capture, persistSpool, flushHistory, write, written, die } = this.#deps
    const startMs = clock.monotonicMs()
    try {
      const captured = capture()
      persistSpool()
      const blockedMs = clock.monotonicMs() - startMs
      await flushHistory()
      await write(captured.header, captured.parts)
      written(captured, this.#previous)
      this.#previous = captured.inboxCursor
      const durationMs = clock.monotonicMs() - startMs
      this.#pauseMs = Math.max(blockedMs * blockedShare, durationMs * writingShare)
      report.snapshotTaken(
        captured.parts.reduce((sum, { length }) => sum + length, 0),
        durationMs,
      )
    } catch (error) {
      if (findError(error, 'stale-epoch') !== undefined || findError(error, 'store-failed') !== undefined) die(error)
      else report.snapshotFailed(describeError(error))
    }
  }
}
