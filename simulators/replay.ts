/**
 * Makes of a trace what the network would have reported about the phone: a registration, a measurement a second, a handover or change
 * of cell where the serving cell changes, and, only where asked for, its GPS fixes. Without fixes the places are kept for judging.
 */
import type { Message } from './delivery.ts'
import type { TraceRow } from './drive-trace.ts'
import { hashText } from './random.ts'

export interface ReplayIdentity {
  readonly imsi: string
  readonly msisdn: string
  readonly imei: string
}

export interface ReplayOptions {
  readonly source: string
  readonly identity: ReplayIdentity
  /** Added to every time of the trace. */
  readonly shiftMs: number
  readonly gps: boolean
}

/** An identity made from the trace's name, so that each trace is one subscriber and stays the same. */
export function identityForTrace(name: string): ReplayIdentity {
  const digits = (salt: number, width: number) => String(hashText(name, salt) % 10 ** width).padStart(width, '0')
  return { imsi: `27203${digits(1, 5)}${digits(2, 5)}`, msisdn: `+35389${digits(3, 7)}`, imei: `35696210${digits(4, 6)}` }
}

export function replayTrace(rows: readonly TraceRow[], options: ReplayOptions): Message[] {
  const { source, identity, shiftMs, gps } = options
  const messages: Message[] = []
  const run = shiftMs.toString(36)
  const add = (family: Message['family'], timeMs: number, type: string, payload: object) => {
    const text = JSON.stringify({ event_id: `${run}-${messages.length}`, timestamp: timeMs, event_type: type, payload })
    messages.push({ sendAtMs: timeMs, region: 0, site: 0, family, source, text, duplicate: false })
  }
  let serving: TraceRow | undefined
  for (const row of rows) {
    if (row.cell === undefined) continue
    const timeMs = row.timeMs + shiftMs
    const { imsi, imei } = identity
    if (serving === undefined) add('subscriber', timeMs, 'registration', { ...identity, cell: row.cell, rat: row.rat })
    else if (serving.cell !== row.cell) {
      // Between technologies a phone reselects; within LTE or UMTS it is handed over.
      if (serving.rat === row.rat)
        add('network', timeMs, 'handover', { imsi, imei, cell: serving.cell, rat: row.rat, target_cell: row.cell })
      else add('network', timeMs, 'cell_change', { imsi, imei, cell: row.cell, rat: row.rat })
    }
    add('network', timeMs, 'measurement', measurement(row, imsi, imei))
    if (gps) add('location', timeMs, 'fix', fix(row, imsi))
    serving = row
  }
  return messages
}

function measurement(row: TraceRow, imsi: string, imei: string): object {
  return {
    imsi,
    imei,
    cell: row.cell,
    rat: row.rat,
    tac: row.area > 0 ? row.area : undefined,
    rsrp_dbm: row.rsrpDbm,
    rsrq_db: row.rsrqDb,
    sinr_db: row.sinrDb,
    neighbours: row.neighbourRsrpDbm === undefined ? undefined : [{ rsrp_dbm: row.neighbourRsrpDbm }],
  }
}

function fix(row: TraceRow, imsi: string): object {
  return {
    imsi,
    cell: row.cell,
    rat: row.rat,
    latitude: row.latitude,
    longitude: row.longitude,
    accuracy_m: 10,
    speed_mps: Math.round(row.speedMps * 100) / 100,
  }
}
