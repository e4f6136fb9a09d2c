/**
 * A SIM in two places at once: CLONE_A (too fast between two sightings), CLONE_B (to and fro between two places), CLONE_C (two devices side
 * by side). Cells are large and networks hand phones to and fro, so both cells' reach is taken off every distance before it counts, and a
 * pair of cells between which many SIMs jump is a mistake in the map, not a crowd of clones.
 */
import type { CellInventory } from './cell-inventory.ts'
import type { DetectionConfig } from './detection-config.ts'
import { type Outcome, outcomeId } from './outcomes.ts'
import type { Points } from './points.ts'
import { cellMask, duration, type RuleContext, regionShift, sightingEvidence } from './rule-context.ts'
import { runsOf } from './sim-rules.ts'

const dayMs = 86_400_000
const tileDegrees = 0.5

/** Metres between two cells beyond both their reaches; ≤ 0 when a phone at rest could have been seen at both. NaN: a place is unknown. */
export function beyondReachM(cells: CellInventory, x: number, y: number): number {
  return cells.distanceM(x, y) - cells.reachM[x]! - cells.reachM[y]!
}

/** Whether two neighbouring sightings deserve a second look: cheap, and true wherever a rule below could fire. */
export function isJump(config: DetectionConfig['clone'], beyondM: number): boolean {
  return beyondM > Math.min(config.slackM, config.interleaveM)
}

export interface CloneFindings {
  readonly outcomes: Outcome[]
  /** Pairs of cells (by name) and days between which this SIM jumped faster than anything travels. */
  readonly pairs: Set<string>
  /** Nothing here that a later sighting, unless it jumps itself, could turn into an alert. */
  readonly isHarmless: boolean
}

/** A SIM's history. `isMapError` says of a pair key that too many SIMs jump there. */
export function judgeClones(context: RuleContext, sim: number, points: Points, isMapError: (pair: string) => boolean): CloneFindings {
  const { config, cells } = context
  const located: number[] = []
  for (let at = 0; at < points.count; at++) if (cells.isLocated(points.cell[at]! & cellMask)) located.push(at)

  const pairs = new Set<string>()
  const best = new Map<string, { score: number; outcome: Outcome }>()
  const offer = (id: string, score: number, make: () => Outcome): void => {
    const known = best.get(id)
    if (known === undefined || score > known.score) best.set(id, { score, outcome: make() })
  }
  const subscriber = context.sims.hex(sim)
  const alternations: { timeMs: number; from: number; to: number }[] = []

  for (let next = 1; next < located.length; next++) {
    const from = located[next - 1]!
    const to = located[next]!
    const cellFrom = points.cell[from]! & cellMask
    const cellTo = points.cell[to]! & cellMask
    if (cellFrom === cellTo) continue
    const beyondM = beyondReachM(cells, cellFrom, cellTo)
    if (!isJump(config.clone, beyondM)) continue
    const gapMs = points.timeMs[to]! - points.timeMs[from]!
    const timeMs = points.timeMs[to]!
    const speedKmh = ((beyondM - config.clone.slackM) / (gapMs + config.clone.slackMs)) * 3600
    const pair = pairKey(context, cellFrom, cellTo, timeMs)
    const isFast = speedKmh > config.clone.speedKmh
    if (isFast) pairs.add(pair)
    if (isMapError(pair)) continue
    const id = outcomeId('clone', subscriber, tiles(cells, cellFrom, cellTo), Math.floor(timeMs / dayMs))
    const figures = {
      gapMs,
      distanceM: Math.round(cells.distanceM(cellFrom, cellTo)),
      beyondReachM: Math.round(beyondM),
      speedKmh: Math.round(speedKmh),
    }
    if (isFast) {
      const words = `The SIM was seen ${figures.distanceM / 1000} km apart within ${duration(gapMs)}: even from edge to edge of both cells that is ${figures.speedKmh} km/h.`
      offer(id, 1e9 + speedKmh, () =>
        cloneOutcome(
          context,
          sim,
          points,
          from,
          to,
          id,
          { rule: 'CLONE_A', words, ...figures },
          { speedKmh: config.clone.speedKmh, slackM: config.clone.slackM },
        ),
      )
    }
    if (beyondM > config.clone.interleaveM) {
      alternations.push({ timeMs, from, to })
      const count = interleaved(context, points, alternations)
      if (count >= config.clone.interleaveAlternations) {
        const words = `The SIM was seen to and fro between two places ${figures.distanceM / 1000} km apart, ${count} times within ${duration(config.clone.interleaveMs)}.`
        const evidence = { rule: 'CLONE_B', words, alternations: count, ...figures }
        offer(id, count, () =>
          cloneOutcome(context, sim, points, from, to, id, evidence, {
            interleaveM: config.clone.interleaveM,
            interleaveMs: config.clone.interleaveMs,
          }),
        )
      }
    }
  }
  judgeConcurrent(context, sim, points, offer)
  const isHarmless = best.size === 0 && pairs.size === 0 && alternations.length < config.clone.interleaveAlternations
  return { outcomes: [...best.values()].map((entry) => entry.outcome), pairs, isHarmless }
}

