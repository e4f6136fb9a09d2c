/**
 * The agent's own edges. One rule holds them together: what was acknowledged to a device is on disk, in the journal or covered by the outbox,
 * until the hub's watermark has passed it.
 */
import type { Beat, Watermark } from '#shared/control.ts'
import type { Batch, Lane, RecordKind } from '#shared/records.ts'
import type { EventBatch } from './event-batch.ts'

/** What has been acknowledged and is not yet covered by the outbox. Positions rise by one per batch, for the life of the store. */
export interface Journal {
  /**
   * Stores the batch with its id hashes and the QoS 2 packets it takes and releases in one fsynced row and returns its position. Throws
   * `JournalFull` before anything is written, `JournalFailed` when the disk can no longer be trusted: then nothing may be acknowledged until
   * `reopen` has succeeded.
   */
  append(batch: EventBatch, packets?: PacketChanges): number
  /** Everything up to `position` is covered: whole segments below it are unlinked; their id hashes outlive them. */
  release(position: number): void
  /**
   * The batches above `position`, oldest first. The batch is reused for the next one. A row that is damaged or gone is counted and passed over,
   * and `lost` is told of it in its place among the others.
   */
  replay(afterPosition: number, lost?: (facts: JournalFacts) => void): Iterable<{ position: number; batch: EventBatch }>
  /** No position up to this one is given again, whatever became of the rows: what the outbox covers stays covered. */
  raiseHead(position: number): void
  /** After `JournalFailed`: closes, opens and verifies anew. Throws `JournalFailed` while that is not possible. */
  reopen(): void
  /** Id hashes that still count, oldest first, in pairs of words. */
  recentIds(): Iterable<{ arrivalMs: number; ids: Uint32Array }>
  /** True while a QoS 2 packet was taken and not released. */
  holdsPacket(key: string): boolean
  /** Keys of the packets a client has not released. */
  packetsOf(client: string): readonly string[]
  /** Position of the newest row; 0 before the first. */
  readonly head: number
}

/** What a row of the journal holds or held. `accepted`: by family, in their order, then those of no known one. */
export interface JournalFacts {
  readonly position: number
  readonly arrivalMs: number
  /** Range of event time. */
  readonly fromMs: number
  readonly toMs: number
  readonly accepted: readonly number[]
  readonly rejected: number
  readonly duplicate: number
}

/** QoS 2 packet keys (`packetKey`) that a row takes and releases. */
export interface PacketChanges {
  readonly taken: readonly string[]
  readonly released: readonly string[]
}

/** The key under which a QoS 2 packet is remembered until its PUBREL. */
export function packetKey(client: string, packetId: number): string {
  return `${client}\0${packetId}`
}

/** The journal's quota is used up; nothing was written. Devices keep what is not acknowledged. */
export class JournalFull extends Error {}
/** The disk answered a write or a sync with an error. */
export class JournalFailed extends Error {}

/**
 * A message as a tap took it, before decoding. `family` and `source` come from the topic; when the topic is none of ours, `family` is
 * undefined and `source` the whole topic.
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

/** What a tap needs that speaks a protocol with sessions and can hold its senders back. */
export interface SessionIntake extends Intake {
  /** QoS 2: PUBREL, or a session that ended. The packet ids may be used anew once `settle` was called without an error. */
  releasePackets(keys: readonly string[], settle: (error?: Error) => void): void
  /** The client's packets that are taken and not released. */
  packetsOf(client: string): readonly string[]
  /** Octets taken and not yet settled. Taps stop reading while there are too many, and are told by `whenRelieved`. */
  readonly congested: boolean
  whenRelieved(listener: () => void): void
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

/**
 * What of the journal is already in the outbox. `fast`: sightings, whole events, tallies and dead letters of every batch up to that position;
 * `slow`: windows and usage. `boundaryMs`: every event that had arrived by then is in the outbox.
 */
export interface Coverage {
  readonly fast: number
  readonly slow: number
  readonly boundaryMs: number
}

/** One step from journal to outbox. Stored whole or not at all. */
export interface OutboxCommit {
  readonly entries: readonly { readonly lane: Lane; readonly batch: Batch }[]
  readonly tallies: readonly Tally[]
  readonly coverage: Coverage
}

/** What the quota has cost: whole events given up. */
export interface OutboxLoss {
  readonly family: string
  readonly events: number
}

/** Rows that wait, as an operator wants to know it. */
export interface LaneBacklog {
  readonly lane: Lane
  readonly rows: number
  readonly bytes: number
  readonly oldestMs: number
}

/**
 * Owner of everything on its way to the hub. A row that has a number of its lane stays, unchanged, until the hub's watermark has passed it.
 * Rows of the lanes that may be shed get their number only when they are about to be sent, so that merging or giving up those that
 * still wait never leaves a gap in the numbers.
 */
export interface Outbox {
  readonly epoch: string
  readonly coverage: Coverage
  /** Nobody knows any more what of the journal is covered: all of it may be. A commit says anew. */
  readonly coverageLost: boolean
  /** One fsynced transaction. Throws `DiskFull` with nothing stored: the caller keeps the commit and tries again. */
  commit(commit: OutboxCommit): void
  /** Keeps below the quota: merges waiting windows, then gives up what may be given up, with loss and tallies on record. Returns what that cost. */
  relieve(): readonly OutboxLoss[]
  nextPart(): number
  recallTally(key: TallyKey): Tally | undefined
  /** The next row to send, highest lane first; undefined when everything was handed out. */
  next(): OutboxRow | undefined
  /** Hands out again everything that is still held, of one lane or of all. */
  rewind(lane?: Lane): void
  /** Frees rows; false when the message is from an older hub than one already heard. */
  free(watermark: Watermark): boolean
  /** Frees one row that can never be taken, and says so in a loss record. */
  giveUp(row: OutboxRow, reason: string): void
  beat(timeMs: number): Omit<Beat, 'agent'>
  backlog(): readonly LaneBacklog[]
}

/** The way to the region's server. */
export interface Uplink {
  readonly connected: boolean
  /**
   * Resolves with the server's PubAck, which is a hint and frees nothing. Rejects with `Unavailable` when nobody is there now. The server may
   * recognise a row that it already has, within one `round`; a row of a new round it takes again, because the hub did not get it.
   */
  publish(row: OutboxRow, round: number): Promise<void>
  /** Not stored by the server, and not repeated. */
  beat(beat: Beat): void
}

/** What totals are kept by. */
export interface TallyKey {
  readonly minuteMs: number
  readonly family: string
  readonly source: string
  readonly eventType: string
}

export const tallyCounts = ['accepted', 'rejected', 'duplicate', 'late', 'lost'] as const
export type Tally = TallyKey & Record<(typeof tallyCounts)[number], number>
