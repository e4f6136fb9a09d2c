/**
 * Which event ids were seen lately: 64-bit hashes in two generations of open-addressing tables. When the recent one has held a window's
 * time or a window's events, it becomes the older one; so an id is remembered for at least one window and at most two.
 *
 * Owned by intake. What was inserted since `begin` can be taken back when the journal refused the batch. No allocation per event.
 */

export interface DuplicatesConfig {
  /** How long an event id is remembered at least, unless `windowEvents` came first. */
  readonly windowMs?: number
  readonly windowEvents?: number
}

/** A batch is never split over generations, so a table has room beyond a window's events. */
const slackEvents = 32_768

class Table {
  readonly slots: Uint32Array
  readonly #mask: number
  count = 0
  /** When its first and its last batch came. */
  startMs = Number.NaN
  endMs = Number.NaN

  constructor(capacity: number) {
    let slots = 1024
    while (slots < 1.5 * capacity) slots *= 2
    this.slots = new Uint32Array(2 * slots)
    this.#mask = slots - 1
  }

  /** The slot where the hash stands, or minus one minus the free slot where it would. */
  find(low: number, high: number): number {
    const { slots } = this
    let slot = (high ^ (low >>> 7)) & this.#mask
    for (;;) {
      const heldLow = slots[2 * slot]!
      const heldHigh = slots[2 * slot + 1]!
      if (heldLow === low && heldHigh === high) return slot
      if ((heldLow | heldHigh) === 0) return -1 - slot
      slot = (slot + 1) & this.#mask
    }
  }

  clear(): void {
    if (this.count > 0) this.slots.fill(0)
    this.count = 0
    this.startMs = Number.NaN
    this.endMs = Number.NaN
  }
}

export class Duplicates {
  readonly #windowMs: number
  readonly #windowEvents: number
  #recent: Table
  #older: Table
  #inserted: number[] = []

  constructor({ windowMs = 600_000, windowEvents = 1_000_000 }: DuplicatesConfig = {}) {
    this.#windowMs = windowMs
    this.#windowEvents = windowEvents
    this.#recent = new Table(windowEvents + 2 * slackEvents)
    this.#older = new Table(windowEvents + 2 * slackEvents)
  }

  /** Before a batch. Time is the agent's clock; one that was set back only makes ids be remembered longer. */
  begin(nowMs: number, rows: number): void {
    this.#inserted.length = 0
    if (nowMs - this.#older.endMs >= this.#windowMs) this.#older.clear()
    if (nowMs - this.#recent.endMs >= this.#windowMs) this.#recent.clear()
    const { count, startMs } = this.#recent
    if (nowMs - startMs >= this.#windowMs || (count > 0 && count + rows > this.#windowEvents + slackEvents)) {
      const emptied = this.#older
      emptied.clear()
      this.#older = this.#recent
      this.#recent = emptied
    }
    const recent = this.#recent
    if (!(recent.startMs <= nowMs)) recent.startMs = nowMs
    if (!(recent.endMs >= nowMs)) recent.endMs = nowMs
  }

  /** True for an id that was seen; else remembers it. */
  seen(low: number, high: number): boolean {
    const recent = this.#recent
    const at = recent.find(low, high)
    if (at >= 0) return true
    if (this.#older.count > 0 && this.#older.find(low, high) >= 0) return true
    if (recent.count > 0.4 * recent.slots.length) return false // four slots in five are taken: forgets rather than stalls
    const slot = -1 - at
    recent.slots[2 * slot] = low
    recent.slots[2 * slot + 1] = high
    recent.count++
    this.#inserted.push(slot)
    return false
  }

  /** Forgets what was inserted since `begin`. Newest first, so that no probe chain is cut. */
  takeBack(): void {
    const recent = this.#recent
    for (let at = this.#inserted.length - 1; at >= 0; at--) {
      recent.slots[2 * this.#inserted[at]!] = 0
      recent.slots[2 * this.#inserted[at]! + 1] = 0
    }
    recent.count -= this.#inserted.length
    this.#inserted.length = 0
  }

  /** At start: the ids of a journaled batch, oldest first. */
  reload(arrivalMs: number, ids: Uint32Array): void {
    this.begin(arrivalMs, ids.length / 2)
    for (let at = 0; at < ids.length; at += 2) if ((ids[at]! | ids[at + 1]!) !== 0) this.seen(ids[at]!, ids[at + 1]!)
    this.#inserted.length = 0
  }
}
