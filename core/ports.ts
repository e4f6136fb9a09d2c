/**
 * The core's two storage ports. History keeps every curated row for the retention; hot state answers "now" from memory and can be rebuilt
 * from history at any time, so nothing exists only there. Ids are 32 hex digits (a pseudonym's or hash's four words), '' when missing.
 *
 * Every question names its tenant first; an answer never holds a row of another one. Ranges are `fromMs` inclusive, `toMs` exclusive.
 * Large answers come in pages (`after`, `limit`) or as async iteration in bounded steps, so that no question keeps intake waiting.
 */
import type { Triage } from '#shared/control.ts'
import type { Batch, RecordKind } from '#shared/records.ts'

/** A decoded batch with the tenant and region its carrier vouched for. */
export interface CuratedBatch<K extends RecordKind = RecordKind> {
  readonly tenant: string
  readonly region: string
  readonly batch: Batch<K>
}

/** How far a stream was read. `generation` names the stream's incarnation: a stream that was made anew starts over. */
export interface Cursor {
  readonly position: number
  readonly generation: string
  /** Highest hub epoch seen per `tenant/region`, as of `position`. */
  readonly hubEpochs: Readonly<Record<string, number>>
}

/** A frame that could not be stored, kept for a person to look at. */
export interface Rejected {
  readonly position: number
  readonly tenant: string
  readonly topic: string
  readonly reason: string
  readonly frame: Uint8Array
}

export interface Range {
  readonly fromMs: number
  readonly toMs: number
}

export const countGroups = ['family', 'region', 'agent', 'source', 'event_type'] as const
export type CountGroup = (typeof countGroups)[number]
export interface CountsRow extends Partial<Record<CountGroup, string>> {
  accepted: number
  rejected: number
  duplicate: number
  late: number
  lost: number
}

export interface Sighting {
  readonly key: string
  readonly timeMs: number
  readonly region: string
  /** The subscriber, or the number's own pseudonym where no SIM was known. */
  readonly who: string
  readonly number: string
  readonly device: string
  readonly cell: string
  readonly latitude: number | null
  readonly longitude: number | null
  readonly accuracyM: number | null
}

export interface Position {
  readonly key: string
  readonly timeMs: number
  readonly region: string
  readonly who: string
  readonly device: string
  readonly cell: string
  readonly latitude: number
  readonly longitude: number
  readonly radiusM: number
  readonly speedMps: number | null
  readonly motion: number
}

export interface Binding {
  readonly region: string
  readonly from: string
  readonly to: string
  readonly firstMs: number
  readonly lastMs: number
}

export interface SimMovement {
  readonly id: string
  readonly type: string
  readonly timeMs: number
  readonly detectedMs: number
  readonly confirmed: boolean
  readonly region: string
  readonly subscriber: string
  readonly number: string
  readonly before: string
  readonly after: string
  readonly beforeModel: number | null
  readonly afterModel: number | null
  readonly regionBefore: string
  readonly regionAfter: string
  readonly cell: string
}

export type AlertStatus = Triage['status']
export interface Alert {
  readonly id: string
  readonly revision: number
  readonly type: string
  readonly severity: string
  readonly status: AlertStatus
  readonly timeMs: number
  readonly detectedMs: number
  readonly region: string
  readonly subscriber: string
  readonly number: string
  readonly device: string
  readonly cell: string
  readonly evidence: string
}
export interface AlertQuery extends Range {
  readonly type?: string
  readonly region?: string
  readonly status?: AlertStatus
  readonly nowMs: number
  readonly limit: number
  /** Newest first: strictly below this one. */
  readonly after?: { readonly timeMs: number; readonly id: string }
}
/** What happened to an alert: raised, changed, retracted, or what a person did. */
export interface AlertLine {
  readonly atMs: number
  readonly what: string
  readonly by: string
  readonly region: string
  readonly revision: number
  readonly reason: string
  readonly ticket: string
  readonly untilMs: number | null
}

/** A stored part of a window, as its record says. */
export interface WindowPart {
  readonly region: string
  readonly cell: string
  readonly startMs: number
  readonly sums: Readonly<Record<string, number>>
  readonly rsrpMinDbm: number | null
  readonly rsrpMaxDbm: number | null
  readonly latencyMaxMs: number | null
  readonly rsrpSketch: Uint8Array
  readonly latencySketch: Uint8Array
}
export interface UsagePart {
  readonly region: string
  readonly cell: string
  readonly application: string
  readonly protocol: string
  readonly startMs: number
  readonly sums: Readonly<Record<string, number>>
  readonly rttSketch: Uint8Array
}
export interface PartQuery extends Range {
  readonly cell?: string
  readonly region?: string
  readonly application?: string
  readonly protocol?: string
}

