/**
 * The hub's talk with the core beside the trunk: claims out, notices, fences and triage in; all over the leaf, in the core's JetStream domain.
 *
 * Promises: a claim leaves the queue only when the stream CLAIMS has acknowledged it; while the WAN is cut, claims wait (and are in the hub's
 * snapshot) and reading starts again where it stood. What the core's streams do not exist for yet is simply tried again.
 */
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { type NatsConnection, unavailable } from '#shared/adapters/nats-connection.ts'
import { type Claim, type Fence, type Notice, subjects, type Triage } from '#shared/control.ts'
import { retry, sleep } from '#shared/retry.ts'
import type { ClaimQueue } from '../claim-queue.ts'
import { type StreamCursor, startOfStream } from '../ports.ts'
import { readStream } from './nats-cursor.ts'

export interface ClaimsOptions {
  readonly connection: NatsConnection
  readonly tenant: string
  readonly region: string
  readonly coreDomain: string
  readonly onRewind: (words: string) => void
  readonly onRetry: (stream: string, error: unknown) => void
  readonly onForeign: (words: string) => void
}

export interface Control {
  readonly fence?: Fence
  readonly triage?: Triage
}

const claimsInFlight = 64

export class NatsClaims {
  readonly #options: ClaimsOptions

  constructor(options: ClaimsOptions) {
    this.#options = options
  }

  /** Sends what is in the queue until the signal aborts. */
  async send(queue: ClaimQueue, signal: AbortSignal): Promise<void> {
    const { connection, tenant, region, onRetry } = this.#options
    const client = jetstream(connection, { timeout: 10_000 })
    const subject = subjects.claim(tenant, region)
    while (!signal.aborted) {
      const claims = queue.next(claimsInFlight)
      if (claims.length === 0) {
        await sleep(20, signal).catch(() => {})
        continue
      }
      const publish = (claim: Claim) =>
        client.publish(subject, JSON.stringify(claim), { msgID: claim.id, retries: 0 }).then(() => queue.done(claim))
      await retry(() => Promise.all(claims.map(publish)), {
        signal,
        maxDelayMs: 2_000,
        onRetry: (error) => onRetry('CLAIMS', error),
      }).catch(() => {})
    }
  }

  /** Notices of other regions' sightings, each with the cursor behind it. */
  async *notices(from: StreamCursor, signal: AbortSignal): AsyncGenerator<{ notice: Notice; cursor: StreamCursor }> {
    const { connection, tenant, region, coreDomain, onRewind, onRetry, onForeign } = this.#options
    const messages = readStream(from, {
      connection,
      stream: 'CLAIMS',
      domain: coreDomain,
      filter: subjects.notice(tenant, region),
      signal,
      onRewind,
      onRetry: (error) => onRetry('CLAIMS', error),
    })
    for await (const { data, position, identity, subject } of messages) {
      const notice = parse<Notice>(data)
      if (notice?.sighting === undefined) onForeign(`${subject}: no notice`)
      else yield { notice, cursor: { position, identity } }
    }
  }

  /** Fences and triage: what holds now, then every change. */
  async *controls(signal: AbortSignal): AsyncGenerator<Control> {
    const { connection, tenant, coreDomain, onRetry, onForeign } = this.#options
    const messages = readStream(startOfStream, {
      connection,
      stream: 'CONTROL',
      domain: coreDomain,
      filter: `control.${tenant}.>`,
      lastPerSubject: true,
      signal,
      onRetry: (error) => onRetry('CONTROL', error),
    })
    for await (const { data, subject } of messages) {
      const [, , kind] = subject.split('.')
      const value = parse<Fence & Triage>(data)
      if (value === undefined || (kind !== 'fence' && kind !== 'triage')) onForeign(`${subject}: neither fence nor triage`)
      else yield kind === 'fence' ? { fence: value } : { triage: value }
    }
  }

  /** As `publishTriage`; answers the fence that stands there when it is as new or newer, for the highest revision wins. */
  async publishFence(fence: Fence): Promise<Fence | undefined> {
    const { connection, tenant, coreDomain } = this.#options
    const subject = subjects.fence(tenant, fence.id)
    try {
      const manager = await jetstreamManager(connection, { domain: coreDomain, timeout: 5_000 })
      const last = await manager.streams.getMessage('CONTROL', { last_by_subj: subject })
      const standing = last === null ? undefined : parse<Fence>(last.data)
      if (standing !== undefined && standing.revision >= fence.revision) {
        return JSON.stringify(standing) === JSON.stringify(fence) ? undefined : standing
      }
      await jetstream(connection, { timeout: 5_000 }).publish(subject, JSON.stringify(fence), {
        retries: 0,
        expect: { lastSubjectSequence: last?.seq ?? 0 },
      })
      return undefined
    } catch (error) {
      throw unavailable(error, 'stream CONTROL')
    }
  }

  /** Tells core and the other hubs; rejects with `Unavailable` while nobody is there. */
  async publishTriage(triage: Triage): Promise<void> {
    const { connection, tenant } = this.#options
    try {
      await jetstream(connection, { timeout: 5_000 }).publish(subjects.triage(tenant, triage.alertId), JSON.stringify(triage), {
        retries: 0,
      })
    } catch (error) {
      throw unavailable(error, 'stream CONTROL')
    }
  }
}

function parse<T>(octets: Uint8Array): T | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(octets).toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as T) : undefined
  } catch {
    return undefined
  }
}
