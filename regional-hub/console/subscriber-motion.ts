/**
 * Subscribers on the Mercator square in typed arrays, each with the last few places it was at. Takes a state in, touches only what changed, and
 * between two states moves discs from where they were to where they are, so that the eye can follow.
 */
import type { LivePosition, LiveState } from '../console-api.ts'
import { metre, toSquare } from './camera.ts'

export const trailLength = 6
const glideMs = 600

export class SubscriberMotion {
  count = 0
  x = new Float64Array(4096)
  y = new Float64Array(4096)
  fromX = new Float64Array(4096)
  fromY = new Float64Array(4096)
  /** Radius of uncertainty, in the square. */
  radius = new Float64Array(4096)
  motion = new Uint8Array(4096)
  trailX = new Float64Array(4096 * trailLength)
  trailY = new Float64Array(4096 * trailLength)
  trailCount = new Uint8Array(4096)
  names: string[] = []
  #known: (LivePosition | undefined)[] = []
  #rows = new Map<string, number>()
  #last: LiveState['subscribers'] | undefined
  #glideFromMs = 0

  /** True when something moved. */
  take(subscribers: LiveState['subscribers'], nowMs: number, jumps: boolean): boolean {
    if (subscribers === this.#last) return false
    this.#last = subscribers
    let here = 0
    const entries = Object.values(subscribers)
    this.#grow(entries.length)
    for (const position of entries) {
      if (position.latitude === null || position.longitude === null) continue
      here++
      this.#place(position, jumps)
    }
    if (here < this.#rows.size) this.#dropGone(subscribers)
    this.#glideFromMs = jumps ? 0 : nowMs
    return true
  }

  rowOf(subscriber: string): number {
    return this.#rows.get(subscriber) ?? -1
  }

  position(row: number): LivePosition | undefined {
    return this.#known[row]
  }

  /** Share of the way from the old places to the new. */
  glide(nowMs: number): number {
    return Math.min(1, Math.max(0, (nowMs - this.#glideFromMs) / glideMs))
  }

  #place(position: LivePosition, jumps: boolean): void {
    let row = this.#rows.get(position.subscriber)
    const isNew = row === undefined
    if (row === undefined) {
      row = this.count++
      this.#grow(this.count)
      this.#rows.set(position.subscriber, row)
      this.names[row] = position.subscriber
      this.trailCount[row] = 0
    } else if (this.#known[row] === position) {
      this.fromX[row] = this.x[row]!
      this.fromY[row] = this.y[row]!
      return
    }
    const [x, y] = toSquare(position.longitude!, position.latitude!)
    const hasMoved = !isNew && (Math.abs(x - this.x[row]!) > 1e-9 || Math.abs(y - this.y[row]!) > 1e-9)
    if (hasMoved) this.#trail(row)
    const stays = isNew || jumps
    this.fromX[row] = stays ? x : this.x[row]!
    this.fromY[row] = stays ? y : this.y[row]!
    this.x[row] = x
    this.y[row] = y
    this.radius[row] = Math.max(10, position.radiusM ?? 1000) * metre(position.latitude!)
    this.motion[row] = motions.indexOf(position.motion)
    this.#known[row] = position
  }

  #trail(row: number): void {
    const base = row * trailLength
    const kept = Math.min(this.trailCount[row]!, trailLength - 1)
    this.trailX.copyWithin(base + 1, base, base + kept)
    this.trailY.copyWithin(base + 1, base, base + kept)
    this.trailX[base] = this.x[row]!
    this.trailY[base] = this.y[row]!
    this.trailCount[row] = kept + 1
  }

  /** The last row takes the place of one that is gone. */
  #dropGone(subscribers: LiveState['subscribers']): void {
    for (let row = this.count - 1; row >= 0; row--) {
      const name = this.names[row]!
      if (subscribers[name]?.latitude != null) continue
      this.#rows.delete(name)
      const last = --this.count
      if (row === last) continue
      for (const column of [this.x, this.y, this.fromX, this.fromY, this.radius, this.motion, this.trailCount]) column[row] = column[last]!
      this.trailX.copyWithin(row * trailLength, last * trailLength, (last + 1) * trailLength)
      this.trailY.copyWithin(row * trailLength, last * trailLength, (last + 1) * trailLength)
      this.names[row] = this.names[last]!
      this.#known[row] = this.#known[last]
      this.#rows.set(this.names[row]!, row)
    }
    this.names.length = this.count
  }

  #grow(needed: number): void {
    if (needed <= this.x.length) return
    const size = 2 ** Math.ceil(Math.log2(needed + 1))
    this.x = widened(this.x, size)
    this.y = widened(this.y, size)
    this.fromX = widened(this.fromX, size)
    this.fromY = widened(this.fromY, size)
    this.radius = widened(this.radius, size)
    this.trailX = widened(this.trailX, size * trailLength)
    this.trailY = widened(this.trailY, size * trailLength)
    const [motion, trailCount] = [new Uint8Array(size), new Uint8Array(size)]
    motion.set(this.motion)
    trailCount.set(this.trailCount)
    this.motion = motion
    this.trailCount = trailCount
  }
}

export const motions: readonly LivePosition['motion'][] = ['unknown', 'still', 'walking', 'vehicle']

function widened(column: Float64Array<ArrayBuffer>, size: number): Float64Array<ArrayBuffer> {
  const wide = new Float64Array(size)
  wide.set(column)
  return wide
}
