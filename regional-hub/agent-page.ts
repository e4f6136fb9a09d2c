/** What the console shows of one agent's site, and the answer to "what did it lose last night". */
import type { ApiDeps } from './api-deps.ts'
import { problem } from './api-problems.ts'
import { windowsOf } from './api-situations.ts'
import type { AgentItem, AgentPage, LossesAnswer, LossItem, Silence } from './console-api.ts'
import { liveAgent } from './cut-live.ts'
import { silentAfterMs } from './situations.ts'

export async function agentItems({ pipeline, history, clock }: ApiDeps, asked: { fromMs: number; toMs: number }): Promise<AgentItem[]> {
  const counts = await history.ask('tallies', asked)
  const nowMs = clock.nowMs()
  return pipeline.state.progress.list().map((one) => {
    const agent = liveAgent(one)
    const isComplete = agent.completeThroughMs !== null && nowMs - agent.completeThroughMs <= silentAfterMs && agent.missing === 0
    const isSilent = !(nowMs - (agent.lastSeenMs ?? 0) <= silentAfterMs)
    return { ...agent, isSilent, isComplete, counts: counts.filter((row) => row.agent === agent.agent) }
  })
}

export async function oneAgent(deps: ApiDeps, name: string, range: { fromMs: number; toMs: number }): Promise<AgentItem> {
  const found = (await agentItems(deps, range)).find(({ agent }) => agent === name)
  if (found === undefined) throw problem(404, 'There is no such agent.')
  return found
}

export function agentPage(deps: ApiDeps, agent: AgentItem, nowMs: number): AgentPage {
  const { pipeline, watch, desk } = deps
  const name = agent.agent
  const cells = watch.cellsOf(name)
  const latest = pipeline.state.progress.latest(name)
  const health = latest?.beat.health ?? null
  const ageOf = (lane: string, batches: number) => {
    if (batches === 0) return null
    const stored = health?.oldestMs?.[lane as keyof typeof health.oldestMs] ?? latest?.waitingSinceMs.get(lane as never)
    return stored === undefined ? null : Math.max(0, (latest?.beat.timeMs ?? nowMs) - stored)
  }
  return {
    agent,
    cells,
    backlog: agent.backlog.map(({ lane, batches }) => ({ lane, batches, ageMs: ageOf(lane, batches) })),
    health,
    clockOffsetMs: latest === undefined ? null : (health?.clockOffsetMs ?? latest.beat.timeMs - latest.heardMs),
    beatAgeMs: latest === undefined ? null : nowMs - latest.heardMs,
    silences: desk.silences(name, nowMs - 24 * 3600_000, nowMs + 1),
    maintenance: windowsOf(deps, nowMs).filter(
      ({ scope, state }) => state !== 'over' && (scope.kind === 'region' || scope.key === name || cells.includes(scope.key)),
    ),
  }
}

export interface LossesInput {
  readonly agent: AgentItem
  readonly losses: readonly LossItem[]
  readonly silences: readonly Silence[]
  readonly passedOver: number
  readonly fromMs: number
  readonly toMs: number
  readonly nowMs: number
}

/** Pure: from what the ledger, the agent's own losses and the silences say, to a sentence. */
export function lossesOf({ agent, losses, silences, passedOver, fromMs, toMs, nowMs }: LossesInput): LossesAnswer {
  const lostRows = losses.reduce((sum, { rows }) => sum + rows, 0)
  const untilMs = Math.min(toMs, nowMs)
  const silentMs = silences.reduce(
    (sum, one) => sum + Math.max(0, Math.min(one.toMs ?? untilMs, untilMs) - Math.max(one.fromMs, fromMs)),
    0,
  )
  const missingBatches = agent.missing
  return {
    agent: agent.agent,
    fromMs,
    toMs,
    words: lossWords(losses, lostRows, missingBatches, silences, silentMs, agent),
    counts: agent.counts,
    losses,
    lostRows,
    gaps: agent.gaps,
    missingBatches,
    passedOver,
    silences,
    silentMs,
  }
}

function lossWords(
  losses: readonly LossItem[],
  lostRows: number,
  missing: number,
  silences: readonly Silence[],
  silentMs: number,
  { completeThroughMs }: AgentItem,
): string {
  const lost =
    lostRows === 0
      ? 'Nothing was given up.'
      : `${lostRows} rows were given up: ${[...Map.groupBy(losses, ({ reason }) => reason)]
          .map(
            ([reason, of]) =>
              `${of.reduce((sum, { rows }) => sum + rows, 0)} for ${reason} (${[...new Set(of.map(({ lane }) => lane))].join(', ')})`,
          )
          .join('; ')}.`
  const gaps = missing === 0 ? '' : ` ${missing} batches are numbered and not here yet.`
  const silent =
    silences.length === 0
      ? ''
      : ` It was silent ${silences.length === 1 ? 'once' : `${silences.length} times`}, ${Math.round(silentMs / 1000)} s in all; what it kept meanwhile is sent later.`
  const complete =
    completeThroughMs === null
      ? ' It never was complete yet.'
      : ` Complete through ${new Date(completeThroughMs).toISOString().slice(0, 19)}Z.`
  return `${lost}${gaps}${silent}${complete}`
}
