/**
 * Snapshots as files: `snapshot` and the one before it, `snapshot.previous`.
 *
 * Promises: after `write` the new one is on disk for sure (file and folder fsynced) or the old one still stands; a snapshot of a newer epoch
 * than the writer's is never overwritten. `read` takes the newest that is whole; what was found broken is set aside and reported, never deleted.
 */
import { existsSync } from 'node:fs'
import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { fail } from '#shared/errors.ts'
import { decodeSnapshot, encodeSnapshot, type SnapshotHeader } from '../snapshot.ts'

const headBytes = 64 << 10

export interface FoundSnapshot {
  readonly header: SnapshotHeader
  readonly parts: readonly Uint8Array[]
  /** It is the one before the last: the last could not be read. */
  readonly isPrevious: boolean
}

export class FileSnapshot {
  readonly #dir: string
  readonly #onBroken: (file: string, words: string) => void

  constructor(dir: string, onBroken: (file: string, words: string) => void) {
    this.#dir = dir
    this.#onBroken = onBroken
  }

  async read(): Promise<FoundSnapshot | undefined> {
    for (const name of ['snapshot', 'snapshot.previous']) {
      const file = join(this.#dir, name)
      if (!existsSync(file)) continue
      try {
        return { ...decodeSnapshot(await readFile(file)), isPrevious: name !== 'snapshot' }
      } catch (error) {
        await rename(file, `${file}.broken`)
        this.#onBroken(file, (error as Error).message)
      }
    }
    return undefined
  }

  async write(header: Omit<SnapshotHeader, 'parts'>, parts: readonly Uint8Array[]): Promise<void> {
    const file = join(this.#dir, 'snapshot')
    const standing = await this.#standingEpoch(file)
    if (standing > header.hubEpoch) {
      fail('stale-epoch', `${file} was written by epoch ${standing}, this hub has epoch ${header.hubEpoch}`)
    }
    const temporary = join(this.#dir, 'snapshot.new')
    const handle = await open(temporary, 'w', 0o600)
    try {
      for (const piece of encodeSnapshot(header, parts)) await handle.writeFile(piece)
      await handle.datasync()
    } finally {
      await handle.close()
    }
    if (existsSync(file)) await rename(file, `${file}.previous`)
    await rename(temporary, file)
    const folder = await open(this.#dir, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  }

  /** Epoch in the header of the file that stands there; 0 when there is none that can be read. */
  async #standingEpoch(file: string): Promise<number> {
    if (!existsSync(file)) return 0
    const handle = await open(file, 'r')
    try {
      const head = Buffer.alloc(headBytes)
      const { bytesRead } = await handle.read(head, 0, headBytes, 0)
      if (bytesRead < 12) return 0
      const header = JSON.parse(head.toString('utf8', 12, 12 + head.readUInt32BE(8))) as SnapshotHeader
      return header.hubEpoch
    } catch {
      return 0
    } finally {
      await handle.close()
    }
  }
}
