/**
 * SIM box: many SIMs in turn in one device that stands still. Function of a device's history, where `a` is the SIM.
 *
 * A device model that may carry many SIMs (modems, repair benches) is left out, and so is an IMEI seen at several distant sites in the same
 * span: that is one number printed on many phones. SIM boxes that spoof an IMEI per SIM are not found here.
 */

import { beyondReachM } from './clone.ts'
import { type Outcome, outcomeId } from './outcomes.ts'
import type { Points } from './points.ts'
import { cellMask, duration, type RuleContext, sightingEvidence } from './rule-context.ts'

const weekMs = 7 * 86_400_000
const namedSims = 10

export function judgeSimBox(context: RuleContext, device: number, points: Points): Outcome[] {
  const { windows, allowedModels } = context.config.simBox
  const model = context.model(device)
  if (allowedModels.includes(model)) return []
  const outcomes = new Map<number, Outcome>()
  for (const window of windows) {
    const sims = new Map<number, number>()
    const sites = new Map<number, number>()
    let from = 0
    for (let to = 0; to < points.count; to++) {
      count(sims, points.a[to]!, 1)
      count(sites, siteOf(context, points, to), 1)
      for (; points.timeMs[to]! - points.timeMs[from]! > window.windowMs; from++) {
        count(sims, points.a[from]!, -1)
        count(sites, siteOf(context, points, from), -1)
      }
      const week = Math.floor(points.timeMs[to]! / weekMs)
      if (sims.size < window.sims || outcomes.has(week)) continue
      const share = Math.max(...sites.values()) / (to - from + 1)
      if (share < context.config.simBox.sameSiteShare || isDuplicate(context, points, from, to)) continue
      const hex = context.devices.hex(device)
      const first = sightingEvidence(context, points, from)
      const last = sightingEvidence(context, points, to)
      const names = [...sims.keys()].map((sim) => context.sims.hex(sim)).sort()
      const evidence = {
        rule: 'SIM_BOX',
        words: `${names.length} SIMs were seen in one device within ${duration(window.windowMs)}, ${Math.round(share * 100)} % of the time at one site.`,
        region: last.region,
        regionBefore: first.region,
        regionAfter: last.region,
        simCount: names.length,
        sims: names.slice(0, namedSims),
        sameSiteShare: Math.round(share * 1000) / 1000,
        before: first,
        after: last,
        model,
        thresholds: { sims: window.sims, windowMs: window.windowMs, sameSiteShare: context.config.simBox.sameSiteShare },
      }
      const alert = { type: 'sim-box', severity: 'major', subscriber: '', number: '', device: hex, cell: last.cell, evidence } as const
      outcomes.set(week, { record: 'alert', id: outcomeId('sim-box', hex, week), timeMs: points.timeMs[to]!, alert })
    }
  }
  return [...outcomes.values()]
}

function count(counts: Map<number, number>, key: number, by: number): void {
  const now = (counts.get(key) ?? 0) + by
  if (now === 0) counts.delete(key)
  else counts.set(key, now)
}

/** The site a sighting was at; a cell of unknown place is a site of its own (below zero). */
function siteOf(context: RuleContext, points: Points, at: number): number {
  const cell = points.cell[at]! & cellMask
  return context.cells.isLocated(cell) ? context.cells.site[cell]! : -cell
}

function isDuplicate(context: RuleContext, points: Points, from: number, to: number): boolean {
  const { distantM, distantSites } = context.config.simBox
  const sites: number[] = []
  for (let at = from; at <= to; at++) {
    const cell = points.cell[at]! & cellMask
    if (!context.cells.isLocated(cell)) continue
    if (sites.every((site) => site !== cell && beyondReachM(context.cells, site, cell) > distantM)) sites.push(cell)
    if (sites.length > distantSites) return true
  }
  return false
}
