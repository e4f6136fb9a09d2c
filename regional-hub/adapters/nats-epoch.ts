/**
 * The hub's fencing epoch: a number that rises with every start, kept in the region's stream HUBS by compare and set.
 *
 * Promise: of two hubs of one region only the later one goes on; the earlier finds a higher number than its own within a second and ends.
 * The stream may forget the latest number in a power cut, so a hub also starts above the epoch of its own snapshot.
 */
import { JetStreamApiCodes, JetStreamApiError, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { ensureStream, isUnavailable, type NatsConnection } from '#shared/adapters/nats-connection.ts'
import { subjects } from '#shared/control.ts'
import { fail } from '#shared/errors.ts'
import { retry } from '#shared/retry.ts'
import { isStreamMissing } from './nats-cursor.ts'

export interface EpochOptions {
  readonly connection: NatsConnection
  readonly tenant: string
  readonly region: string
  /** Who takes it, for the message that the other one ends with. */
  readonly who: string
}

export class NatsEpoch {
  readonly #options: EpochOptions
  #own = 0

  constructor(options: EpochOptions) {
    this.#options = options
  }

  /** Takes the next number, above `atLeast`. */
  async take(atLeast: number, signal: AbortSignal): Promise<number> {
    const { connection, tenant, region } = this.#options
    await ensureStream(connection, 'HUBS', { subjects: [`hub.${tenant}.${region}.>`], signal })
    const attempt = async () => {
      const { epoch, sequence } = await this.#stored()
      const next = Math.max(epoch, atLeast) + 1
      await this.#write(next, sequence)
      return next
    }
    this.#own = await retry(attempt, {
      signal,
      maxDelayMs: 2_000,
      retryable: (error) => isUnavailable(error) || lostTheRace(error),
    })
    return this.#own
  }

  /** Throws `stale-epoch` when a later hub has taken over; a server that does not answer says nothing either way. */
  async check(): Promise<void> {
    let stored: { epoch: number; who: string; sequence: number }
    try {
      stored = await this.#stored()
      if (stored.epoch < this.#own) await this.#write(this.#own, stored.sequence) // the server lost it in a power cut
    } catch (error) {
      if (isUnavailable(error) || lostTheRace(error)) return
      throw error
    }
    if (stored.epoch > this.#own) {
      const { tenant, region } = this.#options
      fail('stale-epoch', `${tenant}/${region}: the hub ${stored.who} has epoch ${stored.epoch}, this one has ${this.#own}`)
    }
  }

  async #write(epoch: number, sequence: number): Promise<void> {
    const { connection, tenant, region, who } = this.#options
    const expect = { lastSubjectSequence: sequence }
    await jetstream(connection, { timeout: 5_000 }).publish(subjects.hubEpoch(tenant, region), JSON.stringify({ epoch, who }), { expect })
  }

  async #stored(): Promise<{ epoch: number; who: string; sequence: number }> {
    const { connection, tenant, region } = this.#options
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 5_000 })
    const lastOf = () => manager.streams.getMessage('HUBS', { last_by_subj: subjects.hubEpoch(tenant, region) })
    const message = await lastOf().catch(async (error) => {
      if (!isStreamMissing(error)) throw error
      await ensureStream(connection, 'HUBS', { subjects: [`hub.${tenant}.${region}.>`] })
      return lastOf()
    })
    return message === null
      ? { epoch: 0, who: '', sequence: 0 }
      : { ...message.json<{ epoch: number; who: string }>(), sequence: message.seq }
  }
}

function lostTheRace(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamWrongLastSequence
}
