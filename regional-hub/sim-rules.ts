/**
 * Device swap (a SIM in another device), SIM swap (a number on another SIM), their toggles, swap-combo, and changes of region.
 *
 * Each is a function of one key's history. A change is a border between two runs of sightings; a run is what lies between changes.
 * A sighting that does not say which device or SIM it was belongs to no run: missing means unknown, never changed.
 */
import { missing } from '#shared/records.ts'
import { type MovementContent, type Outcome, outcomeId } from './outcomes.ts'
import type { Points } from './points.ts'
import { cellMask, duration, type RuleContext, regionShift, sightingEvidence } from './rule-context.ts'

/** Consecutive sightings with the same `a`: positions of the first and the last. */
export interface Run {
  readonly a: number
  readonly first: number
  last: number
  sightings: number
}

interface Change {
  readonly before: Run
  readonly after: Run
  readonly timeMs: number
  readonly isToggle: boolean
  readonly isConfirmed: boolean
}

const dayMs = 86_400_000

export function runsOf(points: Points): Run[] {
  const runs: Run[] = []
  for (let at = 0; at < points.count; at++) {
    const a = points.a[at]!
    if (a === 0) continue
    const run = runs.at(-1)
    if (run?.a === a) {
      run.last = at
      run.sightings++
    } else runs.push({ a, first: at, last: at, sightings: 1 })
  }
  return runs
}

/** A SIM's history: `a` is the device. */
export function judgeDevices(context: RuleContext, sim: number, points: Points): Outcome[] {
  const outcomes: Outcome[] = []
  const subscriber = context.sims.hex(sim)
  const number = context.numberOf(sim)
  for (const change of changesOf(context, points)) {
    const before = context.devices.hex(change.before.a)
    const after = context.devices.hex(change.after.a)
    const day = Math.floor(change.timeMs / dayMs)
    const models = { beforeModel: context.model(change.before.a), afterModel: context.model(change.after.a) }
    outcomes.push({
      record: 'movement',
      id: outcomeId('device-change', subscriber, before, after, day),
      timeMs: change.timeMs,
      movement: {
        ...movement(context, points, change),
        type: change.isToggle ? 'device-toggle' : 'device-swap',
        subscriber,
        number,
        before,
        after,
        ...models,
      },
    })
    if (change.isToggle) continue
    const evidence = {
      rule: 'DEVICE_SWAP',
      words: `The SIM was seen in ${device(models.beforeModel)} and ${gap(points, change)} later in ${device(models.afterModel)}.`,
      ...pair(context, points, change),
      before: { ...sightingEvidence(context, points, change.before.last), device: before, model: known(models.beforeModel) },
      after: { ...sightingEvidence(context, points, change.after.first), device: after, model: known(models.afterModel) },
      thresholds: { confirmMs: context.config.sim.confirmMs, toggleMs: context.config.sim.toggleMs },
    }
    const severity = change.isConfirmed ? 'minor' : 'warning'
    const cell = evidence.after.cell
    const alert = { type: 'device-swap', severity, subscriber, number, device: after, cell, evidence } as const
    outcomes.push({ record: 'alert', id: outcomeId('device-swap', subscriber, before, after, day), timeMs: change.timeMs, alert })
  }
  return outcomes
}

/** A number's history: `a` is the SIM, `b` the device it was in. */
export function judgeSims(context: RuleContext, numberReference: number, points: Points): Outcome[] {
  const outcomes: Outcome[] = []
  const number = context.numbers.hex(numberReference)
  for (const change of changesOf(context, points)) {
    const before = context.sims.hex(change.before.a)
    const after = context.sims.hex(change.after.a)
    const day = Math.floor(change.timeMs / dayMs)
    const deviceBefore = lastDevice(points, change.before)
    const deviceAfter = firstDevice(points, change.after, change.timeMs + context.config.sim.comboMs)
    const models = { beforeModel: context.model(deviceBefore), afterModel: context.model(deviceAfter) }
    outcomes.push({
      record: 'movement',
      id: outcomeId('sim-change', number, before, after, day),
      timeMs: change.timeMs,
      movement: {
        ...movement(context, points, change),
        type: change.isToggle ? 'sim-toggle' : 'sim-swap',
        subscriber: after,
        number,
        before,
        after,
        ...models,
      },
    })
    if (change.isToggle) continue
    const common = {
      ...pair(context, points, change),
      before: { ...sightingEvidence(context, points, change.before.last), sim: before, model: known(models.beforeModel) },
      after: { ...sightingEvidence(context, points, change.after.first), sim: after, model: known(models.afterModel) },
      thresholds: { confirmMs: context.config.sim.confirmMs, toggleMs: context.config.sim.toggleMs, comboMs: context.config.sim.comboMs },
    }
    const isCombo = deviceBefore !== 0 && deviceAfter !== 0 && deviceBefore !== deviceAfter
    const base = { subscriber: after, number, device: context.devices.hex(deviceAfter), cell: common.after.cell }
    const words = `The number was seen on one SIM and ${gap(points, change)} later on another.`
    outcomes.push({
      record: 'alert',
      id: outcomeId('sim-swap', number, before, after, day),
      timeMs: change.timeMs,
      alert: {
        type: 'sim-swap',
        severity: change.isConfirmed ? 'major' : 'minor',
        ...base,
        evidence: { rule: 'SIM_SWAP', words, ...common },
      },
    })
    if (!isCombo) continue
    const comboWords = `${words} The new SIM is in ${device(models.afterModel)}, the old one was in ${device(models.beforeModel)}.`
    outcomes.push({
      record: 'alert',
      id: outcomeId('swap-combo', number, before, after, day),
      timeMs: change.timeMs,
      alert: { type: 'swap-combo', severity: 'critical', ...base, evidence: { rule: 'SWAP_COMBO', words: comboWords, ...common } },
    })
  }
  return outcomes
}

