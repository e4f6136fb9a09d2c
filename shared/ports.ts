/**
 * The edges that all services share. A port speaks in batches; its adapters live in each service's `adapters/`.
 */
import type { Batch } from './records.ts'

/** A part of a service with a life. Constructors do nothing; `start` may be refused with a reason; `stop` is safe twice and unstarted. */
export interface Component {
  readonly name: string
  /** Rejects with a sentence for the operator when it cannot start. Aborting the signal ends everything the component does. */
  start(signal: AbortSignal): Promise<void>
  /** Drains for three quarters of the deadline, then gives up and says what may be sent twice. */
  stop(deadlineMs: number): Promise<void>
}

/**
 * Where batches go that leave a region for the core, in order, at least once.
 * Owner of a batch after the promise resolves: the trunk. Embedded: a JetStream stream on the core's server. Cluster: Kafka.
 */
export interface Trunk {
  /**
   * Resolves when the trunk has the frame durably. Batches appended by one caller are delivered in the order of the calls.
   * Rejects with `Unavailable` when nobody is there now (try again), with any other error when this frame can never be taken.
   */
  append(item: TrunkItem): Promise<void>
}

/** One batch on its way to the core: `topic` is the curated topic's name, `frame` the encoded batch, `hubEpoch` fences an older hub. */
export interface TrunkItem {
  readonly tenant: string
  readonly region: string
  readonly topic: string
  readonly hubEpoch: number
  readonly frame: Uint8Array
  /** The same when the same batch is sent again, where that is known: lets a trunk save the second copy. Nothing relies on it. */
  readonly key?: string
}

/** Reads the trunk in order, from a position of the reader's own. */
export interface TrunkReader {
  /** Yields groups of deliveries above `afterPosition`, waiting for more, until the signal aborts. Survives the trunk's restarts. */
  read(afterPosition: number, signal: AbortSignal): AsyncIterable<readonly TrunkDelivery[]>
  /** Everything up to and including `position` is surely on disk at the reader's side and may be forgotten. */
  release(position: number): Promise<void>
}

export interface TrunkDelivery extends TrunkItem {
  readonly position: number
}

/** A batch with the position it was read at. */
export interface PositionedBatch {
  readonly position: number
  readonly batch: Batch
}

/** Nobody is there now; the same call may succeed later. Nothing was lost: the caller still owns what it wanted to hand over. */
export class Unavailable extends Error {}
