/**
 * Everything the DPI taps can report: one function per event, which logs and counts together. What repeats is told at most once in ten seconds;
 * exporters are named by their address, which is a machine's and no person's.
 */
import type { Clock } from '#shared/clock.ts'
import { describeError } from '#shared/errors.ts'
import type { Logger } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics.ts'
import type { NdpiFileReport } from './adapters/ndpi-file.ts'
import type { UdpFlowsReport } from './adapters/udp-flows.ts'
import type { FlowReport } from './decode-flows.ts'

const repeatMs = 10_000

export function reportFlows(log: Logger, metrics: Metrics, clock: Clock): FlowReport & UdpFlowsReport & NdpiFileReport {
  const taken = metrics.counter('tributary_netflow_flows_total', 'Flows that exporters sent.')
  const datagrams = metrics.counter('tributary_netflow_datagrams_total', 'Datagrams by what became of them.', ['fate'])
  const malformed = metrics.counter('tributary_netflow_malformed_total', 'Parts of datagrams that could not be read.')
  const missing = metrics.counter(
    'tributary_netflow_missing_records_total',
    'Records that exporters sent and that never came, by their sequence numbers.',
  )
  const repaired = metrics.counter('tributary_netflow_repaired_times_total', 'Flows whose times were repaired.')
  const refused = metrics.counter('tributary_ndpi_refused_lines_total', 'Lines of nDPI files that are no flow.')
  const said = new Map<string, number>()
  const mayRepeat = (what: string) => {
    const nowMs = clock.monotonicMs()
    if (nowMs - (said.get(what) ?? Number.NEGATIVE_INFINITY) < repeatMs) return false
    said.set(what, nowMs)
    return true
  }
  return {
    malformed: (exporter, what) => {
      malformed.inc()
      if (mayRepeat('malformed')) log.warn({ exporter }, `a flow export could not be read in full: ${what}`)
    },
    sequenceGap: (exporter, count) => {
      missing.inc(count)
      if (mayRepeat('gap')) log.warn({ exporter, missing: count }, 'an exporter’s sequence numbers have a gap: flows were lost before us')
    },
    timeRepaired: (exporter, flows) => {
      repaired.inc(flows)
      if (mayRepeat('time')) log.warn({ exporter, flows }, 'flows whose times cannot be took the export’s time')
    },
    datagramTaken: (flows) => {
      datagrams.inc({ fate: 'taken' })
      taken.inc(flows)
    },
    datagramsDropped: (count) => {
      datagrams.inc({ fate: 'dropped' }, count)
      if (mayRepeat('dropped')) log.error({ datagrams: count }, 'datagrams were dropped: they come faster than they can be stored')
    },
    flowsLost: (count, error) => {
      datagrams.inc({ fate: 'lost' }, count)
      if (mayRepeat('lost')) log.error({ datagrams: count }, `datagrams could not be stored: ${describeError(error)}`)
    },
    ndpiLineRefused: (file, reason) => {
      refused.inc()
      if (mayRepeat('line')) log.warn({ file }, `a line is no flow and was passed over: ${reason}`)
    },
    ndpiFileWaits: (file, reason) => log.info({ file }, `waiting for nDPI’s file: ${reason}`),
  }
}