export interface Progress {
  readonly region: string
  readonly agent: string
  readonly epoch: string
  readonly timeMs: number
  readonly enrolled: boolean
  readonly lastSeenMs: number | null
  readonly completeThroughMs: number | null
  readonly received: number
  readonly missing: number
  readonly gaps: string
}
export interface Loss {
  readonly region: string
  readonly agent: string
  readonly timeMs: number
  readonly lane: string
  readonly record: string
  readonly reason: string
  readonly rows: number
  readonly fromMs: number | null
  readonly toMs: number | null
}

/**
 * Where curated rows are kept. `write` resolves when every row is surely on disk; writing a row again changes nothing, whatever came in
 * between; of a record with revisions the highest holds. The caller stores its cursor after that, never before.
 */
export interface History {
  readonly name: string
  open(): Promise<void>
  close(): Promise<void>

  write(batches: readonly CuratedBatch[], storedMs: number): Promise<void>
  saveCursor(cursor: Cursor): Promise<void>
  cursor(): Promise<Cursor | undefined>
  reject(frames: readonly Rejected[], storedMs: number): Promise<void>
  rejectedFrames(): Promise<number>
  /** Forgets what arrived before `beforeMs`; returns when a bounded step is done, true when more is left. */
  expire(beforeMs: number): Promise<boolean>

  counts(tenant: string, range: Range, groupBy: readonly CountGroup[]): Promise<CountsRow[]>
  /** In order of (timeMs, key), strictly above `after`. */
  sightings(tenant: string, who: string, range: Range, limit: number, after?: { timeMs: number; key: string }): Promise<Sighting[]>
  positions(tenant: string, who: string, range: Range, limit: number): Promise<Position[]>
  /** The latest at or before `atMs`. */
  lastSighting(tenant: string, who: string, atMs: number): Promise<Sighting | undefined>
  lastPosition(tenant: string, who: string, atMs: number): Promise<Position | undefined>
  /** What was tied to `id` (kind: position in `bindingKinds`), not retracted ones, by firstMs. */
  bindingsFrom(tenant: string, kind: number, id: string): Promise<Binding[]>
  bindingsTo(tenant: string, kind: number, id: string): Promise<Binding[]>
  /** Movements of a number or of any of the subscribers, oldest first. */
  movements(tenant: string, number: string, subscribers: readonly string[], range: Range, limit: number): Promise<SimMovement[]>

  alerts(tenant: string, query: AlertQuery): Promise<Alert[]>
  alert(tenant: string, id: string, nowMs: number): Promise<Alert | undefined>
  alertHistory(tenant: string, id: string): Promise<AlertLine[]>
  /** The highest revision holds; false when it was not higher than what is stored. */
  saveTriage(tenant: string, triage: Triage): Promise<boolean>
  triage(tenant: string, alertId: string): Promise<Triage | undefined>

  windowParts(tenant: string, query: PartQuery): AsyncIterable<readonly WindowPart[]>
  usageParts(tenant: string, query: PartQuery): AsyncIterable<readonly UsagePart[]>
  positionsBetween(tenant: string, range: Range, region?: string): AsyncIterable<readonly Position[]>

  progress(tenant: string): Promise<Progress[]>
  losses(tenant: string, range: Range): Promise<Loss[]>
  /** The latest sighting and position of everybody seen since then, in no order: what hot state is rebuilt from. */
  latest(sinceMs: number): AsyncIterable<readonly { readonly tenant: string; readonly sighting?: Sighting; readonly position?: Position }[]>
}

export interface LatestSeen {
  readonly sighting: { readonly timeMs: number; readonly cell: string; readonly region: string; readonly device: string } | undefined
  readonly position:
    | {
        readonly timeMs: number
        readonly cell: string
        readonly region: string
        readonly latitude: number
        readonly longitude: number
        readonly radiusM: number
        readonly motion: number
      }
    | undefined
}

/**
 * The latest of everybody, in memory: an older row never replaces a newer one, whatever the order of arrival.
 * Rebuilt at start from what history has since `horizonMs`; an answer older than that may not be the latest: ask history instead.
 */
export interface HotState {
  readonly name: string
  readonly horizonMs: number
  apply(batch: CuratedBatch): void
  load(tenant: string, row: { readonly sighting?: Sighting; readonly position?: Position }): void
  latest(tenant: string, who: string): LatestSeen | undefined
  subscribers(): number
  stateBytes(): number
}
