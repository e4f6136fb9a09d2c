/**
 * Metrics in Prometheus' text format, one registry per service instance (several instances may live in one process in a test).
 * Names are `tributary_<noun>_<unit>`, counters end in `_total`; a name that does not say so is refused when it is made.
 * Labels must be bounded: never a subscriber, a cell or a text that came from outside.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client'

export type { Counter, Gauge, Histogram } from '@prometheus-io/client'

export interface Metrics {
  readonly contentType: string
  counter<L extends string = never>(name: string, help: string, labelNames?: readonly L[]): Counter<L>
  /** With `read`, the value is asked for at each scrape instead of being set. */
  gauge<L extends string = never>(name: string, help: string, labelNames?: readonly L[], read?: (gauge: Gauge<L>) => void): Gauge<L>
  /** Buckets are upper bounds in the unit of the name. */
  histogram<L extends string = never>(name: string, help: string, buckets: readonly number[], labelNames?: readonly L[]): Histogram<L>
  text(): Promise<string>
}

const namePattern = /^tributary_[a-z0-9]+(_[a-z0-9]+)+$/

export function createMetrics(service: string, options: { processMetrics?: boolean } = {}): Metrics {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  if (options.processMetrics ?? true) collectDefaultMetrics({ register: registry })
  const registers = [registry]
  new Gauge({ name: 'tributary_process_pid', help: 'Process id, so that checks know whose ports and limits to look at.', registers }).set(
    process.pid,
  )
  const checked = (name: string, suffix: boolean) => {
    if (!namePattern.test(name) || name.endsWith('_total') !== suffix) {
      throw new Error(`metric name ${name}: expected tributary_<noun>_<unit>${suffix ? '_total' : ', without _total'}`)
    }
    return name
  }
  return {
    contentType: registry.contentType,
    counter: (name, help, labelNames = []) => new Counter({ name: checked(name, true), help, labelNames, registers }),
    gauge: <L extends string>(name: string, help: string, labelNames: readonly L[] = [], read?: (gauge: Gauge<L>) => void) =>
      new Gauge<L>({
        name: checked(name, false),
        help,
        labelNames,
        registers,
        ...(read && {
          collect(this: Gauge<L>) {
            read(this)
          },
        }),
      }),
    histogram: (name, help, buckets, labelNames = []) =>
      new Histogram({ name: checked(name, false), help, labelNames, buckets: [...buckets], registers }),
    text: () => registry.metrics(),
  }
}
