/**
 * A run: virtual time follows the wall clock (times `speed`), or nothing at all where messages only go to a log. Each tick's messages are
 * handed to the fleet when their time has come; a generator that falls behind says so and catches up, it never skips what was due.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import type { Component } from '#shared/ports.ts'
import { sleep } from '#shared/retry.ts'
import type { Message } from './delivery.ts'
import type { Fleet } from './fleet.ts'
import { type Simulation, tickMs } from './simulation.ts'

const ticksPerSecond = 1000 / tickMs

export interface RunOptions {
  readonly simulation: Simulation
  /** None: nothing is sent. */
  readonly fleet?: Fleet | undefined
  readonly log?: EventLog | undefined
  /** Virtual seconds; without it the run ends when it is stopped. */
  readonly durationS?: number | undefined
  /** Virtual per wall seconds; Infinity: as fast as possible. */
  readonly speed: number
  /** Called when the duration is over. */
  readonly finished: () => void
  readonly failed: (error: unknown) => void
  /** Called once a minute of the wall clock. */
  readonly progress?: (summary: RunSummary) => void
  readonly now?: () => number
}

export interface RunSummary {
  readonly virtualS: number
  readonly happened: number
  /** Events sent, repeats included; acknowledgements lost with an agent and sent again count once. */
  readonly published: number
  /** Different events sent: what the agents should accept. */
  readonly distinct: number
  readonly acknowledged: number
  readonly unacknowledged: number
  readonly dropped: number
  readonly resent: number
  readonly late: number
  readonly duplicates: number
  readonly missing: number
  /** Late messages and repeats that the end of the run cut off. */
  readonly notYetDue: number
  readonly behindMaxMs: number
  readonly byFamily: Readonly<Record<string, number>>
  readonly plants: Readonly<Record<string, number>>
}

/** Messages as NDJSON in the order of sending: what two runs with the same seed are compared by. */
export class EventLog {
  readonly #descriptor: number
  readonly #regions: readonly string[]

  constructor(file: string, regions: readonly string[]) {
    this.#descriptor = openSync(file, 'w', 0o600)
    this.#regions = regions
  }

  write(messages: readonly Message[]): void {
    if (messages.length === 0) return
    writeSync(this.#descriptor, messages.map((message) => this.#line(message)).join(''))
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  #line({ sendAtMs, region, family, source, text, duplicate }: Message): string {
    return `{"send_ms":${sendAtMs},"region":"${this.#regions[region]}","topic":"tributary/v1/${family}/${source}","duplicate":${duplicate},"event":${text}}\n`
  }
}

export class Run implements Component {
  readonly name = 'run'
  readonly #options: RunOptions
  readonly #abort = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #virtualMs = 0
  #behindMaxMs = 0
  #stopped = false
  #progress: NodeJS.Timeout | undefined

  constructor(options: RunOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { fleet, progress } = this.#options
    fleet?.open()
    if (progress !== undefined) this.#progress = setInterval(() => progress(this.summary()), 60_000)
    this.#running = this.#loop().catch((error) => {
      if (!this.#abort.signal.aborted) this.#options.failed(error)
    })
  }

  /** Stops making events at once, waits for what is in flight, then leaves. */
  async stop(deadlineMs: number): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    clearInterval(this.#progress)
    this.#abort.abort()
    await this.#running
    const { fleet, log } = this.#options
    fleet?.flush()
    const patience = performance.now() + Math.min(3_000, deadlineMs * 0.75)
    while (fleet !== undefined && fleet.held > 0 && performance.now() < patience) await sleep(20)
    await fleet?.close()
    log?.close()
  }

  summary(): RunSummary {
    const { simulation, fleet } = this.#options
    const { happened, late, duplicates, missing } = simulation.delivery.counts
    return {
      virtualS: this.#virtualMs / 1000,
      happened,
      published: fleet?.counts.published ?? 0,
      distinct: fleet === undefined ? 0 : fleet.counts.published - fleet.counts.repeats,
      acknowledged: fleet?.counts.acknowledged ?? 0,
      unacknowledged: fleet?.held ?? 0,
      dropped: fleet?.counts.dropped ?? 0,
      resent: fleet?.resent ?? 0,
      late,
      duplicates,
      missing,
      notYetDue: simulation.delivery.notYetDue,
      behindMaxMs: Math.round(this.#behindMaxMs),
      byFamily: fleet?.counts.byFamily ?? {},
      plants: simulation.plants.counts,
    }
  }

  async #loop(): Promise<void> {
    const { simulation, fleet, log, durationS, speed, finished, now = () => performance.now() } = this.#options
    const { signal } = this.#abort
    const startedAt = now()
    const lastMs = durationS === undefined ? Number.POSITIVE_INFINITY : durationS * 1000
    for (let ticks = 1; this.#virtualMs < lastMs && !signal.aborted; ticks++) {
      const waitMs = startedAt + this.#virtualMs / speed - now()
      if (waitMs > 1) await sleep(waitMs, signal)
      else if (ticks % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
      if (speed !== Number.POSITIVE_INFINITY && -waitMs > this.#behindMaxMs) this.#behindMaxMs = -waitMs
      const { untilMs, messages } = simulation.next()
      log?.write(messages)
      if (fleet !== undefined) {
        for (const message of messages) fleet.send(message)
        if (ticks % ticksPerSecond === 0) fleet.flush()
      }
      this.#virtualMs = untilMs - simulation.epochMs
    }
    if (!signal.aborted) {
      fleet?.flush()
      await this.#settle()
      finished()
    }
  }

  /** The duration is over: everything published has its answer before the run says it is done, however long an agent takes. */
  async #settle(): Promise<void> {
    const { fleet } = this.#options
    while (fleet !== undefined && fleet.held > 0) await sleep(20, this.#abort.signal)
  }
}
