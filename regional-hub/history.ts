/**
 * Recent sightings of many keys, each key's in a list ordered by event time, in pages of typed arrays.
 *
 * What is kept is a function of the SET of sightings, never of the order they came in: of each class (cell, a, b and slice of time) the
 * earliest and the latest. That is a join-semilattice: taking in the same sighting twice, or in another order, changes nothing. Every rule
 * is a function of a key's list, so alerts inherit that. `a` and `b` are numbers of identities (device, SIM); 0 is unknown.
 *
 * A point takes 24 octets: time (8), cell with region in the upper octet (4), a (4), b (4), next older point (4). Point 0 is "none".
 */
import { octets, wordsOf } from './key-table.ts'
import { emptyPoints, type Points, resizePoints } from './points.ts'

const pageBits = 14
const pagePoints = 1 << pageBits
const pageMask = pagePoints - 1

export interface HistoryOptions {
  readonly bucketMs: number
  /** Whether sightings at different cells are different classes. */
  readonly byCell: boolean
  /** Order of two sightings of the same millisecond, by content alone. */
  readonly compareTies: (cellX: number, aX: number, bX: number, cellY: number, aY: number, bY: number) => number
}

/** What an insert did. */
export const unchanged = 0
/** The newest sighting moved on within its class, or joined it. */
export const extended = 1
/** A new newest sighting of another class. */
export const appended = 2
/** Anything else: the past changed. */
export const rewritten = 3

export class History {
  /** Of the last insert: the inserted point, and where a point left the list: its newer and older neighbours (0: none left). */
  inserted = 0
  newer = 0
  gapNewer = 0
  gapOlder = 0
  change = unchanged
  readonly points = emptyPoints()
  readonly #options: HistoryOptions
  #times: Float64Array[] = []
  #words: Uint32Array[] = []
  #allocated = 1
  #free = 0

  constructor(options: HistoryOptions) {
    this.#options = options
    this.#addPage(new ArrayBuffer(pagePoints * 24))
  }

  timeMs(point: number): number {
    return this.#times[point >>> pageBits]![(point & pageMask) * 3]!
  }

  cell(point: number): number {
    return this.#word(point, 2)
  }

  a(point: number): number {
    return this.#word(point, 3)
  }

  b(point: number): number {
    return this.#word(point, 4)
  }

  older(point: number): number {
    return this.#word(point, 5)
  }

