/**
 * Flows as nDPI's `ndpiReader -C` writes them, one CSV line a flow, into rows of the event batch. Pure; columns are found by the header's names.
 *
 * `ndpi_proto` is `master.application` or one name: the application is the last part, as nDPI's own statistics count it.
 * `c_to_s_…` is the up-link: nDPI's client is who opened the flow.
 */
import { familyCode } from '#shared/families.ts'
import { accepted, type EventBatch } from './event-batch.ts'
import { protocolName } from './flow-fields.ts'

const needed = ['protocol', 'last_seen', 'ndpi_proto', 'c_to_s_pkts', 'c_to_s_bytes', 's_to_c_pkts', 's_to_c_bytes'] as const
type Column = (typeof needed)[number] | 'first_seen'

/** Where each column stands, or the names that the header lacks. */
export function ndpiHeader(header: readonly string[]): { places: Readonly<Record<Column, number>> } | { missing: string[] } {
  const place = (name: string) => header.findIndex((one) => one.replace(/^#/, '').trim() === name)
  const missing = needed.filter((name) => place(name) < 0)
  if (missing.length > 0) return { missing }
  const names: readonly Column[] = [...needed, 'first_seen']
  return { places: Object.fromEntries(names.map((name) => [name, place(name)])) as Record<Column, number> }
}

/** Appends one flow; returns the reason when the line is none (nothing is appended then). `key` is the hash that makes a line that is read twice harmless. */
export function addNdpiFlow(
  batch: EventBatch,
  line: readonly string[],
  places: Readonly<Record<Column, number>>,
  origin: { readonly source: string; readonly cell: string; readonly arrivalMs: number; readonly key: readonly [number, number] },
): string | undefined {
  const value = (name: Column) => line[places[name]]?.trim() ?? ''
  const count = (name: Column) => (/^\d{1,15}$/.test(value(name)) ? Number(value(name)) : Number.NaN)
  const packetsUp = count('c_to_s_pkts')
  const bytesUp = count('c_to_s_bytes')
  const packetsDown = count('s_to_c_pkts')
  const bytesDown = count('s_to_c_bytes')
  if (Number.isNaN(packetsUp + bytesUp + packetsDown + bytesDown)) return 'packets or octets are no whole numbers'
  const application = value('ndpi_proto').split('.').at(-1)!.slice(0, 64)
  if (application === '') return 'ndpi_proto is empty'

  const lastSeenMs = Number(value('last_seen')) * 1000
  const firstSeenMs = Number(value('first_seen')) * 1000
  const valid = lastSeenMs >= Date.UTC(2000, 0, 1) && lastSeenMs <= origin.arrivalMs + 24 * 3600_000
  const row = batch.add()
  const columns = batch.columns
  columns.verdict[row] = accepted
  columns.family[row] = familyCode.dpi
  columns.eventType[row] = batch.code('flow')
  columns.source[row] = batch.code(origin.source)
  columns.timeMs[row] = valid ? lastSeenMs : origin.arrivalMs
  columns.arrivalMs[row] = origin.arrivalMs
  if (valid && firstSeenMs > 0 && firstSeenMs <= lastSeenMs) columns.durationMs[row] = lastSeenMs - firstSeenMs
  columns.cell[row] = batch.code(origin.cell)
  columns.application[row] = batch.code(application)
  columns.protocol[row] = batch.code(
    /^\d{1,3}$/.test(value('protocol')) ? protocolName(Number(value('protocol'))) : value('protocol').slice(0, 64),
  )
  columns.flows[row] = 1
  columns.packetsUp[row] = packetsUp
  columns.bytesUp[row] = bytesUp
  columns.packetsDown[row] = packetsDown
  columns.bytesDown[row] = bytesDown
  columns.idHash.set(origin.key, row * 2)
  return undefined
}
