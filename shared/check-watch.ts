/**
 * Repeats a service's cheap checks in the background, so that `/health` can tell of the host without looking at it for every request.
 * The last results stand until the next round; a round that fails leaves them.
 */
import type { HealthCheck } from './admin.ts'
import { asHealth, type Check, type CheckResult, runChecks } from './checks.ts'
import type { Component } from './ports.ts'

export class CheckWatch<C> implements Component {
  readonly name = 'host checks'
  readonly #checks: readonly Check<C>[]
  readonly #context: C
  readonly #everyMs: number
  readonly #abort = new AbortController()
  #results: readonly CheckResult[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(checks: readonly Check<C>[], context: C, everyMs = 60_000) {
    this.#checks = checks.filter(({ cheap }) => cheap === true).map((check) => ({ ...check, after: [] }))
    this.#context = context
    this.#everyMs = everyMs
  }

  get results(): readonly CheckResult[] {
    return this.#results
  }

  health(): HealthCheck[] {
    return asHealth(this.#results)
  }

  async start(): Promise<void> {
    const round = () =>
      void runChecks(this.#checks, this.#context, { signal: this.#abort.signal }).then((results) => {
        if (!this.#abort.signal.aborted) this.#results = results
      })
    this.#timer = setInterval(round, this.#everyMs)
    this.#timer.unref()
    round()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#abort.abort(new Error('stopped'))
  }
}
