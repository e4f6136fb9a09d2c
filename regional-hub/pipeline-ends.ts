/** What the pipeline is handed: its settings, the ends that touch the world, and what a test wants to replace. */
import type { Clock } from '#shared/clock.ts'
import type { Trunk } from '#shared/ports.ts'
import type { FileSnapshot } from './adapters/file-snapshot.ts'
import type { NatsClaims } from './adapters/nats-claims.ts'
import type { NatsEpoch } from './adapters/nats-epoch.ts'
import type { NatsInbox } from './adapters/nats-inbox.ts'
import type { SqliteSpool } from './adapters/sqlite-spool.ts'
import type { HubReport } from './events.ts'
import type { Detector, Observer } from './ports.ts'

export interface PipelineConfig {
  readonly tenant: string
  readonly region: string
  readonly roster: readonly string[]
  readonly snapshotIntervalMs: number
  readonly trunkInFlight: number
}

/** The ends of the pipeline, ready to be opened. */
export interface PipelineEnds {
  readonly inbox: NatsInbox
  readonly epoch: NatsEpoch
  readonly trunk: Trunk
  readonly claims: NatsClaims
  readonly spool: SqliteSpool
  /** The spool of the last run could not be opened. */
  readonly spoolWasLost: boolean
  readonly snapshots: FileSnapshot
}

export interface PipelineDeps {
  connect(signal: AbortSignal): Promise<PipelineEnds>
  createDetector(hubEpoch: number): Detector
  readonly observer: Observer
  readonly clock: Clock
  readonly report: HubReport
  die(error: unknown): void
}
