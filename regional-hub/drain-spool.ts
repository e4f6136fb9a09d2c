/**
 * Hands the spool's items to the trunk, several in flight, for as long as the hub lives.
 *
 * Promises: an item is acknowledged only when it and everything before it are the trunk's. When one fails, it and everything after it go
 * again, in order, after a pause with jitter: what the trunk holds in the end has every item behind its predecessors. A barrier waits until all
 * before it is acknowledged. An item that can never be taken is reported and passed; nothing else is ever passed.
 */
import type { Trunk, TrunkItem } from '#shared/ports.ts'
import { Unavailable } from '#shared/ports.ts'
import { delayCeilingMs, sleep } from '#shared/retry.ts'

export interface Spooled {
  readonly id: number
  readonly topic: string
  readonly frame: Uint8Array
  readonly key: string
  readonly barrier: boolean
}

export interface Spool {
  readonly head: number
  readonly acknowledged: number
  after(id: number): Spooled | undefined
  acknowledge(id: number): void
}

export interface DrainOptions {
  readonly spool: Spool
  readonly trunk: Trunk
  readonly address: Pick<TrunkItem, 'tenant' | 'region' | 'hubEpoch'>
  readonly maxInFlight: number
  readonly maxBytesInFlight: number
  readonly onAcknowledged: (id: number) => void
  readonly onUnavailable: (error: Error, attempt: number) => void
  readonly onRefused: (item: Spooled, error: Error) => void
}

export class SpoolDrain {
  readonly #options: DrainOptions
  #wake: (() => void) | undefined
  /** Given out, oldest first; `done` once the trunk has it. */
  #inFlight: { id: number; bytes: number; done: boolean }[] = []
  #bytesInFlight = 0
  #running: Promise<unknown> = Promise.resolve()

  constructor(options: DrainOptions) {
    this.#options = options
  }

  start(signal: AbortSignal): void {
    this.#running = this.#run(signal)
  }

  /** Something was pushed. */
  poke(): void {
    this.#wake?.()
  }

  /** Resolves when the spool is empty, or after `deadlineMs`. */
  async drained(deadlineMs: number): Promise<boolean> {
    const endMs = performance.now() + deadlineMs
    while (this.#options.spool.acknowledged < this.#options.spool.head) {
      if (performance.now() >= endMs) return false
      await sleep(10)
    }
    return true
  }

  async stopped(): Promise<void> {
    await this.#running
  }

  async #run(signal: AbortSignal): Promise<void> {
    let attempt = 0
    const wakeUp = () => this.#wake?.()
    signal.addEventListener('abort', wakeUp)
    while (!signal.aborted) {
      const failure = await this.#round(signal, () => {
        attempt = 0
      })
      this.#inFlight = []
      this.#bytesInFlight = 0
      if (failure === undefined || signal.aborted) continue
      this.#options.onUnavailable(failure, ++attempt)
      await sleep(20 + Math.random() * delayCeilingMs(attempt, 50, 2_000), signal).catch(() => {})
    }
    signal.removeEventListener('abort', wakeUp)
  }

  /** Sends from the first item that is not acknowledged until one fails; then waits for the others' fate and answers with the failure. */
  async #round(signal: AbortSignal, succeeded: () => void): Promise<Error | undefined> {
    const { spool, trunk, address } = this.#options
    let sent = spool.acknowledged
    let failure: Error | undefined
    while (!signal.aborted) {
      const item = failure === undefined && this.#hasRoom() ? spool.after(sent) : undefined
      const held = item?.barrier === true && this.#inFlight.length > 0
      if (item !== undefined && !held) {
        sent = item.id
        const entry = { id: item.id, bytes: item.frame.length, done: false }
        this.#inFlight.push(entry)
        this.#bytesInFlight += entry.bytes
        trunk.append({ ...address, topic: item.topic, frame: item.frame, key: item.key }).then(
          () => {
            entry.done = true
            succeeded()
            if (failure === undefined) this.#settle()
            this.#wake?.()
          },
          (error) => {
            if (error instanceof Unavailable) failure ??= error
            else {
              this.#options.onRefused(item, error)
              if (failure === undefined) {
                entry.done = true
                this.#settle()
              } else failure ??= error
            }
            entry.done = true
            this.#wake?.()
          },
        )
        continue
      }
      if (failure !== undefined && this.#inFlight.every(({ done }) => done)) return failure
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
    return failure
  }

  #hasRoom(): boolean {
    const { maxInFlight, maxBytesInFlight } = this.#options
    return this.#inFlight.length < maxInFlight && (this.#inFlight.length === 0 || this.#bytesInFlight < maxBytesInFlight)
  }

  /** What is done without a gap before it is the trunk's. */
  #settle(): void {
    let acknowledged = 0
    while (this.#inFlight[0]?.done) {
      const { id, bytes } = this.#inFlight.shift()!
      acknowledged = id
      this.#bytesInFlight -= bytes
    }
    if (acknowledged === 0) return
    this.#options.spool.acknowledge(acknowledged)
    this.#options.onAcknowledged(acknowledged)
  }
}