/** A SIM's history where its region changes: a movement for the record, no alert. The first of a day and direction stands for all. */
export function judgeRegions(context: RuleContext, sim: number, points: Points): Outcome[] {
  const outcomes = new Map<string, Outcome>()
  const subscriber = context.sims.hex(sim)
  for (let at = 1; at < points.count; at++) {
    const regionBefore = context.regions[points.cell[at - 1]! >>> regionShift]!
    const regionAfter = context.regions[points.cell[at]! >>> regionShift]!
    if (regionBefore === regionAfter) continue
    const timeMs = points.timeMs[at]!
    const id = outcomeId('region-change', subscriber, regionBefore, regionAfter, Math.floor(timeMs / dayMs))
    if (outcomes.has(id)) continue
    const content: MovementContent = {
      type: 'region-change',
      confirmed: true,
      subscriber,
      number: context.numberOf(sim),
      before: '',
      after: '',
      beforeModel: missing.u32,
      afterModel: missing.u32,
      regionBefore,
      regionAfter,
      cell: context.cells.names[points.cell[at]! & cellMask]!,
    }
    outcomes.set(id, { record: 'movement', id, timeMs, movement: content })
  }
  return [...outcomes.values()]
}

/** Changes in order of time; of several between the same two on one day the book keeps the first. */
function changesOf(context: RuleContext, points: Points): Change[] {
  const { toggleMs, confirmMs } = context.config.sim
  const runs = runsOf(points)
  const newestMs = points.count === 0 ? 0 : points.timeMs[points.count - 1]!
  return runs.slice(1).map((after, at) => {
    const before = runs[at]!
    const timeMs = points.timeMs[after.first]!
    const comesBack = runs.some((run, later) => later > at + 1 && run.a === before.a && points.timeMs[run.first]! - timeMs <= toggleMs)
    const isReturn = runs.some(
      (run, earlier) => earlier < at && run.a === after.a && timeMs - points.timeMs[runs[earlier + 1]!.first]! <= toggleMs,
    )
    const standsMs = (after === runs.at(-1) ? newestMs : points.timeMs[after.last]!) - timeMs
    return { before, after, timeMs, isToggle: comesBack || isReturn, isConfirmed: after.sightings > 1 || standsMs >= confirmMs }
  })
}

function movement(context: RuleContext, points: Points, change: Change) {
  return {
    confirmed: change.isConfirmed,
    regionBefore: context.regions[points.cell[change.before.last]! >>> regionShift]!,
    regionAfter: context.regions[points.cell[change.after.first]! >>> regionShift]!,
    cell: context.cells.names[points.cell[change.after.first]! & cellMask]!,
  }
}

function pair(context: RuleContext, points: Points, change: Change) {
  const { confirmed, regionBefore, regionAfter } = movement(context, points, change)
  const metres = context.cells.distanceM(points.cell[change.before.last]! & cellMask, points.cell[change.after.first]! & cellMask)
  return {
    confirmed,
    region: regionAfter,
    regionBefore,
    regionAfter,
    gapMs: change.timeMs - points.timeMs[change.before.last]!,
    distanceM: Number.isNaN(metres) ? null : Math.round(metres),
  }
}

function lastDevice(points: Points, run: Run): number {
  for (let at = run.last; at >= run.first; at--) if (points.a[at] === run.a && points.b[at] !== 0) return points.b[at]!
  return 0
}

function firstDevice(points: Points, run: Run, untilMs: number): number {
  for (let at = run.first; at <= run.last && points.timeMs[at]! <= untilMs; at++) {
    if (points.a[at] === run.a && points.b[at] !== 0) return points.b[at]!
  }
  return 0
}

function gap(points: Points, change: Change): string {
  return duration(change.timeMs - points.timeMs[change.before.last]!)
}

function device(model: number): string {
  return model === missing.u32 ? 'a device of unknown model' : `a device of model ${String(model).padStart(8, '0')}`
}

function known(model: number): number | null {
  return model === missing.u32 ? null : model
}
