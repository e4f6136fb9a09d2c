/**
 * What a field team asks about a site, kept as events pass: per tap the first and last event, what became of them and the commonest reasons of
 * rejections, and which cells were named. Since the start, in memory, bounded; read through `/site`. Holds nothing about people.
 */
import type { Clock } from '#shared/clock.ts'
import { accepted, duplicate, type EventBatch } from './event-batch.ts'

export interface TapSight {
  readonly tap: string
  /** Epoch ms. */
  readonly firstEventMs: number
  readonly lastEventMs: number
  readonly accepted: number
  readonly rejected: number
  readonly duplicate: number
  /** Reason → events, since the start. */
  readonly reasons: Readonly<Record<string, number>>
}

export interface SiteSight {
  readonly schema: 1
  readonly agent: string
  readonly region: string
  readonly version: string
  readonly pid: number
  readonly epoch: string
  readonly startedMs: number
  readonly nowMs: number
  readonly taps: readonly TapSight[]
  /** Canonical names of the cells seen since the start, at most 1,000. */
  readonly cells: readonly string[]
  /** `refusal`: why devices are not acknowledged now; '' while they are. */
  readonly journal: { readonly bytes: number; readonly quotaBytes: number; readonly head: number; readonly refusal: string }
  readonly outbox: {
    readonly bytes: number
    readonly quotaBytes: number
    readonly lanes: readonly { readonly lane: string; readonly rows: number; readonly bytes: number; readonly oldestMs: number }[]
  }
  readonly uplink: { readonly connected: boolean; readonly bytesPerSecond: number }
  readonly watermarkMs: number
}

type Counts = { -readonly [K in keyof Omit<TapSight, 'tap' | 'reasons'>]: number } & { reasons: Map<string, number> }

const maxCells = 1_000
const maxReasons = 64

export class SiteWatch {
  readonly startedMs: number
  readonly #clock: Clock
  readonly #taps = new Map<string, Counts>()
  readonly #cells = new Set<string>()

  constructor(clock: Clock) {
    this.#clock = clock
    this.startedMs = clock.nowMs()
  }

  take({ rows, columns, texts }: EventBatch): void {
    const nowMs = this.#clock.nowMs()
    let source = -1
    let cell = 0
    let counts: Counts | undefined
    for (let row = 0; row < rows; row++) {
      if (columns.source[row] !== source || counts === undefined) {
        source = columns.source[row]!
        counts = this.#counts(tapOf(texts[source]!), nowMs)
      }
      const verdict = columns.verdict[row]
      if (verdict === accepted) counts.accepted++
      else if (verdict === duplicate) counts.duplicate++
      else {
        counts.rejected++
        const reason = texts[columns.reason[row]!]!
        if (counts.reasons.size < maxReasons || counts.reasons.has(reason))
          counts.reasons.set(reason, (counts.reasons.get(reason) ?? 0) + 1)
      }
      if (columns.cell[row] !== cell) {
        cell = columns.cell[row]!
        if (cell !== 0 && this.#cells.size < maxCells) this.#cells.add(texts[cell]!)
      }
    }
  }

  get taps(): readonly TapSight[] {
    return [...this.#taps].map(([tap, { reasons, ...counts }]) => ({ tap, ...counts, reasons: Object.fromEntries(reasons) }))
  }

  get cells(): readonly string[] {
    return [...this.#cells]
  }

  #counts(tap: string, nowMs: number): Counts {
    let counts = this.#taps.get(tap)
    if (counts === undefined) {
      counts = { firstEventMs: nowMs, lastEventMs: nowMs, accepted: 0, rejected: 0, duplicate: 0, reasons: new Map() }
      this.#taps.set(tap, counts)
    }
    counts.lastEventMs = nowMs
    return counts
  }
}

/** Taps name their sources themselves (`netflow-<address>`, `ndpi-<file>`); what devices name comes by MQTT. */
function tapOf(source: string): string {
  return source.startsWith('netflow-') ? 'netflow' : source.startsWith('ndpi-') ? 'ndpi' : 'mqtt'
}
