/**
 * The one loop: source → work → settle. Items are worked on side by side (at most `maxInFlight`) and settled one after another, in the
 * order in which the source gave them, so that a cursor or an acknowledgement never passes an item that is still on its way.
 *
 * Promises: an item is settled exactly once, after its work succeeded or it was handed to `onPoison`; what is merely `Unavailable` is
 * tried again for ever, with jitter; any other error makes the item poison, so that one bad item never stops a lane.
 * Never buffers: the source is asked for an item only when there is room for it. Items not settled when it ends still belong to the source.
 */
import { TributaryError } from './errors.ts'
import { Unavailable } from './ports.ts'
import { retry } from './retry.ts'

export interface PumpOptions<T> {
  /** Ends by itself, or waits for more; on abort it is told to `return`, and is not waited for. */
  readonly source: AsyncIterable<T>
  /** The write. May be called again for the same item after `Unavailable`. */
  readonly work: (item: T) => Promise<void> | void
  /** Called in order. An error here ends the pump. */
  readonly settle: (item: T) => Promise<void> | void
  readonly maxInFlight: number
  readonly signal: AbortSignal
  /** Puts aside what can never be taken; the item is settled after it. An error here ends the pump. */
  readonly onPoison: (item: T, error: unknown) => Promise<void> | void
  /** Default: `Unavailable`, and our own errors whose disposition is retry. */
  readonly retryable?: (error: unknown) => boolean
  readonly onRetry?: (item: T, error: unknown, attempt: number, delayMs: number) => void
  readonly firstDelayMs?: number
  readonly maxDelayMs?: number
}

/**
 * Resolves when the source has ended and everything is settled, or when the signal has aborted and no work runs any more.
 * Rejects with the first error of the source, of `settle` or of `onPoison`.
 */
export async function pump<T>(options: PumpOptions<T>): Promise<void> {
  const { source, settle, maxInFlight, signal } = options
  const iterator = source[Symbol.asyncIterator]()
  const finished = Promise.withResolvers<void>()
  const working = new Set<Promise<void>>()
  let inFlight = 0
  let pulling = false
  let ended = signal.aborted
  let tail: Promise<void> = Promise.resolve()

  const fail = (error: unknown) => {
    ended = true
    if (signal.aborted) void Promise.allSettled(working).then(() => finished.resolve())
    else finished.reject(error)
  }
  const finishIfIdle = () => {
    if (ended && inFlight === 0) finished.resolve()
  }
  const pull = () => {
    if (pulling || ended || inFlight >= maxInFlight) return
    pulling = true
    iterator.next().then((step) => {
      pulling = false
      if (ended) return // an item that came after the end was never ours: nobody settles it
      if (step.done) {
        ended = true
        finishIfIdle()
      } else {
        begin(step.value)
        pull()
      }
    }, fail)
  }
  const begin = (item: T) => {
    inFlight++
    const done = attempt(item, options)
    working.add(done)
    done.catch(() => {}).finally(() => working.delete(done)) // a failure is reported through the tail, in order
    tail = tail
      .then(() => done)
      .then(() => settle(item))
      .then(() => {
        inFlight--
        finishIfIdle()
        pull()
      })
    tail.catch(fail)
  }
  const abort = () => {
    ended = true
    finishIfIdle()
  }

  signal.addEventListener('abort', abort, { once: true })
  finishIfIdle()
  pull()
  try {
    await finished.promise
  } finally {
    signal.removeEventListener('abort', abort)
    void iterator.return?.().catch(() => {})
  }
}

async function attempt<T>(item: T, options: PumpOptions<T>): Promise<void> {
  const { work, onPoison, signal, retryable = worthAnotherTry, onRetry, firstDelayMs, maxDelayMs } = options
  try {
    await retry(async () => work(item), {
      signal,
      retryable,
      firstDelayMs,
      maxDelayMs,
      onRetry: onRetry && ((error, attempt, delayMs) => onRetry(item, error, attempt, delayMs)),
    })
  } catch (error) {
    signal.throwIfAborted()
    await onPoison(item, error)
  }
}

export function worthAnotherTry(error: unknown): boolean {
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    if (one instanceof Unavailable || (one instanceof TributaryError && one.disposition === 'retry')) return true
  }
  return false
}
