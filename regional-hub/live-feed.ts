/**
 * The live stream: numbers messages, keeps the latest in a ring so that a screen that was away can go on where it stopped, and keeps the state
 * that they amount to, for screens that begin. Bounded in messages and in octets; it never waits for a reader.
 */
import { LiveFold } from './live-fold.ts'
import type { LiveMessage, LiveState } from './reduce-live.ts'

export interface FeedEntry {
  readonly id: string
  readonly type: LiveMessage['type']
  /** JSON. */
  readonly data: string
}

const maxEntries = 4096
const maxRingOctets = 16 << 20

export class LiveFeed {
  /** Tells the ring of one run of the hub from that of another. */
  readonly #run: string
  readonly #fold = new LiveFold()
  #ring: FeedEntry[] = []
  #ringOctets = 0
  #count = 0
  readonly #listeners = new Set<(entry: FeedEntry) => void>()

  constructor(run: string) {
    this.#run = run
  }

  get state(): LiveState {
    return this.#fold.state
  }

  /** Who begins with `state` now goes on behind it. */
  get lastId(): string {
    return `${this.#run}-${this.#count}`
  }

  get listeners(): number {
    return this.#listeners.size
  }

  emit(message: LiveMessage): FeedEntry {
    this.#fold.apply(message)
    const entry = { id: `${this.#run}-${++this.#count}`, type: message.type, data: JSON.stringify(message) }
    this.#ring.push(entry)
    this.#ringOctets += entry.data.length
    while (this.#ring.length > maxEntries || (this.#ringOctets > maxRingOctets && this.#ring.length > 1)) {
      this.#ringOctets -= this.#ring.shift()!.data.length
    }
    for (const listener of this.#listeners) listener(entry)
    return entry
  }

  /** What came after `lastId`; the whole state when that is too long ago, of another run, or unknown. */
  since(lastId: string | undefined): readonly FeedEntry[] {
    const [run, number] = lastId?.split('-') ?? []
    const after = Number(number)
    const first = this.#count - this.#ring.length + 1
    if (run === this.#run && after >= first - 1 && after <= this.#count) return this.#ring.slice(after - first + 1)
    return [this.full()]
  }

  full(): FeedEntry {
    const message: LiveMessage = { type: 'state', timeMs: this.state.timeMs, state: this.state }
    return { id: `${this.#run}-${this.#count}`, type: 'state', data: JSON.stringify(message) }
  }

  /** Returns what ends it. */
  listen(listener: (entry: FeedEntry) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
