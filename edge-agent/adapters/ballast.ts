/**
 * Room kept for the day the volume is full. A full file system is a deadlock for SQLite: deleting rows and checkpoints need room themselves.
 * So a file of real octets lies there; when a write is refused it is removed, and nothing new is taken until there is room to put it back.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const blockBytes = 1 << 16

export class Ballast {
  readonly #file: string
  readonly #bytes: number
  #lies: boolean

  constructor(file: string, bytes: number) {
    this.#file = file
    this.#bytes = bytes
    this.#lies = bytes === 0 || existsSync(file)
  }

  get inPlace(): boolean {
    return this.#lies
  }

  drop(): void {
    rmSync(this.#file, { force: true })
    this.#lies = false
  }

  /** True when it lies there (again). Leaves as much again free, so that it is not dropped at once. */
  restore(): boolean {
    if (this.#lies) return true
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
    this.#lies = true
    return true
  }
}
