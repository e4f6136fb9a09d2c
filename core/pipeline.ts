/**
 * The core, in the order a row travels. Start reading here.
 *
 *   trunk ──▶ intake ──▶ history ‖cursor‖ ──▶ hot state ──▶ API
 *                           ▲                                │ fences, triage
 *   claims ──▶ directory ──▶ notices                         ▼
 *                                                   desk ──▶ control ──▶ hubs
 *
 * Promise: the trunk may forget a frame only when its rows are on disk here; every answer says how complete it is; nothing is kept of a
 * phone number but its pseudonym.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { AdminServer, type HealthCheck, type Listening, listen, summarise } from '#shared/admin.ts'
import { CheckWatch } from '#shared/check-watch.ts'
import type { Clock } from '#shared/clock.ts'
import type { Metrics } from '#shared/metrics.ts'
import type { Component } from '#shared/ports.ts'
import { Pseudonymiser, readIdentityKey } from '#shared/pseudonym.ts'
import { MemoryHotState } from './adapters/memory-hot-state.ts'
import { NatsClaims } from './adapters/nats-claims.ts'
import { NatsControl } from './adapters/nats-control.ts'
import { CoreNats } from './adapters/nats-core.ts'
import { NatsTrunkReader } from './adapters/nats-trunk.ts'
import { SqliteDesk } from './adapters/sqlite-desk.ts'
import { SqliteHistory } from './adapters/sqlite-history.ts'
import { SqliteKeys } from './adapters/sqlite-keys.ts'
import { coreApi } from './api.ts'
import type { CoreConfig } from './config.ts'
import { CoreCheckContext, coreChecks } from './core-checks.ts'
import type { Report } from './events.ts'
import { Intake } from './intake.ts'
import { StoreRows } from './store-rows.ts'

const hotHorizonMs = 48 * 3600_000

export interface CoreDeps {
  readonly clock: Clock
  readonly metrics: Metrics
  readonly report: Report
  /** A component that cannot go on. */
  readonly die: (error: unknown) => void
}

export interface Core {
  /** Downstream first: started in this order, stopped in reverse. */
  readonly components: readonly Component[]
  /** Known once started. */
  readonly apiUrl: () => string
  readonly adminUrl: () => string
  readonly keys: SqliteKeys
}

export function corePipeline(config: CoreConfig, deps: CoreDeps): Core {
  const { clock, metrics, report, die } = deps
  const { dataDir, api } = config
  mkdirSync(dataDir, { recursive: true, mode: 0o750 })
  const pseudonymiser = new Pseudonymiser(readIdentityKey(config.identity.keyFile))
  const nats = new CoreNats(config.nats.url, report, die)

  const history = new SqliteHistory({ dir: join(dataDir, 'history'), nowMs: () => clock.nowMs() })
  const hotState = new MemoryHotState(clock.nowMs() - hotHorizonMs)
  const desk = new SqliteDesk(dataDir)
  const keys = new SqliteKeys(dataDir)

  const triaged = desk.tellTriage.bind(desk)
  const intake = new Intake({ history, hotState, clock, report, triaged })
  const openTrunk = (generation: string) =>
    new NatsTrunkReader({
      nats,
      generation,
      restarted: report.trunkRestarted,
      streamReset: report.trunkStreamReset,
    })
  const storeRows = new StoreRows({
    history,
    hotState,
    intake,
    openTrunk,
    clock,
    report,
    die,
    retentionMs: config.retention.hours * 3600_000,
  })
  const claims = new NatsClaims({ dataDir, nats, clock, report, die })
  const heard = history.saveTriage.bind(history)
  const control = new NatsControl({ desk, heard, nats, report, die })

  const host = new CheckWatch(coreChecks, new CoreCheckContext('', {}, config))
  const health = (): readonly HealthCheck[] => [nats.health(), ...storeRows.health(), ...host.health()]
  const app = coreApi({ config, history, hotState, keys, desk, pseudonymiser, clock, report, metrics, health: () => summarise(health()) })
  const apiServer = new ApiServer(() => listen(app, { host: api.host, port: api.port, what: 'the core’s API', option: 'api.port' }))
  const admin = new AdminServer({ ...config.admin, metrics, health, ready: () => storeRows.isReady && apiServer.url !== '' })

  metrics.gauge('tributary_core_hot_subscribers', 'subscribers in hot state', [], (gauge) => gauge.set(hotState.subscribers()))
  metrics.gauge('tributary_core_hot_bytes', 'memory of hot state', [], (gauge) => gauge.set(hotState.stateBytes()))
  const stores: Component = {
    name: 'stores',
    start: async () => {},
    stop: async () => {
      desk.close()
      keys.close()
    },
  }
  return {
    components: [stores, host, nats, storeRows, control, claims, apiServer, admin],
    apiUrl: () => apiServer.url,
    adminUrl: () => admin.url,
    keys,
  }
}

class ApiServer implements Component {
  readonly name = 'api'
  readonly #open: () => Promise<Listening>
  #listening: Listening | undefined

  constructor(open: () => Promise<Listening>) {
    this.#open = open
  }

  get url(): string {
    return this.#listening?.url ?? ''
  }

  async start(): Promise<void> {
    this.#listening = await this.#open()
  }

  async stop(deadlineMs: number): Promise<void> {
    await this.#listening?.close(Math.min(deadlineMs, 2_000))
  }
}
