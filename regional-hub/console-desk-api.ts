/** The half of console-api.ts that is about work at the desk: situations, alerts, maintenance, agents, look-up, audit, fences. Types only. */
import type { AgentHealth, Fence, Triage } from '#shared/control.ts'
import type { LiveAgent, LiveAlert, LivePosition } from './reduce-live.ts'

export interface TrackPoint {
  readonly timeMs: number
  readonly cell: string
  readonly latitude: number | null
  readonly longitude: number | null
  /** Holds the true place with 68 %. */
  readonly radiusM: number | null
  readonly speedMps: number | null
  readonly motion: LivePosition['motion']
}

export type Severity = 'critical' | 'major' | 'minor' | 'warning' | 'indeterminate' | 'cleared'
export type SituationKind = 'upstream' | 'agent' | 'site' | 'cell' | 'device' | 'subscriber' | 'single'
/** Why something is grey: shown, counted, but not calling. */
export interface Muted {
  readonly by: 'parent' | 'maintenance' | 'snooze'
  readonly words: string
  readonly parentId?: string
  readonly maintenanceId?: string
  readonly untilMs?: number
}
export interface Situation {
  /** Stable while the situation lasts: kind and key. */
  readonly id: string
  readonly kind: SituationKind
  /** The subscriber, device, cell, site or agent that all of it has in common. */
  readonly key: string
  readonly title: string
  /** Why these belong together, in words. */
  readonly reason: string
  readonly severity: Severity
  /** `active` while any of it is. */
  readonly status: Triage['status']
  readonly firstMs: number
  readonly lastMs: number
  readonly alertIds: readonly string[]
  readonly types: Readonly<Record<string, number>>
  readonly cells: readonly string[]
  readonly agents: readonly string[]
  readonly muted: Muted | null
  /** Since when the oldest acknowledgement in it stands; null when there is none. */
  readonly acknowledgedMs: number | null
  /** An acknowledgement so old that somebody should look again. */
  readonly isForgotten: boolean
}
export interface GreyThing {
  readonly kind: 'cell' | 'alert' | 'agent'
  readonly id: string
  readonly muted: Muted
}
export interface SituationCounts {
  readonly bySeverity: Readonly<Record<string, number>>
  readonly byType: Readonly<Record<string, number>>
  readonly open: number
  readonly unacknowledged: number
  readonly snoozed: number
  readonly muted: number
  readonly forgotten: number
}
export interface SituationsAnswer {
  readonly timeMs: number
  readonly items: readonly Situation[]
  readonly counts: SituationCounts
  readonly grey: readonly GreyThing[]
}

export interface TriagedAlert extends LiveAlert {
  readonly status: Triage['status']
  readonly triage: Triage | null
}
export interface AlertsAnswer {
  readonly items: readonly TriagedAlert[]
  readonly next: string | null
  readonly open: Readonly<Record<string, number>>
}
export interface AlertAnswer extends TriagedAlert {
  readonly history: readonly Triage[]
}
/** `by` is the account's name where there are accounts. */
export interface TriageRequest {
  readonly status: Triage['status']
  readonly by?: string
  readonly reason: string
  readonly ticket?: string
  /** RFC 3339 with zone. A snooze wakes by itself then. */
  readonly until?: string
}
export interface TriageManyRequest extends TriageRequest {
  readonly ids: readonly string[]
}
export interface TriageManyAnswer {
  readonly items: readonly AlertAnswer[]
  readonly unknown: readonly string[]
}

export interface MaintenanceScope {
  readonly kind: 'region' | 'site' | 'cell' | 'agent' | 'subscriber' | 'device' | 'type'
  /** Site: the name of its first cell. Region: ''. */
  readonly key: string
}
export interface Maintenance {
  readonly id: string
  readonly scope: MaintenanceScope
  readonly by: string
  readonly reason: string
  readonly ticket: string
  readonly fromMs: number
  readonly untilMs: number
  readonly endedMs: number | null
  readonly endedBy: string
  readonly state: 'planned' | 'running' | 'over'
  /** Open alerts and agents it mutes now: 0 while it runs deserves a look. */
  readonly matches: number
}
export interface MaintenanceAnswer {
  readonly items: readonly Maintenance[]
}
export interface MaintenanceRequest {
  readonly scope: MaintenanceScope
  readonly by?: string
  readonly reason: string
  readonly ticket?: string
  readonly from?: string
  readonly until: string
}
/** `end: true` ends it now. */
export interface MaintenanceChange {
  readonly by?: string
  readonly until?: string
  readonly end?: true
}

