/**
 * How complete what the core holds of a range of event time is, from what hubs say of their agents. Pure.
 *
 * An agent counts 1 when everything up to the range's end (or 15 s before now, whichever is earlier) has arrived from it and no gap and no
 * loss touches the range; else 0. A region's completeness is the share of its enrolled agents that count, a silent one among them.
 */
import type { Loss, Progress, Range } from './ports.ts'

const silentAfterMs = 15_000
const gapReachMs = 60_000

export interface Gap {
  readonly lane: string
  readonly fromSeq: number | null
  readonly toSeq: number | null
  readonly fromMs: number | null
  readonly toMs: number | null
}

export interface AgentCompleteness {
  readonly region: string
  readonly agent: string
  readonly completeness: number
  readonly watermarkMs: number | null
  readonly lastSeenMs: number | null
  readonly received: number
  readonly missing: number
  readonly silent: boolean
  readonly gaps: readonly Gap[]
  readonly losses: readonly Loss[]
}

export interface RegionCompleteness {
  readonly region: string
  readonly completeness: number
  /** Everything of an earlier event time has arrived from every enrolled agent. */
  readonly watermarkMs: number | null
  readonly received: number
  readonly agents: readonly AgentCompleteness[]
  readonly silent: readonly string[]
}

export function assessCompleteness(
  progress: readonly Progress[],
  losses: readonly Loss[],
  range: Range,
  nowMs: number,
): readonly RegionCompleteness[] {
  const neededMs = Math.min(range.toMs, nowMs) - silentAfterMs
  const byAgent = Map.groupBy(progress, ({ region, agent }) => `${region}/${agent}`)
  const agents: AgentCompleteness[] = []
  for (const rows of byAgent.values()) {
    const latestMs = Math.max(...rows.map((row) => row.timeMs))
    const latest = rows.filter((row) => row.timeMs === latestMs)
    if (!latest.some((row) => row.enrolled)) continue
    const { region, agent } = latest[0]!
    const through = latest.map((row) => row.completeThroughMs ?? Number.NEGATIVE_INFINITY)
    const watermarkMs = Math.min(...through)
    const gaps = latest.flatMap((row) => parseGaps(row.gaps)).filter((gap) => touches(gap.fromMs, gap.toMs, range))
    const lost = losses.filter((loss) => loss.region === region && loss.agent === agent)
    const silent = watermarkMs < neededMs
    agents.push({
      region,
      agent,
      completeness: silent || gaps.length > 0 || lost.length > 0 ? 0 : 1,
      watermarkMs: Number.isFinite(watermarkMs) ? watermarkMs : null,
      lastSeenMs: maxOf(latest.map((row) => row.lastSeenMs)),
      received: latest.reduce((sum, row) => sum + row.received, 0),
      missing: latest.reduce((sum, row) => sum + row.missing, 0),
      silent,
      gaps,
      losses: lost,
    })
  }
  return [...Map.groupBy(agents, ({ region }) => region)]
    .map(([region, ofRegion]) => {
      const sorted = ofRegion.sort((a, b) => (a.agent < b.agent ? -1 : 1))
      const watermarks = sorted.map((one) => one.watermarkMs)
      return {
        region,
        completeness: sorted.reduce((sum, one) => sum + one.completeness, 0) / sorted.length,
        watermarkMs: watermarks.includes(null) ? null : Math.min(...(watermarks as number[])),
        received: sorted.reduce((sum, one) => sum + one.received, 0),
        agents: sorted,
        silent: sorted.filter((one) => one.silent).map((one) => one.agent),
      }
    })
    .sort((a, b) => (a.region < b.region ? -1 : 1))
}

/** The whole network's share, as every list answer carries it; null where no agent is enrolled yet. */
export function summariseCompleteness(regions: readonly RegionCompleteness[]) {
  const agents = regions.flatMap((region) => region.agents)
  return {
    completeness: agents.length === 0 ? null : agents.reduce((sum, one) => sum + one.completeness, 0) / agents.length,
    agents: agents.length,
    silent: regions.flatMap(({ region, silent }) => silent.map((agent) => ({ region, agent }))),
    regions: regions.map(({ region, completeness, watermarkMs }) => ({ region, completeness, watermark: timeOrNull(watermarkMs) })),
  }
}

export function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}

/** A bound that is not known excludes nothing. */
function touches(fromMs: number | null, toMs: number | null, range: Range): boolean {
  return (fromMs === null || fromMs < range.toMs) && (toMs === null || toMs >= range.fromMs)
}

function parseGaps(text: string): Gap[] {
  let found: unknown
  try {
    found = text === '' ? [] : JSON.parse(text)
  } catch {
    return [{ lane: '', fromSeq: null, toSeq: null, fromMs: null, toMs: null }] // something is missing, its hub could not say what
  }
  const number = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : null)
  return (Array.isArray(found) ? found : []).map((gap: Record<string, unknown>) => ({
    lane: String(gap?.lane ?? ''),
    fromSeq: number(gap?.fromSeq ?? gap?.from),
    toSeq: number(gap?.toSeq ?? gap?.to),
    fromMs: number(gap?.fromMs) ?? noticed(number(gap?.sinceMs)),
    toMs: number(gap?.toMs) ?? number(gap?.sinceMs),
  }))
}

/** A hub knows when it noticed that batches are missing, not what they held: they are taken to be of the minute before. */
function noticed(sinceMs: number | null): number | null {
  return sinceMs === null ? null : sinceMs - gapReachMs
}

function maxOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}
