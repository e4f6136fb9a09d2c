/**
 * The agent's own edges. One rule holds them together: what was acknowledged to a device is on disk, in the journal or covered by the outbox,
 * until the hub's watermark has passed it.
 */
import type { Lane, RecordKind } from '#shared/records.ts'
import type { EventBatch } from './event-batch.ts'

/** What has been acknowledged and is not yet covered by the outbox. Positions rise by one per batch, for the life of the store. */
export interface Journal {
  /**
   * Stores the batch with its id hashes in one fsynced row and returns its position. Throws `JournalFull` before anything is written,
   * `JournalFailed` when the disk can no longer be trusted: then nothing may be acknowledged until it was reopened and verified.
   */
  append(batch: EventBatch): number
  /** Everything up to `position` is covered: whole segments below it are unlinked; their id hashes outlive them. */
  release(position: number): void
  /** The batches above `position`, oldest first. A damaged row is quarantined, counted and passed over. */
  replay(afterPosition: number): Iterable<{ position: number; batch: EventBatch }>
  /** Position of the newest row. */
  readonly head: number
}

/** The journal's quota is used up; nothing was written. Devices keep what is not acknowledged. */
export class JournalFull extends Error {}
/** The disk answered a write or a sync with an error. */
export class JournalFailed extends Error {}

/**
 * A message as a tap took it, before decoding. `family` and `source` come from the topic; undefined when the topic is none of ours.
 * `payload` may be read until `settle` was called.
 */
export interface RawMessage {
  readonly family: string | undefined
  readonly source: string
  readonly tenant: string
  readonly payload: Uint8Array
  readonly arrivalMs: number
  /** QoS 2: (client, packet id), committed with the row so that a repeated PUBLISH has no second effect. */
  readonly packetKey?: string
  /** Called once: with nothing when every event of the message is durable (accepted, or rejected and dead-lettered), with the error when it is not. */
  settle(error?: Error): void
}

/** Rows of one DPI export, already decoded; same promise as a message. */
export interface FlowDelivery {
  /** Appends the flows to the batch that is being gathered. */
  fill(batch: EventBatch): void
  settle(error?: Error): void
}

/** Where taps hand over what they took. Group commit: what gathers in a few milliseconds shares one fsync. */
export interface Intake {
  offer(message: RawMessage): void
  offerFlows(delivery: FlowDelivery): void
}

/** Rows on their way to the hub. */
export interface OutboxRow {
  readonly id: number
  readonly epoch: string
  readonly lane: Lane
  readonly seq: number
  readonly record: RecordKind
  readonly rows: number
  readonly frame: Uint8Array
}

/** The pure stages behind the journal take batches in journal order, live and on replay alike. */
export interface JournalReader {
  take(batch: EventBatch, position: number): void
}
