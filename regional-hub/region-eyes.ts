/**
 * The region's own eyes: what passes to the trunk is shown live, kept in the region's history, and alerts with people's words on them in a
 * store of their own. Never changes what it sees; detection waits for it only when history's bound is reached.
 *
 * A triage is on disk before anybody is told it was taken, and is offered to the core until it has it: a cut WAN loses none.
 */
import type { Triage } from '#shared/control.ts'
import { describeError } from '#shared/errors.ts'
import type { Pseudonymiser } from '#shared/pseudonym.ts'
import type { Batch } from '#shared/records.ts'
import type { HistoryClient } from './adapters/history-client.ts'
import type { SqliteAlerts } from './adapters/sqlite-alerts.ts'
import { LiveCutter, liveAgent } from './cut-live.ts'
import type { HubReport } from './events.ts'
import type { FenceDesk } from './fence-desk.ts'
import type { LiveFeed } from './live-feed.ts'
import { historyKinds, type Observer } from './ports.ts'
import type { AgentProgress } from './progress.ts'
import { emptyLive, type LiveAlert, type LiveMessage } from './reduce-live.ts'
import type { AgentWatch } from './watch-agents.ts'

export interface EyesDeps {
  readonly alerts: SqliteAlerts
  readonly history: HistoryClient
  readonly feed: LiveFeed
  readonly pseudonyms: Pick<Pseudonymiser, 'text'>
  readonly maxLivePositions: number
  readonly historyDays: number
  readonly nowMs: () => number
  readonly report: HubReport
  readonly watch: AgentWatch
  readonly fences: Pick<FenceDesk, 'tell'>
  /** Offers a triage to the core; rejects while nobody is there. */
  readonly tellCore: (triage: Triage) => Promise<void>
}

/** How far back it is asked which cells spoke through which agent. */
const agentCellsMs = 24 * 3600_000
const keyframeMs = 120_000
/** What history keeps of the agents' progress: the screen hears of it every second. */
const agentsKeptMs = 5_000
const forgetMs = 3600_000
const kept: ReadonlySet<string> = new Set(historyKinds)

export class RegionEyes implements Observer {
  readonly #deps: EyesDeps
  readonly #cutter: LiveCutter
  #keyframeMs = 0
  #agentsKeptMs = 0
  #forgottenMs = 0
  #telling: Promise<void> | undefined

  constructor(deps: EyesDeps) {
    this.#deps = deps
    this.#cutter = new LiveCutter(deps.pseudonyms, deps.maxLivePositions)
  }

  /** Screens that begin after a restart see the open alerts at once. */
  start(): void {
    const { alerts, feed, nowMs } = this.#deps
    const open = alerts.list({ limit: 1000 }).filter(({ status }) => status !== 'closed')
    const state = {
      ...emptyLive,
      timeMs: nowMs(),
      alerts: Object.fromEntries(open.map(({ status: _status, triage: _triage, ...alert }) => [alert.id, alert])),
      triage: Object.fromEntries(open.flatMap(({ id, triage }) => (triage === null ? [] : [[id, triage]]))),
    }
    feed.emit({ type: 'state', timeMs: state.timeMs, state })
    const { history, watch } = this.#deps
    history.ask('agentCells', { fromMs: nowMs() - agentCellsMs }).then(
      (rows) => {
        for (const { agent, cell } of rows) watch.note(agent, cell)
      },
      () => {}, // they speak for themselves within a minute
    )
  }

  batch(batch: Batch, frame: Uint8Array): void {
    if (kept.has(batch.kind)) this.#deps.history.frame(frame)
    if (batch.kind === 'alert') this.#alerted(this.#cutter.alerts(batch as Batch<'alert'>))
    else if (batch.kind === 'position') this.#cutter.positions(batch as Batch<'position'>)
    else if (batch.kind === 'window') {
      this.#cutter.windows(batch as Batch<'window'>)
      this.#deps.watch.windows(batch as Batch<'window'>)
    }
  }

