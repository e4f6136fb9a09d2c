/**
 * The event families as they arrive, field by field: the one place where a field's name, type, bounds, unit, meaning and the clause it
 * follows are written down. The agent's validator, the settings reference and the API's schemas are made from this table.
 * Bounds are those of the outside face (inclusive); outside of them that one event is rejected, never its neighbours.
 */

export const families = ['network', 'subscriber', 'location', 'interaction', 'dpi'] as const
export type Family = (typeof families)[number]

/** A family's position in `families` is its code in every batch. */
export const familyCode: Readonly<Record<Family, number>> = { network: 0, subscriber: 1, location: 2, interaction: 3, dpi: 4 }

/** The event types that are known by name; another is accepted and counted under its own name (bounded). */
export const eventTypes: Readonly<Record<Family, readonly string[]>> = {
  network: [
    'attach',
    'detach',
    'handover',
    'cell_change',
    'measurement',
    'call_start',
    'call_end',
    'session_start',
    'session_end',
    'paging',
    'drop',
  ],
  subscriber: [
    'registration',
    'authentication',
    'location_update',
    'sim_change',
    'number_change',
    'profile_change',
    'roaming_start',
    'roaming_end',
  ],
  location: ['fix'],
  interaction: [],
  dpi: ['flow'],
}

/** Radio access technologies; the position is the code. 0 is unknown. */
export const rats = ['', 'GSM', 'UMTS', 'LTE', 'NR'] as const
export type Rat = (typeof rats)[number]

/**
 * How a value is judged.
 * `digits` a string of min–max digits (`msisdn` may carry a leading +) · `cell` MCC-MNC-identity · `number` any finite number in bounds ·
 * `integer` a whole number in bounds · `choice` one of a list · `text` a string of at most `max` characters without control characters ·
 * `time` epoch milliseconds or RFC 3339 with zone · `neighbours` at most `max` objects {cell?, pci?, rsrp_dbm}
 */
export type FieldKind = 'digits' | 'cell' | 'number' | 'integer' | 'choice' | 'text' | 'time' | 'neighbours'

export interface FieldSpec {
  /** The name in JSON, as devices send it. */
  readonly name: string
  /** The column's name in code and in batches. */
  readonly column: string
  readonly kind: FieldKind
  readonly min: number
  readonly max: number
  readonly unit: string
  readonly families: readonly Family[]
  readonly meaning: string
  readonly clause: string
}

const everywhere = families
const radio: readonly Family[] = ['network', 'subscriber', 'location', 'dpi']
const maxBytes = 2 ** 53 - 1
const sevenDaysMs = 7 * 24 * 3600_000

function field(
  name: string,
  column: string,
  kind: FieldKind,
  min: number,
  max: number,
  unit: string,
  inFamilies: readonly Family[],
  meaning: string,
  clause = '',
): FieldSpec {
  return { name, column, kind, min, max, unit, families: inFamilies, meaning, clause }
}

