/**
 * The hub's components, in the order in which they start: the admin port first, so that whoever waits sees why; the console's API last.
 */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { AdminServer, type HealthCheck } from '#shared/admin.ts'
import { CheckWatch } from '#shared/check-watch.ts'
import type { Clock } from '#shared/clock.ts'
import { fail } from '#shared/errors.ts'
import type { Metrics } from '#shared/metrics.ts'
import type { Component } from '#shared/ports.ts'
import type { Pseudonymiser } from '#shared/pseudonym.ts'
import { HistoryClient } from './adapters/history-client.ts'
import { SqliteAlerts } from './adapters/sqlite-alerts.ts'
import { ApiServer } from './api.ts'
import type { HubConfig } from './config.ts'
import { createDetector, type RegionDetector } from './detector.ts'
import type { HubReport } from './events.ts'
import { hubCheckContext, hubChecks } from './hub-checks.ts'
import { LiveFeed } from './live-feed.ts'
import { type OpenDesk, openDesk } from './open-desk.ts'
import { openEnds } from './open-ends.ts'
import { HubPipeline } from './pipeline.ts'
import { readInventory } from './read-inventory.ts'
import { RegionEyes } from './region-eyes.ts'

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
  /** Writes pseudonyms as text, and makes them of typed numbers. */
  readonly pseudonyms: Pick<Pseudonymiser, 'text' | 'compute'>
  readonly die: (error: unknown) => void
}

export function openHub(config: HubConfig, { clock, metrics, report, pseudonyms, die }: HubDeps): Hub {
  const cells = readInventory(config, report)
  let detector: RegionDetector | undefined
  makeDataDir(config.dataDir)
  const { days, positionsPerS, replayPositionsPerS } = config.history
  const nowMs = () => clock.nowMs()
  const alerts = new SqliteAlerts(join(config.dataDir, 'alerts.db'))
  const history = new HistoryClient({ dir: join(config.dataDir, 'history'), days, positionsPerS, nowMs, report })
  const feed = new LiveFeed(nowMs().toString(36))
  const desk = openDesk(config, { nowMs, pseudonyms, pipeline: () => pipeline })
  const eyes = new RegionEyes({
    alerts,
    history,
    feed,
    pseudonyms,
    maxLivePositions: replayPositionsPerS,
    historyDays: days,
    nowMs,
    report,
    watch: desk.watch,
    fences: desk.fences,
    tellCore: (triage) => pipeline.publishTriage(triage),
  })
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
      observer: eyes,
      clock,
      report,
      die,
    },
  )
  const host = new CheckWatch(hubChecks, hubCheckContext('', config))
  const admin = new AdminServer({
    ...config.admin,
    metrics,
    health: () => [...hubHealth(pipeline), ...host.health()],
    ready: () => pipeline.isRunning,
    what: 'the hub’s admin server',
  })
  watch(metrics, pipeline)
  const { tenant, region } = config
  const api = new ApiServer(
    {
      tenant,
      region,
      clock,
      report,
      pipeline,
      cells: () => detector?.cells,
      alerts,
      history,
      feed,
      eyes,
      ...desk,
      pseudonyms,
      historyDays: days,
      lookUp: (words) => detector?.lookUp(words),
      consoleDir: config.console.dir ?? join(import.meta.dirname, 'console-built'),
    },
    config.api,
  )
  return { components: [host, admin, keeping(eyes, history, alerts, desk), pipeline, api], admin, apiUrl: () => api.url }
}

function makeDataDir(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  } catch (cause) {
    fail('data-dir', dir, { cause })
  }
}

/** What the region keeps for itself: open before the pipeline runs, closed after it has ended. */
function keeping(eyes: RegionEyes, history: HistoryClient, alerts: SqliteAlerts, desk: OpenDesk): Component {
  return {
    name: 'history',
    start: async () => {
      history.start()
      eyes.start()
    },
    stop: async () => {
      await history.close()
      alerts.close()
      desk.close()
    },
  }
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
