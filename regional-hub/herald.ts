/**
 * Says how far the hub is: to detection (the region's event time), to the core (progress), to the agents (watermarks).
 *
 * Promises: progress goes into the spool behind everything it speaks of and leaves it only when all of that is the trunk's; only one waits at a
 * time, so that none pile up while the core is away. The region's event time never goes back.
 */
import { encodeBatch } from '#shared/batch-codec.ts'
import type { Clock } from '#shared/clock.ts'
import { topics, type Watermark } from '#shared/control.ts'
import type { HubState } from './hub-state.ts'
import type { Observer } from './ports.ts'

export interface HeraldDeps {
  readonly tenant: string
  readonly region: string
  readonly state: HubState
  readonly observer: Observer
  readonly clock: Clock
  readonly spool: {
    readonly head: number
    readonly acknowledged: number
    push(topic: string, frame: Uint8Array, key: string, barrier: boolean): void
  }
  tell(agent: string, watermark: Watermark): void
  /** Something went into the spool. */
  pushed(): void
  /** Every event of an earlier time that was to come from a live agent is here. */
  moved(timeMs: number): void
}

export class Herald {
  readonly #deps: HeraldDeps
  #regionMs = Number.NEGATIVE_INFINITY
  #progressId = 0
  #progressSeq = 0

  constructor(deps: HeraldDeps) {
    this.#deps = deps
  }

  /** The region's event time goes on when the slowest live agent's does. */
  moveTime(): void {
    const { state, clock, moved } = this.#deps
    state.progress.advance()
    const regionMs = state.progress.regionWatermarkMs(clock.nowMs())
    if (regionMs === undefined || regionMs <= this.#regionMs) return
    this.#regionMs = regionMs
    moved(regionMs)
  }

  tellProgress(): void {
    const { tenant, region, state, observer, clock, spool, pushed } = this.#deps
    observer.tick(clock.nowMs(), state.progress.list())
    if (spool.acknowledged < this.#progressId) return
    const seq = ++this.#progressSeq
    const epoch = String(state.hubEpoch)
    const batch = state.progress.batch(clock.nowMs(), { tenant, region, agent: '', epoch, lane: '', seq })
    if (batch.rows === 0) return
    const frame = encodeBatch(batch)
    spool.push(topics.ledger(region), frame, `${region}.${epoch}.progress.${seq}`, true)
    this.#progressId = spool.head
    observer.batch(batch, frame)
    pushed()
  }

  tellWatermarks(): void {
    const { region, state, tell } = this.#deps
    const { hubEpoch, watermarks } = state
    for (const agent of state.ledger.agents()) {
      const lanes = watermarks.of(agent)
      if (lanes.length > 0) tell(agent, { region, hubEpoch, lanes })
    }
  }
}
