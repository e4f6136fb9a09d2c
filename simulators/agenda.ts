/** What is due when: a binary heap by time, ties in the order of adding, so that the same calls give the same order on any machine. */
export class Agenda<T> {
  readonly #entries: { timeMs: number; order: number; item: T }[] = []
  #order = 0

  get size(): number {
    return this.#entries.length
  }

  add(timeMs: number, item: T): void {
    const entries = this.#entries
    const entry = { timeMs, order: this.#order++, item }
    let at = entries.length
    entries.push(entry)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(entry, entries[parent]!)) break
      entries[at] = entries[parent]!
      at = parent
    }
    entries[at] = entry
  }

  /** Removes and returns the earliest item due at or before `timeMs`. */
  takeDue(timeMs: number): { timeMs: number; item: T } | undefined {
    const entries = this.#entries
    const first = entries[0]
    if (first === undefined || first.timeMs > timeMs) return undefined
    const last = entries.pop()!
    if (entries.length > 0) {
      let at = 0
      for (;;) {
        let child = 2 * at + 1
        if (child >= entries.length) break
        if (child + 1 < entries.length && before(entries[child + 1]!, entries[child]!)) child++
        if (!before(entries[child]!, last)) break
        entries[at] = entries[child]!
        at = child
      }
      entries[at] = last
    }
    return first
  }
}

function before(a: { timeMs: number; order: number }, b: { timeMs: number; order: number }): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order)
}
