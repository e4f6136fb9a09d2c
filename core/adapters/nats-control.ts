/**
 * Tells the hubs what waits on the desk: fences and triage, last value per subject on stream CONTROL. A word leaves the desk only when the
 * stream has it; while nobody answers it stays there, and is told again with a later one or at the next start.
 */
import { jetstream } from '@nats-io/jetstream'
import { ensureStream, type NatsConnection } from '#shared/adapters/nats-connection.ts'
import { describeError } from '#shared/errors.ts'
import type { Component } from '#shared/ports.ts'
import { retry } from '#shared/retry.ts'
import type { Report } from '../events.ts'
import type { SqliteDesk } from './sqlite-desk.ts'

const perRound = 100

export interface NatsControlDeps {
  readonly desk: SqliteDesk
  readonly connection: () => Promise<NatsConnection>
  readonly report: Report
}

export class NatsControl implements Component {
  readonly name = 'control'
  readonly #deps: NatsControlDeps
  readonly #abort = new AbortController()
  #word = Promise.withResolvers<void>()
  #running: Promise<void> | undefined

  constructor(deps: NatsControlDeps) {
    this.#deps = deps
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#deps.desk.onWord(() => this.#word.resolve())
    const both = AbortSignal.any([signal, this.#abort.signal])
    both.addEventListener('abort', () => this.#word.resolve(), { once: true })
    this.#running = this.#run(both).catch((error) => {
      if (!both.aborted) throw error
    })
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error('stopped'))
    await this.#running
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { desk, report } = this.#deps
    await ensureStream(await this.#deps.connection(), 'CONTROL', { signal })
    while (!signal.aborted) {
      this.#word = Promise.withResolvers<void>()
      await retry(() => this.#tell(), {
        signal,
        maxDelayMs: 2_000,
        onRetry: (error) => report.controlDelayed(desk.waiting(perRound).length, describeError(error)),
      })
      await this.#word.promise
    }
  }

  async #tell(): Promise<void> {
    const { desk } = this.#deps
    const stream = jetstream(await this.#deps.connection())
    for (let words = desk.waiting(perRound); words.length > 0; words = desk.waiting(perRound)) {
      for (const word of words) {
        await stream.publish(word.subject, word.body)
        desk.told(word)
      }
    }
  }
}
