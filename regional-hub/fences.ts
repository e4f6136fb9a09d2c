/**
 * Geofences: who entered, left, and stayed. Owns the fences and, for those near one, each subscriber's standing with it.
 *
 * A fence is entered when a position is inside with enough probability twice in a row, or once for long enough; left likewise. A changed
 * fence starts anew for everybody; a deleted one is forgotten with all that hung on it. Alerts here follow positions as they come, so unlike
 * the SIM rules they are not re-judged when a late sighting turns up. Ids are the same for the same fence, subscriber and moment.
 */
import type { Fence } from '#shared/control.ts'
import { wordsToHex } from '#shared/pseudonym.ts'
import type { Batch } from '#shared/records.ts'
import type { DetectionConfig } from './detection-config.ts'
import { insideProbability, type Shape, shapeOf } from './fence-geometry.ts'
import type { Locator } from './locate.ts'
import { type AlertContent, outcomeId } from './outcomes.ts'
import type { Teller } from './tell.ts'

interface Standing {
  isInside: boolean
  /** Positions in a row that speak against `isInside`, and since when. */
  against: number
  againstSinceMs: number
  enteredMs: number
  dwellTold: boolean
  subscriber: string
  number: string
  device: string
  cell: string
}

interface Active {
  readonly fence: Fence
  shape: Shape | undefined
  readonly segment: ReadonlySet<string> | undefined
  readonly standings: Map<number, Standing>
}

export class Fences {
  readonly #config: DetectionConfig['fences']
  readonly #locator: Locator
  readonly #teller: Teller
  readonly #region: string
  readonly #active = new Map<string, Active>()
  #newestMs = 0

  constructor(config: DetectionConfig['fences'], locator: Locator, teller: Teller, region: string) {
    this.#config = config
    this.#locator = locator
    this.#teller = teller
    this.#region = region
  }

  get isActive(): boolean {
    return this.#active.size > 0
  }

  set(fence: Fence): void {
    const known = this.#active.get(fence.id)
    if (known !== undefined && fence.deleted !== true) {
      if (known.fence.revision > fence.revision) return
      // Two places made the same revision: the one that stands at the core is told to both. Told again, it changes nothing.
      if (known.fence.revision === fence.revision && JSON.stringify(known.fence) === JSON.stringify(fence)) return
    }
    this.#active.delete(fence.id)
    if (fence.deleted === true) return
    const segment = fence.segment === undefined ? undefined : new Set(fence.segment)
    this.#active.set(fence.id, { fence, shape: undefined, segment, standings: new Map() })
  }

  /** A subscriber's position, in metres of the locator's plane. */
  moved(
    sim: number,
    columns: Batch<'sighting'>['columns'],
    row: number,
    x: number,
    y: number,
    sigmaM: number,
    timeMs: number,
    cell: string,
  ): void {
    for (const active of this.#active.values()) {
      active.shape ??= shapeOf(active.fence.geometry, this.#locator)
      const probability = insideProbability(active.shape, x, y, sigmaM)
      let standing = active.standings.get(sim)
      if (standing === undefined) {
        if (probability < this.#config.enter) continue
        const subscriber = wordsToHex(columns.subscriber, row * 4)
        if (active.segment !== undefined && !active.segment.has(subscriber)) continue
        standing = {
          isInside: false,
          against: 0,
          againstSinceMs: timeMs,
          enteredMs: 0,
          dwellTold: false,
          subscriber,
          number: wordsToHex(columns.number, row * 4),
          device: wordsToHex(columns.device, row * 4),
          cell,
        }
        active.standings.set(sim, standing)
      }
      standing.cell = cell
      this.#judge(active, sim, standing, probability, timeMs, x, y, sigmaM)
    }
  }

  /** Who is still inside when time has passed has dwelt. */
  watermark(timeMs: number): void {
    this.#newestMs = Math.max(this.#newestMs, timeMs)
    for (const active of this.#active.values()) {
      if (active.fence.dwellS === undefined) continue
      for (const standing of active.standings.values()) this.#dwell(active, standing, timeMs)
    }
  }

  save(): unknown {
    return [...this.#active.values()].map(({ fence, standings }) => ({ fence, standings: [...standings] }))
  }

  load(saved: unknown): void {
    this.#active.clear()
    for (const { fence, standings } of saved as { fence: Fence; standings: [number, Standing][] }[]) {
      this.set(fence)
      for (const [sim, standing] of standings) this.#active.get(fence.id)!.standings.set(sim, standing)
    }
  }

  #judge(active: Active, sim: number, standing: Standing, probability: number, timeMs: number, x: number, y: number, sigmaM: number): void {
    const { enter, leave, fixes, holdMs } = this.#config
    const speaksAgainst = standing.isInside ? probability <= leave : probability >= enter
    if (!speaksAgainst) {
      standing.against = 0
      this.#dwell(active, standing, timeMs)
      if (!standing.isInside && probability <= leave) active.standings.delete(sim)
      return
    }
    if (standing.against++ === 0) standing.againstSinceMs = timeMs
    if (standing.against < fixes && timeMs - standing.againstSinceMs < holdMs) return
    const sinceMs = standing.againstSinceMs
    standing.against = 0
    standing.isInside = !standing.isInside
    const figures = {
      probability: Math.round(probability * 1000) / 1000,
      latitude: this.#locator.latitude(y),
      longitude: this.#locator.longitude(x),
      sigmaM: Math.round(sigmaM),
    }
    if (standing.isInside) {
      standing.enteredMs = sinceMs
      standing.dwellTold = false
      this.#tell(active, standing, 'fence-enter', 'entered', sinceMs, figures)
    } else {
      this.#dwell(active, standing, sinceMs)
      this.#tell(active, standing, 'fence-leave', 'left', sinceMs, {
        ...figures,
        insideS: Math.round((sinceMs - standing.enteredMs) / 1000),
      })
      active.standings.delete(sim)
    }
  }

  #dwell(active: Active, standing: Standing, timeMs: number): void {
    const { dwellS } = active.fence
    if (dwellS === undefined || !standing.isInside || standing.dwellTold || timeMs - standing.enteredMs < dwellS * 1000) return
    standing.dwellTold = true
    this.#tell(active, standing, 'fence-dwell', `stayed ${dwellS} s in`, standing.enteredMs + dwellS * 1000, { dwellS })
  }

  #tell(active: Active, standing: Standing, type: string, verb: string, timeMs: number, figures: Readonly<Record<string, unknown>>): void {
    const { id, name, revision } = active.fence
    const { subscriber, number, device, cell } = standing
    const { enter, leave, fixes, holdMs } = this.#config
    const evidence = {
      rule: type.toUpperCase().replace('-', '_'),
      words: `The subscriber ${verb} the fence "${name}".`,
      region: this.#region,
      fence: { id, name, revision },
      cell,
      ...figures,
      thresholds: { enter, leave, fixes, holdMs },
    }
    const alert: AlertContent = { type, severity: 'warning', subscriber, number, device, cell, evidence }
    const outcome = { record: 'alert', id: outcomeId(type, id, revision, subscriber || number, timeMs), timeMs, alert } as const
    this.#teller.tell([{ outcome, revision: timeMs, retracted: false, detectedMs: Math.max(timeMs, this.#newestMs) }])
  }
}
