/**
 * What a hub knows beside the detector's buffers: ledger, progress, watermarks, claims that wait, fences, and where it stands in the streams.
 * Owns the layout of the snapshot's parts; no clock, wire or disk here.
 */
import type { Fence } from '#shared/control.ts'
import type { Captured } from './checkpoint.ts'
import { ClaimQueue } from './claim-queue.ts'
import type { HubReport } from './events.ts'
import { Ledger } from './ledger.ts'
import { type Detector, type StreamCursor, startOfStream } from './ports.ts'
import { Progress } from './progress.ts'
import { type Marks, Watermarks } from './watermarks.ts'

interface Places {
  readonly inbox: StreamCursor
  readonly notices: StreamCursor
  readonly spoolHead: number
  readonly fences: readonly Fence[]
}

const ownParts = 4

export class HubState {
  hubEpoch = 0
  ledger = new Ledger()
  progress: Progress
  inboxCursor: StreamCursor = startOfStream
  noticeCursor: StreamCursor = startOfStream
  /** Where the spool stood at the snapshot that was restored. */
  spoolHead = 0
  readonly claims = new ClaimQueue()
  readonly fences = new Map<string, Fence>()
  readonly watermarks = new Watermarks()
  readonly #roster: readonly string[]
  readonly #unenrolled = new Set<string>()

  constructor(roster: readonly string[]) {
    this.#roster = roster
    this.progress = new Progress(roster, this.ledger)
  }

  marks(): Marks {
    return new Map(this.ledger.agents().map((agent) => [agent, this.ledger.marks(agent)]))
  }

  /** Under which name and epoch this hub writes; it follows the epoch when that rises. */
  addressOf(tenant: string, region: string): { readonly tenant: string; readonly region: string; readonly hubEpoch: number } {
    const epoch = () => this.hubEpoch
    return {
      tenant,
      region,
      get hubEpoch() {
        return epoch()
      },
    }
  }

  /** True once per agent that nobody enrolled. */
  isNewUnenrolled(agent: string): boolean {
    if (this.#roster.includes(agent) || this.#unenrolled.has(agent)) return false
    this.#unenrolled.add(agent)
    return true
  }

  /** Everything of this moment; the detector's buffers are copied, so that it may go on while they are written. */
  capture(header: Omit<Captured['header'], 'hubEpoch'>, detector: Detector, spoolHead: number): Captured {
    const places: Places = { inbox: this.inboxCursor, notices: this.noticeCursor, spoolHead, fences: [...this.fences.values()] }
    return {
      header: { ...header, hubEpoch: this.hubEpoch },
      parts: [
        this.ledger.encode(),
        this.progress.encode(),
        this.claims.encode(),
        Buffer.from(JSON.stringify(places)),
        ...detector.snapshot().map((part) => part.slice()),
      ],
      marks: this.marks(),
      spoolHead,
      inboxCursor: this.inboxCursor,
    }
  }

  /** What was taken may be gone: everything the inbox and the agents still hold is new again. */
  forgetTaken(): void {
    this.ledger = new Ledger()
    this.progress = new Progress(this.#roster, this.ledger)
    this.inboxCursor = startOfStream
  }

  restore(parts: readonly Uint8Array[], detector: Detector, report: HubReport): void {
    this.ledger = Ledger.decode(parts[0]!)
    this.progress = new Progress(this.#roster, this.ledger)
    this.progress.restore(parts[1]!)
    this.claims.restore(parts[2]!)
    const places = JSON.parse(Buffer.from(parts[3]!).toString('utf8')) as Places
    this.inboxCursor = places.inbox
    this.noticeCursor = places.notices
    this.spoolHead = places.spoolHead
    for (const fence of places.fences) this.fences.set(fence.id, fence)
    try {
      detector.restore(parts.slice(ownParts))
    } catch (error) {
      report.snapshotBroken('the detector’s part of the snapshot', (error as Error).message)
    }
  }
}