  /** Takes a sighting into the list that starts (newest) at `head`; returns the list's head. */
  insert(head: number, timeMs: number, cell: number, a: number, b: number): number {
    const { bucketMs } = this.#options
    const fromMs = timeMs - (((timeMs % bucketMs) + bucketMs) % bucketMs)
    const toMs = fromMs + bucketMs
    this.change = unchanged
    this.inserted = this.newer = this.gapNewer = this.gapOlder = 0

    let newer = 0
    let older = head
    let newerMate = 0
    let newerMates = 0
    let beforeNewerMate = 0
    while (older !== 0) {
      const order = this.#compare(older, timeMs, cell, a, b)
      if (order === 0) return head
      if (order < 0) break
      if (this.timeMs(older) < toMs && this.#isMate(older, cell, a, b)) {
        newerMate = older
        beforeNewerMate = newer
        newerMates++
      }
      newer = older
      older = this.older(older)
    }
    let olderMate = 0
    let beforeOlderMate = 0
    let olderMates = 0
    for (let before = newer, point = older; point !== 0 && this.timeMs(point) >= fromMs; before = point, point = this.older(point)) {
      if (!this.#isMate(point, cell, a, b)) continue
      if (olderMates++ === 0) {
        olderMate = point
        beforeOlderMate = before
      } else break
    }
    if (newerMates > 0 && olderMates > 0) return head

    if (olderMates > 1 && olderMate === older) {
      this.#set(olderMate, timeMs, cell, a, b, this.older(olderMate))
      this.inserted = olderMate
      this.newer = newer
      this.change = newer === 0 ? extended : rewritten
      return head
    }
    const point = this.#allocate()
    this.#set(point, timeMs, cell, a, b, older)
    if (newer === 0) head = point
    else this.#setOlder(newer, point)
    this.inserted = point
    this.newer = newer
    if (newer !== 0) this.change = rewritten
    else this.change = olderMate !== 0 && olderMate === older ? extended : appended
    if (olderMates > 1) {
      this.change = rewritten
      this.#remove(beforeOlderMate === newer ? point : beforeOlderMate, olderMate)
    } else if (newerMates > 1) {
      if (beforeNewerMate === 0) throw new Error('history: an earliest sighting cannot be the newest of several')
      this.#remove(beforeNewerMate, newerMate)
    }
    return head
  }

  /** Gives a list's points back. */
  clear(head: number): void {
    while (head !== 0) {
      const older = this.older(head)
      this.#release(head)
      head = older
    }
  }

  /** Copies a list, oldest first, into `points`. */
  read(head: number): Points {
    const { points } = this
    let count = 0
    for (let point = head; point !== 0; point = this.older(point)) count++
    resizePoints(points, count)
    for (let point = head, at = count - 1; point !== 0; point = this.older(point), at--) {
      points.timeMs[at] = this.timeMs(point)
      points.cell[at] = this.cell(point)
      points.a[at] = this.a(point)
      points.b[at] = this.b(point)
    }
    return points
  }

  /**
   * Forgets what no late sighting can ask for any more. Older than `settledMs`: all but the first and last sighting of each run of one `a` (and `b`);
   * older than `finalMs`: all but the newest. Returns the list's head.
   */
  prune(head: number, settledMs: number, finalMs: number): number {
    let kept = 0
    let keptA = 0
    let keptB = 0
    let point = head
    while (point !== 0) {
      const next = this.older(point)
      const timeMs = this.timeMs(point)
      const a = this.a(point)
      // The newest settled sighting stays whatever it is: a late one may still come right after it.
      const drop =
        kept !== 0 &&
        this.timeMs(kept) < settledMs &&
        (this.#isSaidLater(a, keptA, this.b(point), keptB, timeMs < finalMs) ||
          (a === 0 ? this.#isInsideB(point, keptB) : keptA === a && this.#isInside(point, a, keptB)))
      if (drop) {
        this.#setOlder(kept, next)
        this.#release(point)
      } else {
        kept = point
        if (a !== 0 && a !== keptA) keptB = 0
        if (a !== 0) keptA = a
        if (this.b(point) !== 0) keptB = this.b(point)
      }
      point = next
    }
    return head
  }

  get bytes(): number {
    return this.#words.length * pagePoints * 24
  }

  snapshot(): Uint8Array[] {
    return [octets(Uint32Array.of(this.#allocated, this.#free)), ...this.#words.map(octets)]
  }

  restore(parts: readonly Uint8Array[]): void {
    const state = wordsOf(parts[0]!)
    this.#allocated = state[0]!
    this.#free = state[1]!
    this.#times = []
    this.#words = []
    for (const part of parts.slice(1)) this.#addPage(wordsOf(part).buffer)
  }

  /** Whether a point names nothing, or, once that is enough, nothing that a later point does not name as well. */
  #isSaidLater(a: number, keptA: number, b: number, keptB: number, isEnough: boolean): boolean {
    if (a === 0 && b === 0) return true
    return isEnough && (a === 0 || keptA !== 0) && (b === 0 || keptB !== 0)
  }

  /** Whether a run of `b` goes on before a point that names no `a`. */
  #isInsideB(point: number, keptB: number): boolean {
    const b = this.b(point)
    if (b !== keptB) return false
    let older = this.older(point)
    while (older !== 0 && this.b(older) === 0) older = this.older(older)
    return older !== 0 && this.b(older) === b
  }

  /** Whether a run of `a` goes on before the point, and with the same `b` as on both sides if the point names one. */
  #isInside(point: number, a: number, keptB: number): boolean {
    const b = this.b(point)
    if (b !== 0 && b !== keptB) return false
    for (let older = this.older(point); older !== 0; older = this.older(older)) {
      if (this.a(older) === 0) continue
      if (this.a(older) !== a) return false
      if (b === 0 || this.b(older) === b) return true
      if (this.b(older) !== 0) return false
    }
    return false
  }

  #isMate(point: number, cell: number, a: number, b: number): boolean {
    return this.a(point) === a && this.b(point) === b && (!this.#options.byCell || this.cell(point) === cell)
  }

  /** > 0 when the point is later than the sighting. */
  #compare(point: number, timeMs: number, cell: number, a: number, b: number): number {
    const difference = this.timeMs(point) - timeMs
    if (difference !== 0) return difference
    if (this.cell(point) === cell && this.a(point) === a && this.b(point) === b) return 0
    return this.#options.compareTies(this.cell(point), this.a(point), this.b(point), cell, a, b)
  }

  #remove(newer: number, point: number): void {
    const older = this.older(point)
    this.#setOlder(newer, older)
    this.#release(point)
    this.gapNewer = newer
    this.gapOlder = older
  }

  #allocate(): number {
    if (this.#free !== 0) {
      const point = this.#free
      this.#free = this.older(point)
      return point
    }
    const point = this.#allocated++
    if (point >>> pageBits >= this.#words.length) this.#addPage(new ArrayBuffer(pagePoints * 24))
    return point
  }

  #release(point: number): void {
    this.#setOlder(point, this.#free)
    this.#free = point
  }

  #addPage(buffer: ArrayBuffer): void {
    this.#times.push(new Float64Array(buffer))
    this.#words.push(new Uint32Array(buffer))
  }

  #word(point: number, word: number): number {
    return this.#words[point >>> pageBits]![(point & pageMask) * 6 + word]!
  }

  #setOlder(point: number, older: number): void {
    this.#words[point >>> pageBits]![(point & pageMask) * 6 + 5] = older
  }

  #set(point: number, timeMs: number, cell: number, a: number, b: number, older: number): void {
    const at = point & pageMask
    this.#times[point >>> pageBits]![at * 3] = timeMs
    const words = this.#words[point >>> pageBits]!
    words[at * 6 + 2] = cell
    words[at * 6 + 3] = a
    words[at * 6 + 4] = b
    words[at * 6 + 5] = older
  }
}
