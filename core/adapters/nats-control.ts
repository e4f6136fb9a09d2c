/**
 * Between core and hubs, last value per subject on stream CONTROL: tells what waits on the desk (fences, triage) and hears what people at a
 * regional console did with an alert, and the fences they drew. A word leaves the desk only when the stream has it; while nobody answers it stays there, and is told
 * with a later one or at the next start. What is heard is idempotent (highest revision), so all that stands is heard again at every start.
 */
import { jetstream } from '@nats-io/jetstream'
import { ensureStream } from '#shared/adapters/nats-connection.ts'
import { subjects, type Triage } from '#shared/control.ts'
import { describeError } from '#shared/errors.ts'
import type { Component } from '#shared/ports.ts'
import { retry } from '#shared/retry.ts'
import type { Report } from '../events.ts'
import { parseFence, parseTriage } from '../triage.ts'
import type { NatsAccess } from './nats-core.ts'
import { NatsStreamReader } from './nats-stream-reader.ts'
import type { SqliteDesk } from './sqlite-desk.ts'

const perRound = 100

export interface NatsControlDeps {
  readonly desk: SqliteDesk
  readonly heard: (tenant: string, triage: Triage) => Promise<boolean>
  readonly nats: NatsAccess
  readonly report: Report
  readonly die: (error: unknown) => void
}

export class NatsControl implements Component {
  readonly name = 'control'
  readonly #deps: NatsControlDeps
  readonly #abort = new AbortController()
  #word = Promise.withResolvers<void>()
  #running: Promise<unknown> | undefined

  constructor(deps: NatsControlDeps) {
    this.#deps = deps
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#deps.desk.onWord(() => this.#word.resolve())
    const both = AbortSignal.any([signal, this.#abort.signal])
    both.addEventListener('abort', () => this.#word.resolve(), { once: true })
    this.#running = Promise.all([this.#tell(both), this.#hear(both), this.#hearFences(both)]).catch((error) => {
      if (!both.aborted) this.#deps.die(error)
    })
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error('stopped'))
    await this.#running
  }

  async #tell(signal: AbortSignal): Promise<void> {
    const { desk, report } = this.#deps
    await ensureStream(await this.#deps.nats.connection(signal), 'CONTROL', { signal })
    while (!signal.aborted) {
      this.#word = Promise.withResolvers<void>()
      await retry(() => this.#tellAll(signal), {
        signal,
        maxDelayMs: 2_000,
        onRetry: (error) => report.controlDelayed(desk.waiting(perRound).length, describeError(error)),
      })
      if (!signal.aborted) await this.#word.promise
    }
  }

  async #tellAll(signal: AbortSignal): Promise<void> {
    const { desk } = this.#deps
    const stream = jetstream(await this.#deps.nats.connection(signal))
    for (let words = desk.waiting(perRound); words.length > 0; words = desk.waiting(perRound)) {
      for (const word of words) {
        await stream.publish(word.subject, word.body)
        desk.told(word)
      }
    }
  }

  /** Fences that regions drew for themselves; the core's own come back and change nothing. */
  async #hearFences(signal: AbortSignal): Promise<void> {
    const { nats, desk, report } = this.#deps
    const restarted = (words: string) => report.controlRestarted(words)
    const filter = subjects.fence('*', '*')
    const reader = new NatsStreamReader({ stream: 'CONTROL', filter, nats, generation: '', restarted, streamReset: () => {} })
    for await (const group of reader.read(0, signal)) {
      for (const { subject, data } of group) {
        const [, tenant = '', , id = ''] = subject.split('.')
        try {
          desk.adoptFence(tenant, parseFence(id, data))
        } catch (error) {
          report.controlRefused(subject, describeError(error))
        }
      }
    }
  }

  async #hear(signal: AbortSignal): Promise<void> {
    const { nats, heard, report } = this.#deps
    const restarted = (words: string) => report.controlRestarted(words)
    const filter = subjects.triage('*', '*')
    const reader = new NatsStreamReader({ stream: 'CONTROL', filter, nats, generation: '', restarted, streamReset: () => {} })
    for await (const group of reader.read(0, signal)) {
      for (const message of group) {
        try {
          await heard(message.subject.split('.')[1] ?? '', parseTriage(message.data))
        } catch (error) {
          report.controlRefused(message.subject, describeError(error))
        }
      }
    }
  }
}
