/**
 * The hub's fencing epoch: a number that rises with every start, kept in the region's stream HUBS by compare and set.
 *
 * Promise: of two hubs of one region only the later one goes on; the earlier finds a higher number than its own within a second and ends.
 * The stream may forget the latest number in a power cut, so a hub also starts above the epoch of its own snapshot; and when that is lost as
 * well, an agent's beat tells the number it has followed, and the hub goes above it while it runs. A hub that was overtaken hears
 * such a beat too: so the stream is asked first, and whoever finds a higher number there ends and takes nothing.
 */
import { randomUUID } from 'node:crypto'
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
  readonly onRaised: (from: number, to: number) => void
}

interface Stored {
  readonly epoch: number
  readonly who: string
  /** Of one life of one hub: process numbers repeat from machine to machine. */
  readonly token: string
  readonly sequence: number
}

export class NatsEpoch {
  readonly #options: EpochOptions
  readonly #token = randomUUID()
  #own = 0
  /** The highest number this hub has written or tried to: a lost answer must not make it give way to itself. */
  #tried = 0
  /** The highest one that an agent has followed. */
  #followed = 0

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

  /** An agent has followed this epoch. */
  heard(epoch: number): void {
    if (Number.isSafeInteger(epoch)) this.#followed = Math.max(this.#followed, epoch)
  }

  /**
   * The epoch this hub has now. Throws `stale-epoch` when a later hub has taken over; a server that does not answer says nothing either way.
   * Goes above what agents have followed, where that is more.
   */
  async check(): Promise<number> {
    try {
      const { epoch, sequence } = await this.#standing()
      const wanted = this.#followed > this.#own ? Math.max(epoch, this.#followed) + 1 : this.#own
      if (epoch < wanted) await this.#write(wanted, sequence) // lost in a power cut, or too low
      if (wanted > this.#own) this.#options.onRaised(this.#own, wanted)
      this.#own = wanted
    } catch (error) {
      if (!isUnavailable(error) && !lostTheRace(error)) throw error
    }
    return this.#own
  }

  /** What the stream holds, once it is sure that no other hub has gone above this one. */
  async #standing(): Promise<{ epoch: number; sequence: number }> {
    const stored = await this.#stored()
    const { tenant, region } = this.#options
    const isMine = stored.token === this.#token && stored.epoch <= this.#tried
    if (stored.epoch > this.#own && !isMine) {
      fail('stale-epoch', `${tenant}/${region}: the hub ${stored.who} has epoch ${stored.epoch}, this one has ${this.#own}`)
    }
    return stored
  }

  async #write(epoch: number, sequence: number): Promise<void> {
    const { connection, tenant, region, who } = this.#options
    const expect = { lastSubjectSequence: sequence }
    this.#tried = Math.max(this.#tried, epoch)
    await jetstream(connection, { timeout: 5_000 }).publish(
      subjects.hubEpoch(tenant, region),
      JSON.stringify({ epoch, who, token: this.#token }),
      { expect },
    )
  }

  async #stored(): Promise<Stored> {
    const { connection, tenant, region } = this.#options
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 5_000 })
    const lastOf = () => manager.streams.getMessage('HUBS', { last_by_subj: subjects.hubEpoch(tenant, region) })
    const message = await lastOf().catch(async (error) => {
      if (!isStreamMissing(error)) throw error
      await ensureStream(connection, 'HUBS', { subjects: [`hub.${tenant}.${region}.>`] })
      return lastOf()
    })
    return message === null
      ? { epoch: 0, who: '', token: '', sequence: 0 }
      : { ...message.json<Omit<Stored, 'sequence'>>(), sequence: message.seq }
  }
}

function lostTheRace(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamWrongLastSequence
}
