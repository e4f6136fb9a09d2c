/**
 * The directory's wire: reads `claim.>` of stream CLAIMS by its own cursor, settles a group in one synced transaction, sends the notices and
 * waits until the stream has each, and only then moves the cursor. A crash in between settles and tells again, to no further effect.
 * Claims below the cursor are purged, notices after 24 hours.
 */
import { type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { Clock } from '#shared/clock.ts'
import { subjects } from '#shared/control.ts'
import { describeError } from '#shared/errors.ts'
import type { Component } from '#shared/ports.ts'
import { retry } from '#shared/retry.ts'
import { type AddressedNotice, parseClaim, settleClaim } from '../directory.ts'
import type { Report } from '../events.ts'
import type { NatsAccess } from './nats-core.ts'
import { NatsStreamReader } from './nats-stream-reader.ts'
import { SqliteClaims } from './sqlite-claims.ts'

const noticeAgeMs = 24 * 3600_000
const markEveryMs = 10 * 60_000
const releaseEveryMs = 5_000
const inFlight = 256

export interface NatsClaimsDeps {
  readonly dataDir: string
  readonly nats: NatsAccess
  readonly clock: Clock
  readonly report: Report
  readonly die: (error: unknown) => void
}

export class NatsClaims implements Component {
  readonly name = 'claims'
  readonly #deps: NatsClaimsDeps
  readonly #abort = new AbortController()
  #store: SqliteClaims | undefined
  #running: Promise<void> | undefined
  #releasedMs = 0
  #markedMs = 0

  constructor(deps: NatsClaimsDeps) {
    this.#deps = deps
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#store = new SqliteClaims(this.#deps.dataDir)
    const both = AbortSignal.any([signal, this.#abort.signal])
    this.#running = this.#run(this.#store, both).catch((error) => {
      if (!both.aborted) this.#deps.die(error)
    })
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error('stopped'))
    await this.#running
    this.#store?.close()
    this.#store = undefined
  }

  async #run(store: SqliteClaims, signal: AbortSignal): Promise<void> {
    const { nats, report } = this.#deps
    const cursor = store.cursor()
    const reader = new NatsStreamReader({
      stream: 'CLAIMS',
      filter: subjects.claim('*', '*'),
      nats,
      generation: cursor?.generation ?? '',
      restarted: report.claimsRestarted,
      streamReset: () => store.clearMarks(),
    })
    for await (const group of reader.read(cursor?.position ?? 0, signal)) {
      const notices = this.#settle(store, group)
      const last = await retry(() => this.#send(notices, signal), {
        signal,
        maxDelayMs: 2_000,
        onRetry: (error) => report.claimsRestarted(describeError(error)),
      })
      store.saveCursor({ position: group.at(-1)!.seq, generation: reader.generation })
      report.claimsSettled(group.length, notices.length)
      await this.#release(store, reader, group.at(-1)!.seq, last, signal).catch((error) =>
        report.claimsRestarted(`purging: ${describeError(error)}`),
      )
    }
  }

  #settle(store: SqliteClaims, group: readonly JsMsg[]): AddressedNotice[] {
    const notices: AddressedNotice[] = []
    store.together(() => {
      for (const message of group) {
        const [, tenant = '', region = ''] = message.subject.split('.')
        try {
          notices.push(...settleClaim(store, tenant, parseClaim(message.data, region)))
        } catch (error) {
          this.#deps.report.claimRejected(message.subject, describeError(error))
        }
      }
    })
    return notices
  }

  /** Resolves with the highest position once the stream has every notice. */
  async #send(notices: readonly AddressedNotice[], signal: AbortSignal): Promise<number> {
    const stream = jetstream(await this.#deps.nats.connection(signal))
    let highest = 0
    for (let at = 0; at < notices.length; at += inFlight) {
      const acks = await Promise.all(
        notices
          .slice(at, at + inFlight)
          .map(({ tenant, region, id, notice }) => stream.publish(subjects.notice(tenant, region), JSON.stringify(notice), { msgID: id })),
      )
      for (const ack of acks) highest = Math.max(highest, ack.seq)
    }
    return highest
  }

  async #release(store: SqliteClaims, reader: NatsStreamReader, position: number, lastNotice: number, signal: AbortSignal): Promise<void> {
    const nowMs = this.#deps.clock.nowMs()
    if (lastNotice > 0 && Math.abs(nowMs - this.#markedMs) >= markEveryMs) {
      store.markNotice(nowMs, lastNotice)
      this.#markedMs = nowMs
    }
    if (Math.abs(nowMs - this.#releasedMs) < releaseEveryMs) return
    this.#releasedMs = nowMs
    await reader.release(position, signal)
    const old = store.noticesBefore(nowMs - noticeAgeMs)
    if (old === 0) return
    const manager = await jetstreamManager(await this.#deps.nats.connection(signal), { checkAPI: false })
    await manager.streams.purge('CLAIMS', { filter: subjects.notice('*', '*'), seq: old + 1 })
  }
}
