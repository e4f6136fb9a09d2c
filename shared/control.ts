/**
 * What services say to each other beside batches, and on which subjects: the one place for subject names, stream settings and message shapes.
 *
 *   region's server   INBOX    ing.<tenant>.<region>.<agent>.<lane>          batches (headers repeat the batch's identity)
 *                     HUBS     hub.<tenant>.<region>.epoch                    the hub's fencing epoch, by compare and set
 *                     –        beat.<tenant>.<region>.<agent>                 agent → hub, every second, not stored
 *                     –        cmd.<tenant>.<region>.<agent>.watermark        hub → agent, every second and on change, not stored
 *   core's server     TRUNK    trunk.<tenant>.<topic>                         curated batches
 *                     CLAIMS   claim.<tenant>.<region>                        hub → directory
 *                              notice.<tenant>.<region>                       directory → hub
 *                     CONTROL  control.<tenant>.fence.<id>                    core → hubs, last value per subject
 *                              control.<tenant>.triage.<alert id>             core → hubs, last value per subject
 *
 * Control messages are JSON; ids in them are 32 hex digits (the four words of a pseudonym or hash).
 */
import type { Lane } from './records.ts'

export const headers = {
  epoch: 'Tributary-Epoch',
  seq: 'Tributary-Seq',
  record: 'Tributary-Record',
  rows: 'Tributary-Rows',
  hubEpoch: 'Tributary-Hub-Epoch',
  topic: 'Tributary-Topic',
  region: 'Tributary-Region',
  key: 'Nats-Msg-Id',
} as const

/** A name that may stand as one token of a subject, a folder or a label. */
export const namePattern = /^[A-Za-z0-9_-]{1,64}$/

export const subjects = {
  ingest: (tenant: string, region: string, agent: string, lane: Lane) => `ing.${tenant}.${region}.${agent}.${lane}`,
  beat: (tenant: string, region: string, agent: string) => `beat.${tenant}.${region}.${agent}`,
  beats: (tenant: string, region: string) => `beat.${tenant}.${region}.*`,
  watermark: (tenant: string, region: string, agent: string) => `cmd.${tenant}.${region}.${agent}.watermark`,
  hubEpoch: (tenant: string, region: string) => `hub.${tenant}.${region}.epoch`,
  trunk: (tenant: string, topic: string) => `trunk.${tenant}.${topic}`,
  claim: (tenant: string, region: string) => `claim.${tenant}.${region}`,
  notice: (tenant: string, region: string) => `notice.${tenant}.${region}`,
  fence: (tenant: string, id: string) => `control.${tenant}.fence.${id}`,
  triage: (tenant: string, alertId: string) => `control.${tenant}.triage.${alertId}`,
} as const

/** Limits retention and `discard: new` everywhere: what is unread is never dropped; a full stream refuses, and the sender keeps what it has. */
export const streams = {
  INBOX: { subjects: ['ing.>'], maxAgeDays: 30, maxBytes: 4 * 2 ** 30, lastPerSubject: false },
  HUBS: { subjects: ['hub.>'], maxAgeDays: 0, maxBytes: 64 * 2 ** 20, lastPerSubject: true },
  TRUNK: { subjects: ['trunk.>'], maxAgeDays: 30, maxBytes: 8 * 2 ** 30, lastPerSubject: false },
  CLAIMS: { subjects: ['claim.>', 'notice.>'], maxAgeDays: 30, maxBytes: 2 * 2 ** 30, lastPerSubject: false },
  CONTROL: { subjects: ['control.>'], maxAgeDays: 0, maxBytes: 256 * 2 ** 20, lastPerSubject: true },
} as const
export type StreamName = keyof typeof streams

/** Curated topics; `<type>` is the event type where it is a known one, else `other`. */
export const topics = {
  sighting: (region: string) => `subscriber.events.${region}.sighting`,
  subscriberEvent: (region: string, type: string) => `subscriber.events.${region}.${type}`,
  networkEvent: (region: string, type: string) => `network.events.${region}.${type}`,
  interaction: (region: string) => `customer.interactions.${region}`,
  window: (region: string) => `network.events.${region}.window`,
  usage: (region: string) => `dpi.data.${region}`,
  position: (region: string) => `location.updates.${region}`,
  binding: (region: string) => `subscriber.events.${region}.binding`,
  simMovement: (region: string) => `sim.movements.${region}`,
  alert: (region: string) => `alerts.${region}`,
  ledger: (region: string) => `ledger.${region}`,
  deadLetter: (region: string) => `deadletter.${region}`,
} as const

