/**
 * Room kept for the day the volume is full. A full file system is a deadlock for SQLite: deleting rows and checkpoints need room themselves.
 * So a file of real octets lies there; when a write is refused it is removed, and nothing new is taken until there is room to put it back.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '#shared/clock.ts'
import { DiskFull } from '#shared/errors.ts'
import type { JournalReport } from '../events.ts'
import { JournalFull } from '../ports.ts'

export type BallastReport = Pick<JournalReport, 'ballastDropped' | 'ballastRestored'>

const blockBytes = 1 << 16

const restoreEveryMs = 1_000

export class Ballast {
  readonly #file: string
  readonly #bytes: number
  readonly #clock: Clock
  readonly #report: BallastReport
  #lies: boolean
  #dropped = false
  #nextTryMs = Number.NEGATIVE_INFINITY

  constructor(file: string, bytes: number, deps: { clock: Clock; report: BallastReport }) {
    this.#clock = deps.clock
    this.#report = deps.report
    this.#file = file
    this.#bytes = bytes
    this.#lies = bytes === 0 || existsSync(file)
  }

  /** Throws `JournalFull` while it is not in its place. */
  require(): void {
    if (!this.#lies && !this.restore()) {
      throw new JournalFull('the volume was full and has no room for the ballast yet; events are refused')
    }
  }

  drop(): void {
    if (!this.#lies || this.#bytes === 0) return
    rmSync(this.#file, { force: true })
    this.#lies = false
    this.#dropped = true
    this.#nextTryMs = this.#clock.monotonicMs() + restoreEveryMs
    this.#report.ballastDropped()
  }

  /** Does the work; where the volume is full, once more without the ballast. */
  roomFor<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof DiskFull)) throw error
      this.drop()
      return work()
    }
  }

  /** True when it lies there (again). Leaves as much again free, so that it is not dropped at once. */
  restore(): boolean {
    if (this.#lies) return true
    const nowMs = this.#clock.monotonicMs()
    if (nowMs < this.#nextTryMs) return false
    this.#nextTryMs = nowMs + restoreEveryMs
    const { bavail, bsize } = statfsSync(dirname(this.#file))
    if (bavail * bsize < 1.5 * this.#bytes) return false
    const unfinished = `${this.#file}.part`
    const file = openSync(unfinished, 'w', 0o600)
    try {
      const block = Buffer.alloc(blockBytes, 0xb5) // not zeros: no file system may store it as a hole
      for (let written = 0; written < this.#bytes; written += block.length) writeSync(file, block)
      fsyncSync(file)
    } catch {
      closeSync(file)
      rmSync(unfinished, { force: true })
      return false
    }
    closeSync(file)
    renameSync(unfinished, this.#file)
    if (this.#dropped) this.#report.ballastRestored()
    this.#dropped = false
    this.#lies = true
    return true
  }
}
