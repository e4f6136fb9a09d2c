/**
 * The hub's own edges. Detection is pure code behind `Detector`; everything with a clock, a disk or a wire is on this side of it.
 *
 * One rule holds them together: a batch has been taken when its rows are in the detector's fsynced snapshot AND everything it led to
 * is in the trunk; only then does its agent hear of it.
 */
import type { Claim, Fence, Notice } from '#shared/control.ts'
import type { Batch } from '#shared/records.ts'

/** What came of the batches since the last flush. The batches' arrays belong to whoever flushed. */
export interface Detections {
  /** Record batches for the trunk: sighting (curated), position, binding, sim-movement, alert. */
  readonly batches: readonly Batch[]
  /** What the directory shall hear: this region now sees a SIM, number or device. */
  readonly claims: readonly Claim[]
}

export interface Detector {
  /** A batch of sightings from an agent, ledger-new rows only. Returns nothing; results are collected by `flush`. */
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
