/**
 * Time is handed in, never read: whoever needs it takes a `Clock`. `nowMs` is the wall clock and may jump (sites have no clock battery);
 * `monotonicMs` never goes back and is what durations and time-outs are measured with.
 */
export interface Clock {
  /** Epoch milliseconds; may jump either way when the machine's clock is set. */
  nowMs(): number
  /** Milliseconds since an arbitrary start, with fractions; never goes back. */
  monotonicMs(): number
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
}