  triage(triage: Triage): void {
    if (this.#deps.alerts.triage(triage, true)) this.#say({ type: 'triage', timeMs: this.#deps.nowMs(), triage })
  }

  /** From this region's own console: on disk when it returns, then on its way to the core. */
  triageHere(triage: Triage): void {
    this.#deps.alerts.triage(triage, false)
    this.#say({ type: 'triage', timeMs: this.#deps.nowMs(), triage })
    this.#tellCore()
  }

  tick(nowMs: number, agents: readonly AgentProgress[]): void {
    this.#keepState(nowMs)
    const { positions, cells } = this.#cutter.cut()
    const progress: LiveMessage = { type: 'agents', timeMs: nowMs, agents: agents.map(liveAgent) }
    if (nowMs - this.#agentsKeptMs < agentsKeptMs) this.#deps.feed.emit(progress)
    else {
      this.#agentsKeptMs = nowMs
      this.#say(progress)
    }
    if (cells.length > 0) this.#say({ type: 'cells', timeMs: nowMs, cells })
    if (positions.length > 0) this.#say({ type: 'positions', timeMs: nowMs, positions })
    this.#tendDesk(nowMs, agents)
    this.#tellCore()
    const { alerts, historyDays } = this.#deps
    if (nowMs - this.#forgottenMs >= forgetMs) {
      this.#forgottenMs = nowMs
      alerts.forget(nowMs - historyDays * 24 * 3600_000)
    }
  }

  hasRoom(): boolean {
    return this.#deps.history.hasRoom
  }

  flush(): Promise<void> {
    return this.#deps.history.flush()
  }

  /** Before anything of this moment is said, so that what follows it in time is not in it already: a cell's window would be counted twice. */
  #keepState(nowMs: number): void {
    if (nowMs - this.#keyframeMs < keyframeMs) return
    this.#keyframeMs = nowMs
    this.#deps.history.live({ timeMs: nowMs - 0.5, type: 'state', data: this.#deps.feed.full().data })
  }

  /** A desk that cannot write now is no reason for detection to end. */
  #tendDesk(nowMs: number, agents: readonly AgentProgress[]): void {
    const { watch, fences, report } = this.#deps
    try {
      this.#wakeDue(nowMs)
      watch.tick(nowMs, agents)
      void fences.tell()
    } catch (error) {
      report.historyFailed(describeError(error))
    }
  }

  /** What was put off until now is active again: by the hub's own word, so that everybody sees why. */
  #wakeDue(nowMs: number): void {
    const { alerts } = this.#deps
    for (const { id, status, triage } of alerts.due(nowMs)) {
      const reason = `The ${status === 'snoozed' ? 'snooze' : 'acknowledgement'} of ${triage?.by ?? 'somebody'} has ended.`
      const revision = (triage?.revision ?? 0) + 1
      this.triageHere({ alertId: id, revision, status: 'active', by: 'tributary', reason, atMs: nowMs })
    }
  }

  #alerted(alerts: readonly LiveAlert[]): void {
    const { report, nowMs } = this.#deps
    try {
      this.#deps.alerts.upsert(alerts)
    } catch (error) {
      report.historyFailed(describeError(error))
    }
    this.#say({ type: 'alerts', timeMs: nowMs(), alerts })
  }

  #say(message: LiveMessage): void {
    const { data, type } = this.#deps.feed.emit(message)
    this.#deps.history.live({ timeMs: message.timeMs, type, data })
  }

  /** One round at a time; what fails now is offered again in a second. */
  #tellCore(): void {
    this.#telling ??= this.#tellAll()
      .catch(() => {})
      .finally(() => {
        this.#telling = undefined
      })
  }

  async #tellAll(): Promise<void> {
    const { alerts, tellCore } = this.#deps
    for (const triage of alerts.untold()) {
      await tellCore(triage)
      alerts.told(triage)
    }
  }
}
