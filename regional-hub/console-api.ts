/**
 * What the console's page and the hub say to each other: every request and answer as types, and nothing else. The page imports from here (and
 * `reduceLive`, `decodeCells`, `expandLive`, `foldLive`, `sectorsOf`, `groupSituations`, which are pure and run in the browser); the hub answers in these shapes.
 *
 * Rules that hold everywhere: times are epoch milliseconds (`…Ms`) in answers, and RFC 3339 or epoch milliseconds in queries; people, devices
 * and numbers are pseudonyms as text (`psn1.…`), '' when not known; lists are `{ items }`; a refusal is `Problem`. Writes send JSON
 * (`content-type: application/json`); another site's page is refused by `Sec-Fetch-Site`, `Origin` and `Host`, so no token is needed. A list
 * with `?format=csv` or `?format=parquet` is the same rows as a file.
 *
 *   GET    /api/session                    SessionAnswer         who is at the screen, what they may do
 *   POST   /api/session                    LoginRequest → SessionAnswer
 *   DELETE /api/session                    204
 *   GET    /api/status                     StatusAnswer
 *   GET    /api/cells.bin                  octets; decodeCells(buffer): CellTable (console-wire.ts); ETag
 *   GET    /api/live/state                 LiveSnapshot; expandLive(snapshot): LiveState (console-wire.ts)
 *   GET    /api/stream?lastEventId=        server-sent events, `event:` = LiveMessage['type'], `data:` = LiveMessage
 *   GET    /api/at?time=                   LiveSnapshot          the state of that moment, through the same reducer
 *   GET    /api/replay?from&to&speed&limit ReplayAnswer
 *   GET    /api/situations?show=open|unacknowledged|all      SituationsAnswer
 *   GET    /api/alerts?from&to&type&severity&status&limit&cursor   AlertsAnswer
 *   GET    /api/alerts/{id}                AlertAnswer
 *   PATCH  /api/alerts/{id}                TriageRequest → AlertAnswer   (undo = PATCH back to the status before)
 *   POST   /api/alerts/triage              TriageManyRequest → TriageManyAnswer   a whole situation at once
 *   GET    /api/maintenance                MaintenanceAnswer
 *   POST   /api/maintenance                MaintenanceRequest → Maintenance (201)
 *   PATCH  /api/maintenance/{id}           MaintenanceChange → Maintenance
 *   GET    /api/agents?from&to             AgentsAnswer
 *   GET    /api/agents/{name}              AgentPage
 *   GET    /api/agents/{name}/losses?from&to   LossesAnswer
 *   GET    /api/subscribers?motion&cell&limit  SubscribersAnswer
 *   GET    /api/subscribers/{pseudonym}/track?from&to&limit   TrackAnswer
 *   GET    /api/cells?box&limit&after      CellsAnswer
 *   GET    /api/sites, /api/unknown-cells  SitesAnswer, UnknownCellsAnswer
 *   GET    /api/kpis?from&to&bucket&cell&groupBy          KpisAnswer
 *   GET    /api/applications?…             UsageAnswer
 *   POST   /api/lookup                     LookupRequest → LookupAnswer
 *   GET    /api/audit?from&to&limit        AuditAnswer           privacy officer
 *   GET    /api/fences, /api/fences/{id}   FencesAnswer, FenceItem
 *   PUT    /api/fences/{id}                FenceRequest → FenceItem (201 when new);   DELETE → 204
 *   GET    /api/incidents, /api/incidents/{id}                IncidentsAnswer, Incident
 *   POST   /api/incidents                  IncidentRequest → Incident (201);  PATCH /api/incidents/{id} IncidentChange;  DELETE → 204
 *   GET    /api/incidents/{id}/export      one HTML file; its data is IncidentFile in <script type="application/json" id="tributary-incident">. When the
 *                                          build has a file incident-<hash>.js (one script, no imports), it and the style are inlined behind the data;
 *                                          it draws into #app, which holds a plain report before
 */
import type { AgentItem, AlertAnswer, FenceItem, TrackPoint } from './console-desk-api.ts'
import type { LiveCell, LiveMessage, LivePosition, LiveState } from './reduce-live.ts'

export type { AgentHealth, Fence, Triage } from '#shared/control.ts'
export type * from './console-desk-api.ts'
export type { LiveAgent, LiveAlert, LiveCell, LiveMessage, LivePosition, LiveState } from './reduce-live.ts'

/** RFC 9457. `need` is the role that a refused action asks for. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail?: string
  readonly need?: Role
}

/** Each may do what those before it may; only the privacy officer reads the audit log. */
export type Role = 'viewer' | 'operator' | 'privacy-officer'

export interface SessionAnswer {
  /** `open`: no login (loopback only); everything is allowed, and everybody says who they are in `by`. */
  readonly mode: 'open' | 'accounts'
  readonly user: { readonly name: string; readonly role: Role } | null
  readonly idleMs: number
  readonly absoluteMs: number
  readonly sinceMs: number | null
  readonly endsMs: number | null
}
export interface LoginRequest {
  readonly name: string
  readonly password: string
}

export interface StatusAnswer {
  readonly tenant: string
  readonly region: string
  readonly hubEpoch: number
  readonly timeMs: number
  readonly isRunning: boolean
  readonly subscribers: number
  readonly stateBytes: number
  readonly cells: number
  readonly rowsTaken: number
  readonly watermarkMs: number | null
  readonly openAlerts: Readonly<Record<string, number>>
  readonly trunk: { readonly waitingBatches: number; readonly waitingBytes: number }
  readonly claimsWaiting: number
  readonly streams: number
  /** Days of history that `/api/at` and replay reach back. */
  readonly historyDays: number
}

