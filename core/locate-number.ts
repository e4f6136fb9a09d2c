/**
 * Where a phone number was last seen at or before a time: the newest sighting over the SIMs that bore it, and the place the hub made of it.
 *
 * The place is that of the newest position when it is as new as the sighting or of the same cell; a newer sighting in a cell that is not in
 * the inventory has no place, and an older place is not passed off as the present one. Hot state answers "now"; what it cannot know, history does.
 */

import type { History, HotState, LatestSeen } from './ports.ts'
import type { Span } from './resolve-number.ts'

export interface Located {
  readonly timeMs: number
  readonly cell: string
  readonly region: string
  readonly motion: number
  readonly position: { readonly latitude: number; readonly longitude: number; readonly radiusM: number } | null
}

export async function locateNumber(
  { history, hotState }: { readonly history: History; readonly hotState: HotState },
  tenant: string,
  spans: readonly Span[],
  atMs: number,
  nowMs: number,
): Promise<Located | undefined> {
  let newest: Located | undefined
  for (const { who, fromMs, toMs } of spans) {
    if (fromMs > atMs) continue
    const endMs = Math.min(atMs, toMs - 1)
    const hot = endMs >= nowMs ? hotState.latest(tenant, who) : undefined
    const isLatest = hot !== undefined && Math.max(hot.sighting?.timeMs ?? 0, hot.position?.timeMs ?? 0) >= hotState.horizonMs
    const seen = isLatest
      ? hot
      : { sighting: await history.lastSighting(tenant, who, endMs), position: await history.lastPosition(tenant, who, endMs) }
    const located = placeOf(seen)
    if (located !== undefined && located.timeMs >= fromMs && (newest === undefined || located.timeMs > newest.timeMs)) newest = located
  }
  return newest
}

function placeOf({
  sighting,
  position,
}: Pick<LatestSeen, 'position'> & { sighting: Omit<NonNullable<LatestSeen['sighting']>, 'device'> | undefined }): Located | undefined {
  const holds = position !== undefined && (sighting === undefined || position.timeMs >= sighting.timeMs || position.cell === sighting.cell)
  if (holds) {
    const { latitude, longitude, radiusM } = position
    const newer = sighting !== undefined && sighting.timeMs > position.timeMs ? sighting : position
    return {
      timeMs: newer.timeMs,
      cell: newer.cell,
      region: newer.region,
      motion: position.motion,
      position: { latitude, longitude, radiusM },
    }
  }
  return sighting && { timeMs: sighting.timeMs, cell: sighting.cell, region: sighting.region, motion: 0, position: null }
}
