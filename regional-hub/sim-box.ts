/**
 * SIM box: many SIMs in turn in one device that stands still. Function of a device's history, where `a` is the SIM.
 *
 * A device model that may carry many SIMs (modems, repair benches) is left out, and so is an IMEI seen at several distant sites in the same
 * span: that is one number printed on many phones. SIM boxes that spoof an IMEI per SIM are not found here.
 */

import { beyondReachM } from './clone.ts'
import type { Points } from './history.ts'
import { type Outcome, outcomeId } from './outcomes.ts'
import { cellMask, duration, type RuleContext, sightingEvidence } from './rule-context.ts'

const weekMs = 7 * 86_400_000
const namedSims = 10

export function judgeSimBox(context: RuleContext, device: number, points: Points): Outcome[] {
  const { windows, allowedModels } = context.config.simBox
  const model = context.model(device)
  if (allowedModels.includes(model)) return []
  const outcomes = new Map<number, Outcome>()
  for (const window of windows) {
    const counts = new Map<number, number>()
    let from = 0
    for (let to = 0; to < points.count; to++) {
      counts.set(points.a[to]!, (counts.get(points.a[to]!) ?? 0) + 1)
      while (points.timeMs[to]! - points.timeMs[from]! > window.windowMs) {
        const left = counts.get(points.a[from]!)! - 1
        if (left === 0) counts.delete(points.a[from]!)
        else counts.set(points.a[from]!, left)
        from++
      }
      const week = Math.floor(points.timeMs[to]! / weekMs)
      if (counts.size < window.sims || outcomes.has(week)) continue
      const site = siteShare(context, points, from, to)
      if (site.share < context.config.simBox.sameSiteShare || isDuplicate(context, points, from, to)) continue
      const hex = context.devices.hex(device)
      const first = sightingEvidence(context, points, from)
      const last = sightingEvidence(context, points, to)
      const sims = [...counts.keys()].map((sim) => context.sims.hex(sim)).sort()
      const evidence = {
        rule: 'SIM_BOX',
        words: `${sims.length} SIMs were seen in one device within ${duration(window.windowMs)}, ${Math.round(site.share * 100)} % of the time at one site.`,
        region: last.region,
        regionBefore: first.region,
        regionAfter: last.region,
        simCount: sims.length,
        sims: sims.slice(0, namedSims),
        sameSiteShare: Math.round(site.share * 1000) / 1000,
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

/** The largest share of sightings at one site; a cell of unknown place is a site of its own. */
function siteShare(context: RuleContext, points: Points, from: number, to: number): { share: number } {
  const sites = new Map<string, number>()
  let most = 0
  for (let at = from; at <= to; at++) {
    const cell = points.cell[at]! & cellMask
    const site = context.cells.isLocated(cell) ? `s${context.cells.site[cell]}` : `c${cell}`
    const count = (sites.get(site) ?? 0) + 1
    sites.set(site, count)
    most = Math.max(most, count)
  }
  return { share: most / (to - from + 1) }
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
