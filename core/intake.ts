/**
 * From the trunk into history and hot state, one group of frames at a time: decode, fence, store, and only then move the cursor and let the
 * trunk forget. Owns a frame from the cursor on; before that the trunk does, so a crash anywhere is a replay of rows that are already there.
 *
 * A frame that cannot be read, or whose carrier names another tenant or region than it does, goes to the rejected ones with its reason;
 * one from an earlier hub than the latest seen of its region is refused (that hub's rows come again from its successor). The lane goes on.
 */
import { BadFrame, decodeBatch } from '#shared/batch-codec.ts'
import type { Clock } from '#shared/clock.ts'
import type { Triage } from '#shared/control.ts'
import { describeError, findError, TributaryError } from '#shared/errors.ts'
import { type TrunkDelivery, Unavailable } from '#shared/ports.ts'
import { retry } from '#shared/retry.ts'
import type { Report } from './events.ts'
import type { CuratedBatch, Cursor, History, HotState, Rejected } from './ports.ts'
import { parseTriage } from './triage.ts'

export interface IntakeDeps {
  readonly history: History
  readonly hotState: HotState
  readonly clock: Clock
  readonly report: Report
  /** A hub's word on an alert, to be passed on to the other hubs. */
  readonly triaged: (tenant: string, triage: Triage) => void
}

interface Framed extends CuratedBatch {
  readonly delivery: TrunkDelivery
}

export class Intake {
  readonly #deps: IntakeDeps
  readonly #hubEpochs: Record<string, number> = {}

  constructor(deps: IntakeDeps) {
    this.#deps = deps
  }

  /** What the stored cursor knew of hubs. */
  resume(cursor: Cursor | undefined): void {
    Object.assign(this.#hubEpochs, cursor?.hubEpochs)
  }

  /** Resolves when the group's rows and the cursor behind it are on disk; retries a store that refuses until the signal aborts. */
  async take(group: readonly TrunkDelivery[], generation: string, signal: AbortSignal): Promise<number> {
    const { history, hotState, clock, report } = this.#deps
    const startedMs = clock.monotonicMs()
    const batches: Framed[] = []
    const triages: { tenant: string; triage: Triage }[] = []
    const rejected: Rejected[] = []
    for (const delivery of group) {
      try {
        if (this.#isFenced(delivery)) continue
        if (delivery.topic.startsWith('triage.')) triages.push({ tenant: delivery.tenant, triage: parseTriage(delivery.frame) })
        else batches.push({ ...curated(delivery), delivery })
      } catch (error) {
        const { position, tenant, topic, frame } = delivery
        const reason = error instanceof BadFrame ? describeError(error) : `it could not be decoded: ${describeError(error)}`
        rejected.push({ position, tenant, topic, reason, frame })
        report.frameRejected(topic, reason)
      }
    }
    const position = group.at(-1)!.position
    await retry(
      async () => {
        const storedMs = clock.nowMs()
        if (batches.length > 0) rejected.push(...(await this.#write(batches, storedMs)))
        if (rejected.length > 0) await history.reject(rejected, storedMs)
        for (const { tenant, triage } of triages) await history.saveTriage(tenant, triage)
        await history.saveCursor({ position, generation, hubEpochs: this.#hubEpochs })
      },
      {
        signal,
        firstDelayMs: 200,
        maxDelayMs: 5_000,
        retryable: (error) => findError(error, 'store-failed') === undefined,
        onRetry: (error) => report.storeRefused(describeError(error)),
      },
    )
    for (const { tenant, triage } of triages) this.#deps.triaged(tenant, triage)
    for (const batch of batches) {
      hotState.apply(batch)
      report.rowsStored(batch.batch.kind, batch.batch.rows)
    }
    report.groupStored(group.length - rejected.length, clock.monotonicMs() - startedMs)
    return position
  }

  /**
   * All batches at once; where the store is well but one of them cannot be written, each by itself, so that one bad batch neither holds the
   * lane up nor takes its neighbours along. Answers those that could not be.
   */
  async #write(batches: Framed[], storedMs: number): Promise<Rejected[]> {
    const { history, report } = this.#deps
    const isStores = (error: unknown) => error instanceof Unavailable || error instanceof TributaryError
    try {
      await history.write(batches, storedMs)
      return []
    } catch (error) {
      if (isStores(error)) throw error
    }
    const rejected: Rejected[] = []
    for (const one of [...batches]) {
      try {
        await history.write([one], storedMs)
      } catch (error) {
        if (isStores(error)) throw error
        const { position, tenant, topic, frame } = one.delivery
        const reason = `history cannot hold it: ${describeError(error)}`
        rejected.push({ position, tenant, topic, reason, frame })
        batches.splice(batches.indexOf(one), 1)
        report.frameRejected(topic, reason)
      }
    }
    return rejected
  }

  #isFenced({ tenant, region, hubEpoch }: TrunkDelivery): boolean {
    const hub = `${tenant}/${region}`
    const highest = this.#hubEpochs[hub] ?? 0
    if (hubEpoch < highest) {
      this.#deps.report.frameFenced(tenant, region, hubEpoch, highest)
      return true
    }
    this.#hubEpochs[hub] = hubEpoch
    return false
  }
}

function curated({ tenant, region, frame }: TrunkDelivery): CuratedBatch {
  const batch = decodeBatch(frame)
  if (batch.meta.tenant !== tenant) throw new BadFrame(`it says tenant '${batch.meta.tenant}', its carrier '${tenant}'`)
  if (batch.meta.region !== region) throw new BadFrame(`it says region '${batch.meta.region}', its carrier '${region}'`)
  return { tenant, region, batch }
}