/** Jumps in a row, back to where the last one came from, that end with the newest. */
function interleaved(context: RuleContext, points: Points, jumps: readonly { timeMs: number; from: number; to: number }[]): number {
  const newest = jumps.at(-1)!
  let count = 1
  for (let at = jumps.length - 2; at >= 0; at--) {
    const jump = jumps[at]!
    const later = jumps[at + 1]!
    if (newest.timeMs - points.timeMs[jump.from]! > context.config.clone.interleaveMs) break
    const near = (x: number, y: number) =>
      x === y || beyondReachM(context.cells, points.cell[x]! & cellMask, points.cell[y]! & cellMask) <= context.config.clone.interleaveM
    if (!near(jump.from, later.to) || !near(jump.to, later.from)) break
    count++
  }
  return count
}

/** Two devices in turn, too quickly for hands: the SIM is in both. */
function judgeConcurrent(
  context: RuleContext,
  sim: number,
  points: Points,
  offer: (id: string, score: number, make: () => Outcome) => void,
): void {
  const { concurrentAlternations, concurrentMs, overlapMs } = context.config.clone
  const runs = runsOf(points)
  for (let at = concurrentAlternations; at < runs.length; at++) {
    const turns = runs.slice(at - concurrentAlternations, at + 1)
    const isTwo = turns.every((run, turn) => run.a === turns[turn % 2]!.a)
    const from = turns[0]!.last
    const to = turns.at(-1)!.first
    const spanMs = points.timeMs[to]! - points.timeMs[from]!
    const overlap = points.timeMs[turns.at(-2)!.last]! - points.timeMs[turns[1]!.first]!
    if (!isTwo || spanMs > concurrentMs || overlap < overlapMs) continue
    const devices = [context.devices.hex(turns[0]!.a), context.devices.hex(turns[1]!.a)].sort()
    const id = outcomeId('clone-concurrent', sim === 0 ? '' : context.sims.hex(sim), devices.join(), Math.floor(points.timeMs[to]! / dayMs))
    const words = `The SIM was used in two devices in turn, ${concurrentAlternations} changes within ${duration(spanMs)}.`
    offer(id, -points.timeMs[to]!, () =>
      cloneOutcome(
        context,
        sim,
        points,
        from,
        to,
        id,
        { rule: 'CLONE_C', words, devices, spanMs },
        { concurrentAlternations, concurrentMs, overlapMs },
      ),
    )
  }
}

function cloneOutcome(
  context: RuleContext,
  sim: number,
  points: Points,
  from: number,
  to: number,
  id: string,
  figures: Readonly<Record<string, unknown>>,
  thresholds: Readonly<Record<string, number>>,
): Outcome {
  const before = sightingEvidence(context, points, from)
  const after = sightingEvidence(context, points, to)
  const evidence = { ...figures, region: after.region, regionBefore: before.region, regionAfter: after.region, before, after, thresholds }
  const subscriber = context.sims.hex(sim)
  const device = context.devices.hex(points.a[to]!)
  const alert = {
    type: 'clone',
    severity: 'critical',
    subscriber,
    number: context.numberOf(sim),
    device,
    cell: after.cell,
    evidence,
  } as const
  return { record: 'alert', id, timeMs: points.timeMs[to]!, alert }
}

function pairKey(context: RuleContext, x: number, y: number, timeMs: number): string {
  return `${[context.cells.names[x]!, context.cells.names[y]!].sort().join('|')}|${Math.floor(timeMs / dayMs)}`
}

/** The two half-degree tiles, so that a clone among several cells of two towns is one alert. */
function tiles(cells: CellInventory, x: number, y: number): string {
  const tile = (cell: number) => `${Math.floor(cells.latitude[cell]! / tileDegrees)}:${Math.floor(cells.longitude[cell]! / tileDegrees)}`
  return [tile(x), tile(y)].sort().join('|')
}

/** Whether a history holds sightings of another region. */
export function isShared(points: Points): boolean {
  for (let at = 1; at < points.count; at++) if (points.cell[at]! >>> regionShift !== points.cell[0]! >>> regionShift) return true
  return false
}
