/**
 * When a flow began and ended, in epoch milliseconds, from what exporters tell: absolute times, offsets from the export,
 * or a 32-bit uptime that wraps every 49.7 days (RFC 3954 §5.1, RFC 7011 §6.1, RFC 7012 §5.9). Pure.
 *
 * A flow is never rejected for its time: a start after its end, or a time ahead of the export, takes the export time and is counted as repaired.
 */
import { slot } from './flow-fields.ts'

const uptimeModulus = 2 ** 32
const year2000Ms = Date.UTC(2000, 0, 1)

export interface FlowTimes {
  startMs: number
  endMs: number
  repaired: boolean
}

/**
 * `numbers` are a flow's fields by slot, NaN where it had none. `exportMs` is the time in the message's header, `uptimeMs` the exporter's uptime then
 * (NaN in IPFIX). Export times before 2000 (an exporter without a clock) are replaced by the arrival time.
 */
export function flowTimes(numbers: Float64Array, exportMs: number, uptimeMs: number, arrivalMs: number, times: FlowTimes): void {
  times.repaired = false
  let limitMs = exportMs
  if (!(exportMs >= year2000Ms)) {
    limitMs = arrivalMs
    times.repaired = true
  }
  const startMs = pick(numbers, slot.startMs, slot.startSeconds, slot.startNtp, slot.startDeltaUs, slot.startUptimeMs, limitMs, uptimeMs)
  const endMs = pick(numbers, slot.endMs, slot.endSeconds, slot.endNtp, slot.endDeltaUs, slot.endUptimeMs, limitMs, uptimeMs)
  // Header times are whole seconds in IPFIX: a flow that ended within the second of its export is not ahead of it.
  const latestMs = limitMs + 999
  times.endMs = Number.isNaN(endMs) ? limitMs : endMs
  if (times.endMs > latestMs || times.endMs < year2000Ms) {
    times.endMs = limitMs
    times.repaired = true
  }
  times.startMs = Number.isNaN(startMs) ? times.endMs : startMs
  if (times.startMs > times.endMs || times.startMs < year2000Ms) {
    times.startMs = times.endMs
    times.repaired = true
  }
}

function pick(
  numbers: Float64Array,
  msSlot: number,
  secondsSlot: number,
  ntpSlot: number,
  deltaSlot: number,
  uptimeSlot: number,
  exportMs: number,
  uptimeMs: number,
): number {
  if (!Number.isNaN(numbers[msSlot]!)) return numbers[msSlot]!
  if (!Number.isNaN(numbers[secondsSlot]!)) return numbers[secondsSlot]! * 1000
  if (!Number.isNaN(numbers[ntpSlot]!)) return numbers[ntpSlot]!
  if (!Number.isNaN(numbers[deltaSlot]!)) return exportMs - numbers[deltaSlot]! / 1000
  const uptime = numbers[uptimeSlot]!
  if (Number.isNaN(uptime)) return Number.NaN
  const initMs = numbers[slot.systemInitMs]!
  if (!Number.isNaN(initMs)) return initMs + uptime
  if (Number.isNaN(uptimeMs)) return Number.NaN
  const ageMs = (((uptimeMs - uptime) % uptimeModulus) + uptimeModulus) % uptimeModulus
  return ageMs > uptimeModulus / 2 ? exportMs + (uptimeModulus - ageMs) : exportMs - ageMs
}
