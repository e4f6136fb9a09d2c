/**
 * What this region tells the directory, and so the other regions: "I see this SIM, number or device now".
 *
 * A key is claimed when it is first seen here, when its device or SIM changes, and once a day; once two regions
 * have seen it, borders.ts decides what else both must know. So both raise the same alert from the same pair.
 */
import type { Claim, RemoteSighting } from '#shared/control.ts'
import type { DetectionConfig } from './detection-config.ts'
import { outcomeId } from './outcomes.ts'
import { type RecordPage, w } from './subscriber-table.ts'

/** What stands for the seconds of the last claim. */
export const unclaimed = 0
export const released = 0xffffffff

export class Claims {
  readonly #config: DetectionConfig['claims']
  readonly #region: string
  #claims = new Map<string, Claim>()

  constructor(config: DetectionConfig['claims'], region: string) {
    this.#config = config
    this.#region = region
  }

  /** Whether a SIM seen now is to be claimed, be it shared or not. `isNews`: its device or number changed, or it seems to be in two places. */
  isDue(page: RecordPage, at: number, timeMs: number, isNews: boolean): boolean {
    const claimS = page.u32[at + w.claimS]!
    if (claimS === unclaimed || isNews) return true
    return claimS !== released && timeMs - claimS * 1000 >= this.#config.refreshMs
  }

  noteOwned(page: RecordPage, at: number, timeMs: number): void {
    page.u32[at + w.claimS] = Math.max(1, Math.floor(timeMs / 1000))
  }

  /** Another region has it now: what we see of it from here on is told for its place beside theirs (borders.ts). */
  noteReleased(page: RecordPage, at: number): void {
    page.u32[at + w.claimS] = released
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