export interface AgentItem extends LiveAgent {
  readonly isSilent: boolean
  readonly isComplete: boolean
  readonly counts: readonly {
    readonly agent: string
    readonly family: string
    readonly accepted: number
    readonly rejected: number
    readonly duplicate: number
    readonly late: number
    readonly lost: number
  }[]
}
export interface AgentsAnswer {
  readonly items: readonly AgentItem[]
  /** Share of enrolled agents whose data is complete to now. */
  readonly completeness: number
  readonly silent: readonly string[]
  readonly losses: readonly LossItem[]
}
export interface LossItem {
  readonly agent: string
  readonly timeMs: number
  readonly lane: string
  readonly record: string
  readonly reason: string
  readonly rows: number
  readonly batches: number
  readonly fromMs: number
  readonly toMs: number
}
export interface AgentPage {
  readonly agent: AgentItem
  /** Cells whose measurements came by it in the last day. */
  readonly cells: readonly string[]
  readonly backlog: readonly { readonly lane: string; readonly batches: number; readonly ageMs: number | null }[]
  readonly health: AgentHealth | null
  /** The agent's clock against the hub's when its last beat came; includes the way. */
  readonly clockOffsetMs: number | null
  readonly beatAgeMs: number | null
  readonly silences: readonly Silence[]
  readonly maintenance: readonly Maintenance[]
}
/** `toMs` null: still silent. */
export interface Silence {
  readonly agent: string
  readonly fromMs: number
  readonly toMs: number | null
}
/** What did this site lose: deliberately (losses), on the way so far (gaps), while nobody heard it (silences). */
export interface LossesAnswer {
  readonly agent: string
  readonly fromMs: number
  readonly toMs: number
  /** The answer in a sentence or two. */
  readonly words: string
  readonly counts: AgentItem['counts']
  readonly losses: readonly LossItem[]
  readonly lostRows: number
  /** Batches that were numbered and are not here yet. */
  readonly gaps: LiveAgent['gaps']
  readonly missingBatches: number
  /** Batch numbers the agent said will never come, over its whole life. */
  readonly passedOver: number
  readonly silences: readonly Silence[]
  readonly silentMs: number
}

/** Exactly one of `phoneNumber` (with +) and `pseudonym`. The number is neither stored nor logged. */
export interface LookupRequest {
  readonly phoneNumber?: string
  readonly pseudonym?: string
  readonly reason: string
  /** In what capacity: "fraud desk", "emergency services liaison". */
  readonly role: string
  /** Who asks, where there are no accounts. */
  readonly by?: string
  readonly ticket?: string
  readonly from?: string
  readonly to?: string
}
export interface Tie {
  readonly pseudonym: string
  readonly firstMs: number
  readonly lastMs: number
}
export interface LookupAnswer {
  /** The line this look-up left in the audit log: the searcher sees it. */
  readonly entry: AuditEntry
  readonly isFound: boolean
  /** What was asked for, as a pseudonym. */
  readonly asked: string
  /** SIMs that the number was seen with here; one for a subscriber's own pseudonym. */
  readonly sims: readonly Tie[]
  readonly numbers: readonly Tie[]
  readonly devices: readonly Tie[]
  readonly regions: readonly { readonly region: string; readonly firstMs: number; readonly lastMs: number }[]
  readonly track: readonly (TrackPoint & { readonly subscriber: string })[]
  readonly alerts: readonly TriagedAlert[]
}
export interface AuditEntry {
  readonly seq: number
  readonly atMs: number
  readonly by: string
  /** The account's role, and the capacity that was typed. */
  readonly role: string
  readonly action: string
  /** A pseudonym, or the name of what was changed. */
  readonly subject: string
  readonly reason: string
  readonly ticket: string
  readonly outcome: string
  /** SHA-256 of the entry before, and of this one with it: 64 hex digits. */
  readonly previous: string
  readonly hash: string
}
export interface AuditAnswer {
  readonly items: readonly AuditEntry[]
  readonly verified: { readonly isWhole: boolean; readonly entries: number; readonly head: string; readonly words: string }
}

/** As in `Fence`, with the segment as pseudonyms, and whether the core has heard of it yet. */
export interface FenceItem extends Omit<Fence, 'segment'> {
  readonly segment?: readonly string[]
  readonly isTold: boolean
}
export interface FencesAnswer {
  readonly items: readonly FenceItem[]
}
export interface FenceRequest {
  readonly name?: string
  readonly geometry: Fence['geometry']
  readonly dwellS?: number
  readonly segment?: readonly string[]
}
