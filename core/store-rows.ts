/**
 * The loop that moves frames from the trunk into the stores: opens history, rebuilds hot state, reads above the stored cursor for ever, lets
 * the trunk forget what is on disk, and removes what is older than the retention, a bounded step at a time.
 */
import type { HealthCheck } from '#shared/admin.ts'
import type { Clock } from '#shared/clock.ts'
import { describeError } from '#shared/errors.ts'
import type { Component, TrunkReader } from '#shared/ports.ts'
import type { Report } from './events.ts'
import type { Intake } from './intake.ts'
import type { History, HotState } from './ports.ts'

const releaseEveryMs = 1_000
const expireEveryMs = 3600_000
const expireStepsPerRound = 50

export interface StoreRowsDeps {
  readonly history: History
  readonly hotState: HotState
  readonly intake: Intake
  readonly openTrunk: (generation: string) => TrunkReader & { readonly generation: string }
  readonly clock: Clock
  readonly report: Report
  readonly die: (error: unknown) => void
  readonly retentionMs: number
}

export class StoreRows implements Component {
  readonly name = 'store-rows'
  readonly #deps: StoreRowsDeps
  readonly #abort = new AbortController()
  #running: Promise<void> | undefined
  #expiry: NodeJS.Timeout | undefined
  #expiring: Promise<void> = Promise.resolve()
  #position = 0
  #storedMs = 0
  #failure = ''
  isReady = false

  constructor(deps: StoreRowsDeps) {
    this.#deps = deps
  }

  async start(signal: AbortSignal): Promise<void> {
    const { history, intake, die } = this.#deps
    await history.open()
    const cursor = await history.cursor()
    intake.resume(cursor)
    this.#position = cursor?.position ?? 0
    await this.#rebuildHotState()
    this.isReady = true
    const both = AbortSignal.any([signal, this.#abort.signal])
    this.#running = this.#run(cursor?.generation ?? '', both).catch((error) => {
      if (both.aborted) return
      this.#failure = describeError(error)
      die(error)
    })
    const expire = () => {
      this.#expiring = this.#expire(both).catch((error) => this.#deps.report.storeRefused(describeError(error)))
    }
    this.#expiry = setInterval(expire, expireEveryMs)
    expire()
  }

  async stop(): Promise<void> {
    clearInterval(this.#expiry)
    this.#abort.abort(new Error('stopped'))
    await this.#running
    await this.#expiring
    await this.#deps.history.close()
    this.isReady = false
  }

  health(): HealthCheck[] {
    const value = this.#position
    if (this.#failure !== '') return [{ id: 'intake', verdict: 'failed', value, words: this.#failure }]
    const words = this.#storedMs === 0 ? 'nothing read since the start' : `last stored ${new Date(this.#storedMs).toISOString()}`
    return [{ id: 'intake', verdict: 'ok', value, words }]
  }

  async #run(generation: string, signal: AbortSignal): Promise<void> {
    const { intake, clock, report } = this.#deps
    const trunk = this.#deps.openTrunk(generation)
    let releasedMs = 0
    for await (const group of trunk.read(this.#position, signal)) {
      this.#position = await intake.take(group, trunk.generation, signal)
      this.#storedMs = clock.nowMs()
      if (clock.monotonicMs() - releasedMs < releaseEveryMs) continue
      releasedMs = clock.monotonicMs()
      await trunk.release(this.#position).catch((error) => report.trunkRestarted(`purging: ${describeError(error)}`))
    }
  }

  async #rebuildHotState(): Promise<void> {
    const { history, hotState, clock, report } = this.#deps
    const startedMs = clock.monotonicMs()
    for await (const rows of history.latest(hotState.horizonMs)) {
      for (const { tenant, ...row } of rows) hotState.load(tenant, row)
    }
    report.hotStateBuilt(hotState.subscribers(), clock.monotonicMs() - startedMs)
  }

  async #expire(signal: AbortSignal): Promise<void> {
    const { history, clock, report, retentionMs } = this.#deps
    let steps = 0
    while (!signal.aborted && steps < expireStepsPerRound && (await history.expire(clock.nowMs() - retentionMs))) steps++
    if (steps > 0) report.rowsExpired()
  }
}
