/**
 * The one retry loop of the house: exponential back-off with full jitter, for ever, until the work succeeds, an error is not worth
 * another try, or the signal aborts. It never hides an error: each failed attempt is handed to `onRetry` before the pause.
 */
export interface RetryOptions {
  readonly signal: AbortSignal
  /** Ceiling of the first pause. */
  readonly firstDelayMs?: number
  /** Ceiling of every pause. */
  readonly maxDelayMs?: number
  /** False ends the loop with that error. Default: every error is worth another try. */
  readonly retryable?: (error: unknown) => boolean
  readonly onRetry?: (error: unknown, attempt: number, delayMs: number) => void
  readonly random?: () => number
}

/** Calls `work` with 1, 2, 3, … until it resolves. Rejects with the signal's reason once that aborts, even between attempts. */
export async function retry<T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, firstDelayMs = 100, maxDelayMs = 30_000, retryable = () => true, onRetry, random = Math.random } = options
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    try {
      return await work(attempt)
    } catch (error) {
      signal.throwIfAborted()
      if (!retryable(error)) throw error
      const delayMs = random() * delayCeilingMs(attempt, firstDelayMs, maxDelayMs)
      onRetry?.(error, attempt, delayMs)
      await sleep(delayMs, signal)
    }
  }
}

/** Full jitter draws uniformly below this: clients that failed together come back spread out. */
export function delayCeilingMs(attempt: number, firstDelayMs: number, maxDelayMs: number): number {
  return Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(attempt - 1, 40))
}

/** Resolves after `ms`; rejects with the signal's reason as soon as that aborts, and leaves neither timer nor listener behind. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', abort, { once: true })
  })
}