/** All located cells in columns; row r of each array is one cell. */
export interface CellTable {
  readonly count: number
  readonly names: readonly string[]
  readonly latitude: Float64Array
  readonly longitude: Float64Array
  /** Degrees from north; NaN where the inventory does not say. Sector wedges of a site without azimuths: `sectorsOf` (console-wire.ts). */
  readonly azimuthDeg: Float32Array
  readonly rangeM: Float32Array
  /** Index into `radios`. */
  readonly radio: Uint8Array
  readonly radios: readonly string[]
  /** Row of the first cell of the same site. */
  readonly site: Uint32Array
}

/** A whole state with its subscribers in columns, for they are many. `id` goes to `/api/stream?lastEventId=`; '' for the past. */
export interface LiveSnapshot {
  readonly id: string
  readonly timeMs: number
  /** For `/api/at`: the moment asked for, and whether history reaches back so far. */
  readonly askedMs: number
  readonly isKnown: boolean
  readonly state: Omit<LiveState, 'subscribers'>
  readonly subscribers: SubscriberColumns
}
export interface SubscriberColumns {
  readonly subscriber: readonly string[]
  /** Before `baseMs`, in milliseconds. */
  readonly baseMs: number
  readonly ageMs: readonly number[]
  /** Index into `cells`. */
  readonly cell: readonly number[]
  readonly cells: readonly string[]
  readonly latitude: readonly (number | null)[]
  readonly longitude: readonly (number | null)[]
  readonly radiusM: readonly (number | null)[]
  readonly speedMps: readonly (number | null)[]
  /** Index into unknown, still, walking, vehicle. */
  readonly motion: readonly number[]
}

/** The state of `fromMs` or before first (a `state` message), then every message until `toMs`. */
export interface ReplayAnswer {
  readonly messages: readonly LiveMessage[]
  /** Where to go on when the limit cut it; null: that was all. */
  readonly nextMs: number | null
}

export interface SubscribersAnswer {
  readonly items: readonly LivePosition[]
  readonly known: number
  readonly sampled: string
}
export interface TrackAnswer {
  readonly items: readonly TrackPoint[]
}

export interface CellItem {
  readonly cell: string
  readonly radio: string
  readonly latitude: number
  readonly longitude: number
  readonly reachM: number
  readonly site: string
  readonly latest: LiveCell | null
}
export interface CellsAnswer {
  readonly items: readonly CellItem[]
  readonly next: number | null
}
export interface SitesAnswer {
  readonly items: readonly {
    readonly site: string
    readonly latitude: number
    readonly longitude: number
    readonly cells: readonly string[]
  }[]
}
export interface UnknownCellsAnswer {
  readonly items: readonly { readonly cell: string; readonly latest: LiveCell | null }[]
}
export interface KpiItem {
  readonly bucketMs: number
  readonly cell?: string
  readonly events: number
  readonly attaches: number
  readonly detaches: number
  readonly handovers: number
  readonly drops: number
  readonly bytesUp: number
  readonly bytesDown: number
  readonly rsrpDbm: { readonly p5: number; readonly p50: number; readonly p95: number; readonly count: number } | null
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number; readonly count: number } | null
  readonly lossRatio: number | null
}
export interface KpisAnswer {
  readonly items: readonly KpiItem[]
  readonly truncated: boolean
}
export interface UsageItem {
  readonly bucketMs: number
  readonly cell?: string
  readonly application?: string
  readonly protocol?: string
  readonly flows: number
  readonly packetsUp: number
  readonly packetsDown: number
  readonly bytesUp: number
  readonly bytesDown: number
  readonly rttMsP50: number | null
  readonly lossRatio: number | null
}
export interface UsageAnswer {
  readonly items: readonly UsageItem[]
  readonly truncated: boolean
}

export interface Incident {
  readonly id: string
  readonly name: string
  readonly fromMs: number
  readonly toMs: number
  readonly notes: readonly { readonly atMs: number; readonly by: string; readonly words: string }[]
  /** The page's address (path and query) when it was saved. */
  readonly view: string
  readonly createdMs: number
  readonly createdBy: string
}
export interface IncidentsAnswer {
  readonly items: readonly Incident[]
}
export interface IncidentRequest {
  readonly name: string
  readonly from: string
  readonly to: string
  readonly note?: string
  readonly view?: string
  readonly by?: string
}
export interface IncidentChange {
  readonly name?: string
  readonly note?: string
  readonly view?: string
  readonly by?: string
}
/** All that an exported incident holds: enough for the page to show it with no server. */
export interface IncidentFile {
  readonly version: 1
  readonly exportedMs: number
  readonly exportedBy: string
  readonly tenant: string
  readonly region: string
  readonly incident: Incident
  readonly start: LiveSnapshot
  readonly messages: ReplayAnswer['messages']
  /** True when there were more messages than a file takes. */
  readonly isCut: boolean
  readonly alerts: readonly AlertAnswer[]
  readonly cells: {
    readonly names: readonly string[]
    readonly latitude: readonly number[]
    readonly longitude: readonly number[]
    readonly azimuthDeg: readonly (number | null)[]
    readonly rangeM: readonly number[]
    readonly radio: readonly string[]
    readonly site: readonly number[]
  }
  readonly fences: readonly FenceItem[]
  readonly agents: readonly AgentItem[]
}
