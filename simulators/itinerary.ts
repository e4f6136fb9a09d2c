/**
 * Where a subscriber is, as a function of the time of day and nothing else: in every block of six hours they leave home, stay, and come
 * back, on foot, by car or by train. Because a place depends on (seed, subscriber, absolute time) only, a simulator that is started
 * again finds everybody where they would have been; nobody jumps, and no false clone is made by a restart.
 */
import { distanceM, type Point } from './geometry.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

export const blockMs = 6 * 3600_000
const walkMps = 1.35
const townDriveMps = 10
const roadDriveMps = 23
const trainMps = 33
const walkAtMostM = 1_500

export type Motion = 'still' | 'walk' | 'car' | 'train'

/** Points with the time at which each is reached, relative to the trip's start. */
export interface Path {
  readonly points: readonly Point[]
  readonly atMs: readonly number[]
  readonly motion: Exclude<Motion, 'still'>
}

export interface Trip {
  readonly startMs: number
  readonly endMs: number
  readonly outward: boolean
}

export interface Errand {
  readonly home: Point
  readonly homeTown: number
  readonly work: Point
  readonly workTown: number
  readonly takesTrain: boolean
}

/** The way from home to work (or back). The same question gives the same answer, so paths need not be kept. */
export function planPath(world: World, errand: Errand, outward: boolean): Path {
  const { home, work, homeTown, workTown } = errand
  const points: Point[] = [home]
  const atMs: number[] = [0]
  const to = (point: Point, speedMps: number) => {
    const last = points.at(-1)!
    points.push(point)
    atMs.push(atMs.at(-1)! + (distanceM(last, point) / speedMps) * 1000)
  }
  let motion: Path['motion'] = 'car'
  if (homeTown === workTown) {
    motion = distanceM(home, work) <= walkAtMostM ? 'walk' : 'car'
    const speed = motion === 'walk' ? walkMps : townDriveMps
    to({ x: home.x, y: work.y }, speed) // streets run north–south and east–west
    to(work, speed)
  } else {
    const route = findRoute(world, homeTown, workTown, errand.takesTrain)
    motion = route.every((leg) => leg.rail) ? 'train' : 'car'
    const start = world.towns[homeTown]!
    to({ x: home.x, y: start.y }, townDriveMps)
    to(start, townDriveMps)
    for (const leg of route) for (const point of leg.points.slice(1)) to(point, leg.rail ? trainMps : roadDriveMps)
    to({ x: work.x, y: world.towns[workTown]!.y }, townDriveMps)
    to(work, townDriveMps)
  }
  if (outward) return { points, atMs, motion }
  const total = atMs.at(-1)!
  return { points: points.toReversed(), atMs: atMs.map((at) => total - at).toReversed(), motion }
}

/** The trips of one block, in order; all of them end within it, at home. */
export function planBlock(random: Random, blockStartMs: number, travelMs: number, travels: boolean): Trip[] {
  const trips: Trip[] = []
  if (!travels || travelMs > blockMs * 0.4 || travelMs <= 0) return trips
  const rounds = travelMs < blockMs / 12 ? 1 + random.integer(3) : 1
  const span = blockMs / rounds
  for (let round = 0; round < rounds; round++) {
    const spare = span - 2 * travelMs
    const leave = blockStartMs + round * span + random.unit() * spare * 0.5
    const comeBack = leave + travelMs + random.between(0.1, 0.9) * spare * 0.5
    trips.push({ startMs: Math.round(leave), endMs: Math.round(leave + travelMs), outward: true })
    trips.push({ startMs: Math.round(comeBack), endMs: Math.round(comeBack + travelMs), outward: false })
  }
  return trips
}

/** Place on a path; `hint` is the leg to look at first, the returned leg the next hint. */
export function placeOn(path: Path, sinceStartMs: number, hint: number): { x: number; y: number; leg: number } {
  let leg = hint
  while (leg < path.points.length - 2 && path.atMs[leg + 1]! < sinceStartMs) leg++
  const from = path.points[leg]!
  const to = path.points[leg + 1]!
  const span = path.atMs[leg + 1]! - path.atMs[leg]!
  const share = span <= 0 ? 1 : Math.min(1, Math.max(0, (sinceStartMs - path.atMs[leg]!) / span))
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share, leg }
}

/** Fewest towns on the way (breadth first); by rail where the rails go all the way and the traveller likes them. */
function findRoute(world: World, from: number, to: number, preferRail: boolean): { points: readonly Point[]; rail: boolean }[] {
  const search = (rail: boolean) => {
    const cameBy = new Map<number, { town: number; way: number } | undefined>([[from, undefined]])
    const open = [from]
    for (let next = open.shift(); next !== undefined && !cameBy.has(to); next = open.shift()) {
      for (const [index, way] of world.ways.entries()) {
        if ((way.kind === 'rail') !== rail || (way.from !== next && way.to !== next)) continue
        const other = way.from === next ? way.to : way.from
        if (cameBy.has(other)) continue
        cameBy.set(other, { town: next, way: index })
        open.push(other)
      }
    }
    if (!cameBy.has(to)) return undefined
    const legs: { points: readonly Point[]; rail: boolean }[] = []
    for (let step = cameBy.get(to), town = to; step !== undefined; town = step.town, step = cameBy.get(town)) {
      const way = world.ways[step.way]!
      legs.unshift({ points: way.to === town ? way.points : way.points.toReversed(), rail })
    }
    return legs
  }
  return (preferRail ? search(true) : undefined) ?? search(false) ?? [{ points: [world.towns[from]!, world.towns[to]!], rail: false }]
}
