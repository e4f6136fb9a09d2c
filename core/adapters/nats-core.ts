/**
 * The core's one connection to its own NATS server, for all who need it. They wait for it, the API does not: without a trunk it goes on
 * answering from what is stored, and says so.
 */
import { connectNats, type NatsConnection } from '#shared/adapters/nats-connection.ts'
import type { HealthCheck } from '#shared/admin.ts'
import { describeError } from '#shared/errors.ts'
import type { Component } from '#shared/ports.ts'
import type { Report } from '../events.ts'

/** What those who read and write need of the connection. */
export interface NatsAccess {
  /** Rejects when the signal aborts before the server has answered. */
  connection(signal: AbortSignal): Promise<NatsConnection>
  /** Calls back when the server is there again after it was gone: its short-lived consumers are not. Returns how to stop that. */
  onReconnect(listener: () => void): () => void
}

export class CoreNats implements Component, NatsAccess {
  readonly name = 'nats'
  readonly #url: string
  readonly #report: Report
  readonly #die: (error: unknown) => void
  readonly #abort = new AbortController()
  #connecting: Promise<NatsConnection> | undefined
  readonly #listeners = new Set<() => void>()
  #words = 'not connected yet'
  #isConnected = false

  constructor(url: string, report: Report, die: (error: unknown) => void) {
    this.#url = url
    this.#report = report
    this.#die = die
  }

  async start(): Promise<void> {
    this.connection(this.#abort.signal).catch((error) => {
      this.#words = describeError(error)
      if (!this.#abort.signal.aborted) this.#die(error)
    })
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error('stopped'))
    await this.#connecting?.then((connection) => connection.close()).catch(() => {})
  }

  onReconnect(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async connection(signal: AbortSignal): Promise<NatsConnection> {
    signal.throwIfAborted()
    this.#connecting ??= connectNats({
      url: this.#url,
      name: 'core',
      signal: this.#abort.signal,
      onStatus: ({ kind, words }) => {
        if (kind === 'connected') for (const listener of this.#listeners) listener()
        this.#isConnected = kind === 'connected' || (kind === 'slow' && this.#isConnected)
        this.#words = words
        this.#report.natsStatus(kind, words)
      },
    })
    const { promise: aborted, reject } = Promise.withResolvers<never>()
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    try {
      return await Promise.race([this.#connecting, aborted])
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  health(): HealthCheck {
    return { id: 'trunk-server', verdict: this.#isConnected ? 'ok' : 'degraded', value: this.#isConnected, words: this.#words }
  }
}
