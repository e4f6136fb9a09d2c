/**
 * Bounds octets per second on a link. Spending may go into debt, so that a frame larger than the bucket passes too; while in debt nothing
 * else may go. Time is handed in.
 */
import { sleep } from '#shared/retry.ts'

export class TokenBucket {
  readonly #bytesPerSecond: number
  readonly #burstBytes: number
  readonly #monotonicMs: () => number
  #tokens: number
  #atMs: number

  /** 0 octets per second: no bound. */
  constructor(bytesPerSecond: number, monotonicMs: () => number) {
    this.#bytesPerSecond = bytesPerSecond
    this.#burstBytes = bytesPerSecond
    this.#monotonicMs = monotonicMs
    this.#tokens = this.#burstBytes
    this.#atMs = monotonicMs()
  }

  /** Resolves once out of debt. Choose what to send after this, not before: something more urgent may have come. */
  async ready(signal: AbortSignal): Promise<void> {
    if (this.#bytesPerSecond === 0) return
    for (;;) {
      this.#refill()
      if (this.#tokens > 0) return
      await sleep(Math.max(1, (-this.#tokens / this.#bytesPerSecond) * 1000), signal)
    }
  }

  spend(bytes: number): void {
    this.#tokens -= bytes
  }

  #refill(): void {
    const nowMs = this.#monotonicMs()
    this.#tokens = Math.min(this.#burstBytes, this.#tokens + ((nowMs - this.#atMs) / 1000) * this.#bytesPerSecond)
    this.#atMs = nowMs
  }
}
