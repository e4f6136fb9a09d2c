/**
 * Claims on their way to the directory, oldest first: at most one per key and what is claimed of it, the newest. Pure; the snapshot carries it.
 * Bounded: beyond `maxClaims` the oldest is dropped and counted.
 */
import type { Claim } from '#shared/control.ts'

const maxClaims = 200_000

export class ClaimQueue {
  readonly #claims = new Map<string, Claim>()

  /** Returns how many were dropped to make room. */
  push(claims: readonly Claim[]): number {
    for (const claim of claims) {
      const slot = slotOf(claim)
      const waiting = this.#claims.get(slot)
      if (waiting !== undefined && waiting.sighting.timeMs > claim.sighting.timeMs) continue
      this.#claims.delete(slot)
      this.#claims.set(slot, claim)
    }
    let dropped = 0
    for (const slot of this.#claims.keys()) {
      if (this.#claims.size <= maxClaims) break
      this.#claims.delete(slot)
      dropped++
    }
    return dropped
  }

  get size(): number {
    return this.#claims.size
  }

  next(count: number): readonly Claim[] {
    return this.#claims.values().take(count).toArray()
  }

  /** The directory has it; a newer one of the same slot stays. */
  done(claim: Claim): void {
    const slot = slotOf(claim)
    if (this.#claims.get(slot)?.id === claim.id) this.#claims.delete(slot)
  }

  encode(): Uint8Array {
    return Buffer.from(JSON.stringify([...this.#claims.values()]))
  }

  restore(octets: Uint8Array): void {
    this.push(JSON.parse(Buffer.from(octets).toString('utf8')))
  }
}

/** A change of device or number is a claim of its own: coalescing must not hide it. */
function slotOf({ kind, key, sighting }: Claim): string {
  return `${kind} ${key} ${sighting.subscriber} ${sighting.device} ${sighting.number}`
}