/**
 * Agent → hub, every second, idle or not. For each epoch and lane of which the outbox still holds rows, and for the current epoch in any case:
 * the highest sequence number given out. `watermarkMs`: every event of an earlier time that had arrived is in a batch up to those numbers.
 */
export interface Beat {
  readonly agent: string
  readonly epoch: string
  readonly timeMs: number
  readonly watermarkMs: number
  /** The highest hub epoch whose watermark the agent has followed: it follows no lower one. A hub that has a lower one, because stream and snapshot are lost, goes above it. */
  readonly hubEpoch?: number
  readonly lanes: readonly { readonly epoch: string; readonly lane: Lane; readonly highestSeq: number; readonly oldestSeq: number }[]
  readonly health?: AgentHealth
}

/** What an agent knows of its own machine, for whoever looks at its site from afar; each figure only when it is known. */
export interface AgentHealth {
  readonly outboxBytes?: number
  readonly outboxQuotaBytes?: number
  readonly diskFreeBytes?: number
  readonly diskTotalBytes?: number
  readonly clockOffsetMs?: number
  readonly roundTripMs?: number
  /** When the oldest row that waits for the hub was stored, by lane. */
  readonly oldestMs?: Readonly<Partial<Record<Lane, number>>>
  /** The worst of the agent's own checks, and what it says. */
  readonly verdict?: 'ok' | 'degraded' | 'failed'
  readonly words?: string
}

/**
 * Hub → agent: everything of (epoch, lane) up to and including `seq` is in the hub's fsynced snapshot and durably in the trunk: the rows may be freed.
 * `hubEpoch` rises with every start of a hub; an agent ignores a lower one than it has seen.
 */
export interface Watermark {
  readonly region: string
  readonly hubEpoch: number
  readonly lanes: readonly { readonly epoch: string; readonly lane: Lane; readonly seq: number }[]
}

/** A sighting as one region tells it to another: where the SIM, number or device was, with the cell's reach (`radiusM`: the true position is inside). */
export interface RemoteSighting {
  readonly region: string
  readonly timeMs: number
  readonly subscriber: string
  readonly number: string
  readonly device: string
  readonly model: number
  readonly cell: string
  readonly latitude: number | null
  readonly longitude: number | null
  readonly radiusM: number | null
}

/** Hub → directory: this region now sees `key`. `id` is stable, so that a claim sent twice has one effect. */
export interface Claim {
  readonly id: string
  readonly kind: 'sim' | 'number' | 'device'
  readonly key: string
  readonly hubEpoch: number
  readonly sighting: RemoteSighting
}

/** Directory → hub: another region saw the same key. The hub judges it with its own sightings, by event time; if it has a newer one than the directory knew, it claims again. */
export interface Notice {
  readonly kind: Claim['kind']
  readonly key: string
  /** True when the other region's sighting is the newest known: this region no longer owns the key and claims again when it sees it next. */
  readonly released: boolean
  readonly sighting: RemoteSighting
}

/** Core → hubs, last value per subject; `deleted` fences are removed. Geometry is GeoJSON (Polygon) or a circle. */
export interface Fence {
  readonly id: string
  readonly name: string
  readonly revision: number
  readonly deleted?: boolean
  readonly geometry:
    | { readonly type: 'Polygon'; readonly coordinates: number[][][] }
    | { readonly type: 'Circle'; readonly center: readonly [longitude: number, latitude: number]; readonly radiusM: number }
  /** Seconds inside until `fence-dwell`; absent: no dwell alert. */
  readonly dwellS?: number
  /** Only these subscribers (32 hex digits each); absent: everybody. */
  readonly segment?: readonly string[]
}

/** Core ↔ hubs: what a person did with an alert. The highest `revision` holds. */
export interface Triage {
  readonly alertId: string
  readonly revision: number
  readonly status: 'active' | 'acknowledged' | 'snoozed' | 'closed'
  readonly by: string
  readonly reason: string
  readonly ticket?: string
  readonly untilMs?: number
  readonly atMs: number
}
