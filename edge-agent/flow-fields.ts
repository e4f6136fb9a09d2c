/**
 * The information elements of flow exports that Tributary reads, by enterprise number and element id; all others are skipped by their length.
 * IANA's elements: RFC 7012 and the IPFIX registry (NetFlow v9 uses the same numbers); RFC 5103 gives the reverse direction its own enterprise number;
 * RFC 6759 the application; Procera's elements carry the subscriber.
 */

/** What a field means to a flow; the value is the slot in `FlowRecord.numbers`. */
export const slot = {
  octets: 0,
  packets: 1,
  reverseOctets: 2,
  reversePackets: 3,
  protocol: 4,
  sourcePort: 5,
  destinationPort: 6,
  direction: 7,
  flows: 8,
  startSeconds: 9,
  endSeconds: 10,
  startMs: 11,
  endMs: 12,
  startUptimeMs: 13,
  endUptimeMs: 14,
  startDeltaUs: 15,
  endDeltaUs: 16,
  systemInitMs: 17,
  rttMs: 18,
  startNtp: 19,
  endNtp: 20,
  imsi: 21,
  msisdn: 22,
  device: 23,
} as const
export const slots = 24

/** How the octets of a field are read. `ntp`: 32-bit seconds since 1900 and a 32-bit fraction (RFC 7011 §6.1.9). */
export type FieldKind =
  | 'unsigned'
  | 'signed'
  | 'ntp'
  | 'address'
  | 'source-address'
  | 'destination-address'
  | 'application-id'
  | 'application-name'

export interface FlowField {
  readonly kind: FieldKind
  readonly slot: number
}

const reverseEnterprise = 29305
const proceraEnterprise = 15397

const iana: readonly [id: number, slot: number, kind?: FieldKind][] = [
  [1, slot.octets],
  [85, slot.octets],
  [231, slot.octets],
  [2, slot.packets],
  [86, slot.packets],
  [298, slot.packets],
  [23, slot.reverseOctets],
  [171, slot.reverseOctets],
  [232, slot.reverseOctets],
  [24, slot.reversePackets],
  [172, slot.reversePackets],
  [299, slot.reversePackets],
  [3, slot.flows],
  [4, slot.protocol],
  [7, slot.sourcePort],
  [180, slot.sourcePort],
  [182, slot.sourcePort],
  [11, slot.destinationPort],
  [181, slot.destinationPort],
  [183, slot.destinationPort],
  [61, slot.direction],
  [21, slot.endUptimeMs],
  [22, slot.startUptimeMs],
  [150, slot.startSeconds],
  [151, slot.endSeconds],
  [152, slot.startMs],
  [153, slot.endMs],
  [154, slot.startNtp, 'ntp'],
  [155, slot.endNtp, 'ntp'],
  [156, slot.startNtp, 'ntp'],
  [157, slot.endNtp, 'ntp'],
  [158, slot.startDeltaUs],
  [159, slot.endDeltaUs],
  [160, slot.systemInitMs],
  [323, slot.endMs],
  [8, -1, 'source-address'],
  [27, -1, 'source-address'],
  [12, -1, 'destination-address'],
  [28, -1, 'destination-address'],
  [95, -1, 'application-id'],
  [96, -1, 'application-name'],
]

const procera: readonly [id: number, slot: number, kind?: FieldKind][] = [
  [1, -1, 'application-name'],
  [3, slot.reverseOctets],
  [4, slot.octets],
  [5, slot.reversePackets],
  [6, slot.packets],
  [12, slot.rttMs, 'signed'],
  [29, slot.msisdn],
  [30, slot.imsi],
  [32, slot.device],
]

const reverse: readonly [id: number, slot: number][] = [
  [1, slot.reverseOctets],
  [85, slot.reverseOctets],
  [2, slot.reversePackets],
  [86, slot.reversePackets],
]

const known = new Map<number, FlowField>()
for (const [id, at, kind] of iana) known.set(id, { slot: at, kind: kind ?? 'unsigned' })
for (const [id, at, kind] of procera) known.set(proceraEnterprise * 0x10000 + id, { slot: at, kind: kind ?? 'unsigned' })
for (const [id, at] of reverse) known.set(reverseEnterprise * 0x10000 + id, { slot: at, kind: 'unsigned' })

/** The meaning of an element, or undefined when we skip it. Enterprise 0 is IANA. */
export function flowField(enterprise: number, id: number): FlowField | undefined {
  return known.get(enterprise * 0x10000 + id)
}

const protocolNames: Readonly<Record<number, string>> = {
  1: 'ICMP',
  2: 'IGMP',
  6: 'TCP',
  17: 'UDP',
  41: 'IPV6',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  58: 'ICMPV6',
  89: 'OSPF',
  132: 'SCTP',
}

/** IANA's keyword of a protocol number, or the number itself where it has none here. */
export function protocolName(number: number): string {
  return protocolNames[number] ?? String(number)
}
