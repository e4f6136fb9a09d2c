/**
 * What waits for the trunk, in order. Everything that leaves the region passes through here, so that detection and the console go on while
 * the core is away: as long as the trunk keeps up nothing touches the disk; what piles up past a bound in memory goes to `spool.db`.
 *
 * Promises: items come out in the order they went in; after `persist` everything not yet acknowledged is fsynced, which the hub does before
 * each snapshot: a snapshot and the spool up to its head belong together. After a crash what went in above that head is dropped (`open`), as
 * the replay of the inbox makes it again. Beyond its quota it is `full`: then the hub stops reading, the region's stream holds, and so do the agents.
 */
import { type Database, guard, openDatabase } from '#shared/adapters/sqlite.ts'

export interface SpoolItem {
  readonly id: number
  readonly topic: string
  readonly frame: Uint8Array
  /** Stable over a repeat where there is one: the batch's identity. */
  readonly key: string
  /** Speaks of everything before it: goes out only when all of that is acknowledged. */
  readonly barrier: boolean
}

export interface SpoolOptions {
  readonly file: string
  readonly quotaBytes: number
  readonly memoryBytes: number
}

type Row = { id: number; topic: string; key: string; barrier: number; frame: Uint8Array }

const chunkItems = 256
const chunkBytes = 4 << 20

export class SqliteSpool {
  readonly #options: SpoolOptions
  readonly #db: Database
  /** Handed out or about to be, oldest first. */
  #window: SpoolItem[] = []
  /** The newest ones, still in memory. Between window and tail there may be others, on disk only. */
  #tail: SpoolItem[] = []
  #tailBytes = 0
  #windowBytes = 0
  #head = 0
  #acknowledged = 0
  #persisted = 0
  #deleted = 0
  /** Id of the newest item of the window. */
  #taken = 0
  #diskBytes = 0
  /** The disk refused the last write: nothing more is taken until one succeeds. What is in memory stays there. */
  #isStuck = false

  constructor(options: SpoolOptions) {
    this.#options = options
    this.#db = openDatabase(options.file, { quotaBytes: options.quotaBytes * 2 }) // the quota is ours to keep: deleting must never fail for want of a page
    guard(options.file, () =>
      this.#db.exec(
        'CREATE TABLE IF NOT EXISTS item (id INTEGER PRIMARY KEY, topic TEXT NOT NULL, key TEXT NOT NULL, barrier INTEGER NOT NULL, frame BLOB NOT NULL)',
      ),
    )
  }

  /** Continues at the snapshot's head; without a snapshot, with everything that is on disk. */
  open(snapshotHead: number | undefined): void {
    guard(this.#options.file, () => {
      if (snapshotHead !== undefined) this.#db.prepare('DELETE FROM item WHERE id > ?').run(snapshotHead)
      const row = this.#db.prepare('SELECT min(id) AS first, max(id) AS last, total(length(frame)) AS bytes FROM item').get() as {
        first: number | null
        last: number | null
        bytes: number
      }
      this.#head = Math.max(snapshotHead ?? 0, row.last ?? 0)
      this.#persisted = this.#head
      this.#acknowledged = row.first === null ? this.#head : row.first - 1
      this.#taken = this.#acknowledged
      this.#deleted = this.#acknowledged
      this.#diskBytes = row.bytes
    })
  }

  push(topic: string, frame: Uint8Array, key: string, barrier = false): void {
    this.#tail.push({ id: ++this.#head, topic, frame, key, barrier })
    this.#tailBytes += frame.length
    if (this.#tailBytes > this.#options.memoryBytes && !this.#isStuck) this.#spill()
  }

  /** Id of the newest item. */
  get head(): number {
    return this.#head
  }

  /** Everything up to here is the trunk's. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  get waitingItems(): number {
    return this.#head - this.#acknowledged
  }

  get bytes(): number {
    return this.#diskBytes + this.#tailBytes
  }

  get full(): boolean {
    return this.#isStuck || this.bytes > this.#options.quotaBytes
  }

  /** The item after `id`, or undefined when that was the last one. */
  after(id: number): SpoolItem | undefined {
    if (id >= this.#head) return undefined
    if (id >= this.#taken) this.#take()
    const first = this.#window[0]
    return first === undefined ? undefined : this.#window[id + 1 - first.id]
  }

  /** Everything up to `id` is the trunk's. */
  acknowledge(id: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, id)
    let done = 0
    while (this.#window[done] !== undefined && this.#window[done]!.id <= id) this.#windowBytes -= this.#window[done++]!.frame.length
    if (done > 0) this.#window.splice(0, done)
  }

  /** Returns once everything that waits is fsynced. */
  persist(): void {
    const waiting = [...this.#window, ...this.#tail].filter(({ id }) => id > this.#persisted)
    if (waiting.length === 0 && this.#deleted >= this.#acknowledged && !this.#isStuck) return
    const diskBytes = this.#diskBytes
    try {
      this.#write(waiting)
    } catch (error) {
      this.#diskBytes = diskBytes
      throw error
    }
  }

  #write(waiting: readonly SpoolItem[]): void {
    guard(this.#options.file, () => {
      const insert = this.#db.prepare('INSERT INTO item (id, topic, key, barrier, frame) VALUES (?, ?, ?, ?, ?)')
      this.#db
        .transaction(() => {
          const gone = this.#db.prepare('SELECT total(length(frame)) FROM item WHERE id <= ?').pluck()
          this.#diskBytes -= gone.get(this.#acknowledged) as number
          this.#db.prepare('DELETE FROM item WHERE id <= ?').run(this.#acknowledged)
          for (const { id, topic, key, barrier, frame } of waiting) {
            insert.run(id, topic, key, barrier ? 1 : 0, frame)
            this.#diskBytes += frame.length
          }
        })
        .immediate()
      this.#persisted = this.#head
      this.#deleted = this.#acknowledged
      this.#isStuck = false
    })
  }

  close(): void {
    this.#db.close()
  }

  /** Never throws: whoever pushes has taken the batch already. The next `persist` tells what is wrong. */
  #spill(): void {
    try {
      this.persist()
    } catch {
      this.#isStuck = true
      return
    }
    this.#tail = []
    this.#tailBytes = 0
  }

  /** Moves the next items into the window: from disk while there are older ones than the tail's, then the tail. */
  #take(): void {
    const tailFirst = this.#tail[0]?.id ?? this.#head + 1
    if (this.#taken + 1 < tailFirst) {
      const rows = guard(this.#options.file, () =>
        this.#db.prepare('SELECT * FROM item WHERE id > ? AND id < ? ORDER BY id LIMIT ?').all(this.#taken, tailFirst, chunkItems),
      ) as Row[]
      for (const { barrier, ...row } of rows) {
        this.#append({ ...row, barrier: barrier !== 0 })
        if (this.#windowBytes > chunkBytes) break
      }
      return
    }
    const moved = this.#tail.splice(0, chunkItems)
    for (const item of moved) {
      this.#tailBytes -= item.frame.length
      this.#append(item)
    }
  }

  #append(item: SpoolItem): void {
    this.#window.push(item)
    this.#windowBytes += item.frame.length
    this.#taken = item.id
  }
}
