/**
 * What this region tells the directory, and so the other regions: "I see this SIM, number or device now".
 *
 * A key is claimed when it is first seen here, when it is seen again after another region took it over, and when its device or SIM changes.
 * So every border between two regions' sightings is known to both, and both raise the same alert from the same pair. At a region's border,
 * where phones flip to and fro, a shared SIM is claimed at most once a minute unless something else about it changed.
 */
import type { Claim, RemoteSighting } from '#shared/control.ts'
import type { DetectionConfig } from './detection-config.ts'
import { outcomeId } from './outcomes.ts'
import { type RecordPage, w } from './subscriber-table.ts'

export const unclaimed = 0
export const owned = 1
export const released = 2

export class Claims {
  readonly #config: DetectionConfig['claims']
  readonly #region: string
  #claims = new Map<string, Claim>()

  constructor(config: DetectionConfig['claims'], region: string) {
    this.#config = config
    this.#region = region
  }

  /** Whether a SIM seen now is to be claimed. `isNews`: its device or number changed, or it seems to be in two places. */
  isDue(page: RecordPage, at: number, timeMs: number, isNews: boolean): boolean {
    const { u32 } = page
    const state = u32[at + w.region]!
    if (state === unclaimed || isNews) return true
    const sinceMs = timeMs - u32[at + w.claimS]! * 1000
    if (state === owned) return sinceMs >= this.#config.refreshMs
    return !this.isShared(page, at, timeMs) || sinceMs >= this.#config.intervalMs
  }

  /** Flips at the border within the last minutes made the SIM one of both regions. */
  isShared(page: RecordPage, at: number, timeMs: number): boolean {
    return page.u32[at + w.flips]! >= this.#config.flips && timeMs - page.u32[at + w.flipS]! * 1000 <= this.#config.sharedMs
  }

  noteOwned(page: RecordPage, at: number, timeMs: number): void {
    page.u32[at + w.region] = owned
    page.u32[at + w.claimS] = Math.floor(timeMs / 1000)
  }

  noteReleased(page: RecordPage, at: number, timeMs: number): void {
    const { u32 } = page
    const nowS = Math.floor(timeMs / 1000)
    if (nowS - u32[at + w.flipS]! > this.#config.sharedMs / 1000) u32[at + w.flips] = 0
    u32[at + w.flips]!++
    u32[at + w.flipS] = nowS
    u32[at + w.region] = released
  }

  add(kind: Claim['kind'], key: string, sighting: RemoteSighting): void {
    const id = outcomeId('claim', this.#region, kind, key, sighting.timeMs, sighting.subscriber, sighting.device)
    // The hub's epoch is the wire's business: whoever sends the claim sets it.
    if (!this.#claims.has(id)) this.#claims.set(id, { id, kind, key, hubEpoch: 0, sighting })
  }

  finish(): Claim[] {
    const claims = [...this.#claims.values()]
    this.#claims = new Map()
    return claims
  }
}
