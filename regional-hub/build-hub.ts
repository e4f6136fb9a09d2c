/**
 * The hub's components, in the order in which they start: the admin port first, so that whoever waits sees why; the console's API last.
 */

import { AdminServer, type HealthCheck } from '#shared/admin.ts'
import type { Clock } from '#shared/clock.ts'
import type { Metrics } from '#shared/metrics.ts'
import type { Component } from '#shared/ports.ts'
import type { HubConfig } from './config.ts'
import { createDetector, type RegionDetector } from './detector.ts'
import type { HubReport } from './events.ts'
import { openEnds } from './open-ends.ts'
import { HubPipeline } from './pipeline.ts'
import type { Observer } from './ports.ts'
import { readInventory } from './read-inventory.ts'

export interface Hub {
  readonly components: readonly Component[]
  readonly admin: AdminServer
  /** Known once started. */
  apiUrl(): string
}

export interface HubDeps {
  readonly clock: Clock
  readonly metrics: Metrics
  readonly report: HubReport
  /** Id of the identity key, for pseudonyms as text. */
  readonly kid: string
  readonly die: (error: unknown) => void
}

export function buildHub(config: HubConfig, { clock, metrics, report, kid, die }: HubDeps): Hub {
  const cells = readInventory(config, report)
  let detector: RegionDetector | undefined
  const observer: Observer = { batch() {}, triage() {}, tick() {}, hasRoom: () => true, flush: async () => {} }
  const pipeline = new HubPipeline(
    {
      tenant: config.tenant,
      region: config.region,
      roster: config.roster,
      snapshotIntervalMs: config.snapshot.intervalS * 1000,
      trunkInFlight: config.spool.maxInFlight,
    },
    {
      connect: (signal) => openEnds(config, report, signal),
      createDetector: () => {
        detector = createDetector({ region: config.region, tenant: config.tenant, cells, config: config.detection })
        return detector
      },
      observer,
      clock,
      report,
      die,
    },
  )
  const admin = new AdminServer({
    ...config.admin,
    metrics,
    health: () => hubHealth(pipeline),
    ready: () => pipeline.isRunning,
    what: 'the hub’s admin server',
  })
  watch(metrics, pipeline)
  return { components: [admin, pipeline], admin, apiUrl: () => '' }
}

function hubHealth(pipeline: HubPipeline): readonly HealthCheck[] {
  const { spool, state, isRunning } = pipeline
  if (spool === undefined || !isRunning) {
    return [
      { id: 'pipeline', verdict: 'degraded', value: 'starting', words: 'waiting for the region’s NATS server, or restoring the snapshot' },
    ]
  }
  const silent = state.progress.list().filter(({ enrolled, lastSeenMs }) => enrolled && !(Date.now() - lastSeenMs < 30_000))
  return [
    {
      id: 'trunk',
      verdict: spool.full ? 'failed' : spool.waitingItems > 1000 ? 'degraded' : 'ok',
      value: spool.waitingItems,
      words: `${spool.waitingItems} batches (${spool.bytes} bytes) wait for the core`,
    },
    {
      id: 'agents',
      verdict: silent.length > 0 ? 'degraded' : 'ok',
      value: silent.length,
      words: silent.length === 0 ? 'all enrolled agents were heard within 30 s' : `silent: ${silent.map(({ agent }) => agent).join(', ')}`,
    },
    {
      id: 'claims',
      verdict: state.claims.size > 10_000 ? 'degraded' : 'ok',
      value: state.claims.size,
      words: `${state.claims.size} claims wait for the directory`,
    },
  ]
}

function watch(metrics: Metrics, pipeline: HubPipeline): void {
  metrics.gauge('tributary_hub_spool_items', 'Batches that wait for the trunk', [], (gauge) => gauge.set(pipeline.spool?.waitingItems ?? 0))
  metrics.gauge('tributary_hub_spool_bytes', 'Bytes that wait for the trunk', [], (gauge) => gauge.set(pipeline.spool?.bytes ?? 0))
  metrics.gauge('tributary_hub_claims_waiting', 'Claims that wait for the directory', [], (gauge) => gauge.set(pipeline.state.claims.size))
  metrics.gauge('tributary_hub_subscribers', 'Subscribers with state', [], (gauge) => gauge.set(pipeline.detector?.subscribers() ?? 0))
  metrics.gauge('tributary_hub_state_bytes', 'Bytes of detection state', [], (gauge) => gauge.set(pipeline.detector?.stateBytes() ?? 0))
}