export const fields: readonly FieldSpec[] = [
  field('imsi', 'imsi', 'digits', 5, 15, '', everywhere, 'International Mobile Subscriber Identity: the SIM', 'TS 23.003 §2.2'),
  field('msisdn', 'msisdn', 'digits', 5, 15, '', everywhere, 'the phone number, E.164, + optional', 'E.164 §6'),
  field(
    'imei',
    'imei',
    'digits',
    14,
    16,
    '',
    everywhere,
    'the device: IMEI with or without check digit, or IMEISV; compared on 14 digits',
    'TS 23.003 §6.2',
  ),
  field(
    'cell',
    'cell',
    'cell',
    0,
    2 ** 36 - 1,
    '',
    everywhere,
    'serving cell as MCC-MNC-identity (NCI, ECI, UC-Id; GSM: LAC·65536 + CI)',
    'TS 23.003 §19.6',
  ),
  field('tac', 'trackingArea', 'integer', 0, 16777215, '', radio, 'tracking area code', 'TS 23.003 §19.4.2.3'),
  field('rat', 'rat', 'choice', 0, 0, '', radio, 'radio access technology: GSM, UMTS, LTE or NR', 'TS 29.274 §8.17'),
  field('pci', 'pci', 'integer', 0, 1007, '', radio, 'physical cell identity', 'TS 38.211 §7.4.2.1'),
  field('timing_advance', 'timingAdvance', 'integer', 0, 3846, 'TA steps', radio, 'timing advance index', 'TS 36.321 §6.1.3.5'),
  field('rsrp_dbm', 'rsrpDbm', 'number', -160, -20, 'dBm', radio, 'reference signal received power', 'TS 36.214 §5.1.1'),
  field('rsrq_db', 'rsrqDb', 'number', -45, 20, 'dB', radio, 'reference signal received quality', 'TS 36.214 §5.1.3'),
  field('sinr_db', 'sinrDb', 'number', -50, 60, 'dB', radio, 'signal to interference and noise ratio', 'TS 38.215 §5.1.5'),
  field(
    'neighbours',
    'neighbours',
    'neighbours',
    0,
    32,
    '',
    ['network', 'location'],
    'neighbour cells heard, {cell?, pci?, rsrp_dbm}',
    'TS 36.331 §6.3.5',
  ),
  field('latitude', 'latitude', 'number', -90, 90, '°', ['location'], 'WGS 84 latitude of a GPS or MDT fix', 'TS 23.032 §6'),
  field('longitude', 'longitude', 'number', -180, 180, '°', ['location'], 'WGS 84 longitude of a GPS or MDT fix', 'TS 23.032 §6'),
  field(
    'accuracy_m',
    'accuracyM',
    'number',
    0,
    100000,
    'm',
    ['location'],
    'radius that holds the true position with 68 %',
    'TS 23.032 §6.2',
  ),
  field('speed_mps', 'speedMps', 'number', 0, 500, 'm/s', ['location'], 'ground speed', 'TS 23.032 §8'),
  field('bearing_deg', 'bearingDeg', 'number', 0, 360, '°', ['location'], 'course over ground from north', 'TS 23.032 §8'),
  field('target_cell', 'targetCell', 'cell', 0, 2 ** 36 - 1, '', ['network'], 'cell that a handover goes to', 'TS 36.413 §8.4'),
  field(
    'cause',
    'cause',
    'text',
    0,
    64,
    '',
    ['network', 'subscriber'],
    'why it ended or changed, in the source’s words',
    'TS 36.413 §9.2.1.3',
  ),
  field('duration_ms', 'durationMs', 'number', 0, sevenDaysMs, 'ms', ['network'], 'length of the call or session that ended'),
  field('bytes_up', 'bytesUp', 'integer', 0, maxBytes, 'B', ['network', 'dpi'], 'octets from the subscriber', 'RFC 5102 §5.10'),
  field('bytes_down', 'bytesDown', 'integer', 0, maxBytes, 'B', ['network', 'dpi'], 'octets to the subscriber', 'RFC 5102 §5.10'),
  field('latency_ms', 'latencyMs', 'number', 0, 600000, 'ms', ['network'], 'user-plane latency as the source measured it'),
  field('loss_ratio', 'lossRatio', 'number', 0, 1, '', ['network', 'dpi'], 'share of packets lost'),
  field('channel', 'channel', 'text', 0, 64, '', ['interaction'], 'where the customer met us: app, shop, call centre'),
  field('action', 'action', 'text', 0, 64, '', ['interaction'], 'what the customer did'),
  field('outcome', 'outcome', 'text', 0, 64, '', ['interaction'], 'what came of it'),
  field('campaign', 'campaign', 'text', 0, 64, '', ['interaction'], 'campaign it belongs to'),
  field('application', 'application', 'text', 0, 64, '', ['dpi'], 'application the DPI system recognised', 'RFC 6759 §4'),
  field('protocol', 'protocol', 'text', 0, 64, '', ['dpi'], 'transport or application protocol', 'RFC 5102 §5.4'),
  field('packets_up', 'packetsUp', 'integer', 0, maxBytes, 'packets', ['dpi'], 'packets from the subscriber', 'RFC 5102 §5.10'),
  field('packets_down', 'packetsDown', 'integer', 0, maxBytes, 'packets', ['dpi'], 'packets to the subscriber', 'RFC 5102 §5.10'),
  field('rtt_ms', 'rttMs', 'number', 0, 600000, 'ms', ['dpi'], 'round-trip time of the flow'),
  field('flow_start', 'flowStart', 'time', 0, 0, '', ['dpi'], 'first packet of the flow', 'RFC 5102 §5.9'),
  field('flow_end', 'flowEnd', 'time', 0, 0, '', ['dpi'], 'last packet of the flow', 'RFC 5102 §5.9'),
]
