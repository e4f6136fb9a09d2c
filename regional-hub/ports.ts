/**
 * The hub's own edges. Detection is pure code behind `Detector`; everything with a clock, a disk or a wire is on this side of it.
 *
 * One rule holds them together: a batch has been taken when its rows are in the detector's fsynced snapshot AND everything it led to
 * is in the trunk; only then does its agent hear of it.
 */
import type { Claim, Fence, Notice, Triage } from '#shared/control.ts'
import type { Batch } from '#shared/records.ts'
import type { AgentProgress } from './progress.ts'

/** What came of the batches since the last flush. The batches' arrays belong to whoever flushed. */
export interface Detections {
  /** Record batches for the trunk: sighting (curated), position, binding, sim-movement, alert. */
  readonly batches: readonly Batch[]
  /** What the directory shall hear: this region now sees a SIM, number or device. */
  readonly claims: readonly Claim[]
}

export interface Detector {
  /**
   * A batch of sightings from an agent, ledger-new rows only; its arrays are the detector's from here on. Results are collected by `flush`: a
   * batch to which nothing had to be added comes out of it as the very object that went in.
   */
  sightings(batch: Batch<'sighting'>): void
  events(batch: Batch<'event'>): void
  /** What another region saw (from the directory). */
  notice(notice: Notice): void
  fence(fence: Fence): void
  /** Event-time progress of the whole region (min over live agents): closes what waits for time. */
  watermark(timeMs: number): void
  /** Everything produced since the last flush, as record batches for the trunk, plus claims to send and live updates for the console. */
  flush(): Detections
  /** Raw buffers for the snapshot and back: as many parts as the detector likes, cheap to make, valid until the next call. */
  snapshot(): Uint8Array[]
  /** Throws when the parts are not of this detector's version: the hub then replays what the inbox still holds. */
  restore(parts: readonly Uint8Array[]): void
  subscribers(): number
  stateBytes(): number
}

/** The region's own eyes: history and console. Sees every batch on its way to the trunk; never holds detection up beyond its bound. */
export interface Observer {
  /** The batch is valid during the call, the frame for good. */
  batch(batch: Batch, frame: Uint8Array): void
  triage(triage: Triage): void
  /** Once a second, with what the region knows of its agents. */
  tick(nowMs: number, agents: readonly AgentProgress[]): void
  /** False when so much waits to be written that reading should pause. */
  hasRoom(): boolean
  /** Resolves when everything seen so far is on disk. A failure is reported, not thrown: the trunk has everything. */
  flush(): Promise<void>
}

/** Where a reader stands in a stream. After a power cut a stream reuses sequence numbers, so the cursor remembers who its message was. */
export interface StreamCursor {
  /** Stream sequence of the last message taken; 0 before the first. */
  readonly position: number
  /** Subject and time of that message; '' when unknown. */
  readonly identity: string
}

export const startOfStream: StreamCursor = { position: 0, identity: '' }

/** Records that the region keeps in its own history. */
export const historyKinds = ['window', 'usage', 'tally', 'loss', 'position'] as const
export type HistoryKind = (typeof historyKinds)[number]
