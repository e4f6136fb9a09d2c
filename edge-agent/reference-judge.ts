/**
 * Whether an event is accepted, written from the interface's table alone, slowly and plainly: what the decoder is tested against. It shares no
 * code and no table with it. Times, tenants and topics have tests of their own.
 */
type Event = Record<string, unknown>

const all = ['network', 'subscriber', 'location', 'interaction', 'dpi']
const withCell = ['network', 'subscriber', 'location', 'dpi']

const rules: Record<string, { families: string[]; holds: (value: unknown) => boolean }> = {
  imsi: { families: all, holds: (v) => matches(v, /^[0-9]{5,15}$/) },
  msisdn: { families: all, holds: (v) => matches(v, /^\+?[0-9]{5,15}$/) },
  imei: { families: all, holds: (v) => matches(v, /^[0-9]{14,16}$/) },
  cell: { families: all, holds: isCell },
  tac: { families: withCell, holds: (v) => whole(v, 0, 16777215) },
  rat: { families: withCell, holds: (v) => matches(v, /^(GSM|UMTS|LTE|NR)$/) },
  pci: { families: withCell, holds: (v) => whole(v, 0, 1007) },
  timing_advance: { families: withCell, holds: (v) => whole(v, 0, 3846) },
  rsrp_dbm: { families: withCell, holds: (v) => between(v, -160, -20) },
  rsrq_db: { families: withCell, holds: (v) => between(v, -45, 20) },
  sinr_db: { families: withCell, holds: (v) => between(v, -50, 60) },
  neighbours: { families: ['network', 'location'], holds: areNeighbours },
  latitude: { families: ['location'], holds: (v) => between(v, -90, 90) },
  longitude: { families: ['location'], holds: (v) => between(v, -180, 180) },
  accuracy_m: { families: ['location'], holds: (v) => between(v, 0, 100000) },
  speed_mps: { families: ['location'], holds: (v) => between(v, 0, 500) },
  bearing_deg: { families: ['location'], holds: (v) => between(v, 0, 360) },
  target_cell: { families: ['network'], holds: isCell },
  cause: { families: ['network', 'subscriber'], holds: isText },
  duration_ms: { families: ['network'], holds: (v) => between(v, 0, 7 * 86400000) },
  bytes_up: { families: ['network', 'dpi'], holds: (v) => whole(v, 0, 9007199254740991) },
  bytes_down: { families: ['network', 'dpi'], holds: (v) => whole(v, 0, 9007199254740991) },
  latency_ms: { families: ['network'], holds: (v) => between(v, 0, 600000) },
  loss_ratio: { families: ['network', 'dpi'], holds: (v) => between(v, 0, 1) },
  channel: { families: ['interaction'], holds: isText },
  action: { families: ['interaction'], holds: isText },
  outcome: { families: ['interaction'], holds: isText },
  campaign: { families: ['interaction'], holds: isText },
  application: { families: ['dpi'], holds: isText },
  protocol: { families: ['dpi'], holds: isText },
  packets_up: { families: ['dpi'], holds: (v) => whole(v, 0, 9007199254740991) },
  packets_down: { families: ['dpi'], holds: (v) => whole(v, 0, 9007199254740991) },
  rtt_ms: { families: ['dpi'], holds: (v) => between(v, 0, 600000) },
  flow_start: { families: ['dpi'], holds: isTime },
  flow_end: { families: ['dpi'], holds: isTime },
}

export function judge(family: string, event: Event): 'accepted' | 'rejected' {
  const payload = (event.payload ?? event) as Event
  const id = event.event_id
  if (id !== undefined && (typeof id !== 'string' || [...id].length > 64)) return 'rejected'
  for (const [name, { families, holds }] of Object.entries(rules)) {
    if (families.includes(family) && name in payload && !holds(payload[name])) return 'rejected'
  }
  const has = (name: string) => name in payload
  const named = has('imsi') || has('msisdn')
  if (['subscriber', 'location', 'interaction'].includes(family) && !named) return 'rejected'
  if (['network', 'dpi'].includes(family) && !has('cell')) return 'rejected'
  if (family === 'location' && !has('cell') && !(has('latitude') && has('longitude'))) return 'rejected'
  return 'accepted'
}

function matches(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value)
}

function between(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && value >= min && value <= max
}

function whole(value: unknown, min: number, max: number): boolean {
  return between(value, min, max) && Number.isInteger(value)
}

function isCell(value: unknown): boolean {
  const match = typeof value === 'string' ? /^[0-9]{3}-[0-9]{2,3}-([0-9]+)$/.exec(value) : null
  return match !== null && match[1]!.length <= 11 && Number(match[1]) < 2 ** 36
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && [...value].length <= 64 && !/[\p{Cc}\p{Cs}]/u.test(value)
}

function isTime(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  return (
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value))
  )
}

function areNeighbours(value: unknown): boolean {
  if (!Array.isArray(value) || value.length > 32) return false
  return value.every((one: unknown) => {
    if (typeof one !== 'object' || one === null || Array.isArray(one)) return false
    const { cell, pci, rsrp_dbm: rsrp } = one as Event
    return between(rsrp, -160, -20) && (pci === undefined || whole(pci, 0, 1007)) && (cell === undefined || isCell(cell))
  })
}
