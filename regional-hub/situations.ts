/**
 * Gathers what is open into situations: what one person would call one thing. Alerts of one device under several SIMs, of one subscriber, of one site,
 * of one cell; silent agents; and, when most of them are silent, what is above them. A parent explains its children: they are counted and shown
 * grey, with the reason in words, and do not call.
 *
 * Promises: pure; a function of the SET of alerts, never of their order; every open alert is in exactly one situation. Runs in the page too.
 */
import type { GreyThing, Maintenance, Muted, Severity, Situation, SituationCounts, SituationsAnswer } from './console-api.ts'
import { mutedByMaintenance } from './maintenance.ts'
import type { LiveAgent, LiveAlert, LiveState } from './reduce-live.ts'

export interface SituationInput {
  readonly nowMs: number
  readonly region: string
  readonly alerts: LiveState['alerts']
  readonly triage: LiveState['triage']
  readonly agents: readonly LiveAgent[]
  /** Name of the first cell of the same site; '' when the cell's place is unknown. */
  readonly siteOf: (cell: string) => string
  readonly cellsOf: (agent: string) => readonly string[]
  readonly maintenance: readonly Maintenance[]
  /** Batches that wait for the core. */
  readonly waitingForCore: number
}

const severities: readonly Severity[] = ['critical', 'major', 'minor', 'warning', 'indeterminate', 'cleared']
export const silentAfterMs = 15_000
/** An acknowledgement that stands so long, with the alert still open, was probably forgotten. */
export const forgottenAfterMs = 8 * 3600_000
const waitingIsMuch = 1_000
const alertsAtOnePlace = 3

export function groupSituations(input: SituationInput, show: 'open' | 'unacknowledged' | 'all' = 'open'): SituationsAnswer {
  const { nowMs, triage } = input
  const above = aboveAlerts(input)
  const alerts = Object.values(input.alerts).filter((one) => !one.retracted && (show === 'all' || statusOf(input, one) !== 'closed'))
  const mutedAlerts = new Map<string, Muted>()
  for (const alert of alerts) {
    const muted = mutedAlert(input, alert, above)
    if (muted !== undefined) mutedAlerts.set(alert.id, muted)
  }
  const groups = grouped(alerts, input.siteOf).map((group) => fromAlerts(input, group, mutedAlerts))
  const items = [...above, ...groups]
    .filter(({ status }) => show !== 'unacknowledged' || status === 'active')
    .sort(
      (a, b) => Number(a.muted !== null) - Number(b.muted !== null) || rank(a) - rank(b) || b.lastMs - a.lastMs || (a.id < b.id ? -1 : 1),
    )
  const open = alerts.filter((one) => statusOf(input, one) !== 'closed')
  return {
    timeMs: nowMs,
    items,
    counts: counted(input, open, [...above, ...groups], mutedAlerts),
    grey: greyOf(above, mutedAlerts, triage),
  }
}

function statusOf({ triage }: SituationInput, { id }: LiveAlert): Situation['status'] {
  return triage[id]?.status ?? 'active'
}

/** What is not an alert of anybody: silent agents, what is above them, and a core that does not take. */
function aboveAlerts(input: SituationInput): readonly Situation[] {
  const { agents, nowMs, region, cellsOf, maintenance, waitingForCore } = input
  const enrolled = agents.filter((agent) => agent.enrolled)
  const silent = enrolled.filter(({ lastSeenMs }) => !(nowMs - (lastSeenMs ?? 0) <= silentAfterMs))
  const isUpstream = silent.length >= 2 && silent.length * 2 >= enrolled.length
  const found: Situation[] = []
  const upstreamId = `upstream:${region}`
  const sinceOf = (agent: LiveAgent) => agent.lastSeenMs ?? 0
  if (isUpstream) {
    const firstMs = Math.min(...silent.map(sinceOf))
    found.push({
      ...blank('upstream', region, upstreamId, firstMs, Math.max(...silent.map(sinceOf))),
      title: `${silent.length} of ${enrolled.length} agents are silent`,
      reason: 'Most agents fell silent: rather one cause above them (the region’s server, its uplink, power) than many.',
      severity: 'critical',
      agents: silent.map(({ agent }) => agent),
      cells: silent.flatMap(({ agent }) => cellsOf(agent)),
      types: { 'agent-silent': silent.length },
    })
  }
  for (const agent of silent) {
    const scope = { agent: agent.agent, cells: cellsOf(agent.agent) }
    const parent: Muted = {
      by: 'parent',
      parentId: upstreamId,
      words: `Explained by: ${silent.length} of ${enrolled.length} agents are silent.`,
    }
    found.push({
      ...blank('agent', agent.agent, `agent:${agent.agent}`, sinceOf(agent), sinceOf(agent)),
      title: `${agent.agent} is silent`,
      reason: agent.lastSeenMs === null ? 'Enrolled, and never heard yet.' : `Nothing was heard of it since ${clock(agent.lastSeenMs)}.`,
      severity: 'major',
      agents: [agent.agent],
      cells: scope.cells,
      types: { 'agent-silent': 1 },
      muted: mutedByMaintenance(maintenance, nowMs, scope, input) ?? (isUpstream ? parent : null),
    })
  }
  if (waitingForCore > waitingIsMuch) {
    found.push({
      ...blank('upstream', 'core', 'upstream:core', nowMs, nowMs),
      title: 'The core does not take what is sent',
      reason: `${waitingForCore} batches wait for it on this hub’s disk. Detection here goes on; nothing is lost while the disk has room.`,
      severity: 'warning',
      types: { 'core-behind': 1 },
    })
  }
  return found
}

function blank(kind: Situation['kind'], key: string, id: string, firstMs: number, lastMs: number): Situation {
  const nothing = { cells: [], agents: [], types: {}, alertIds: [], muted: null, acknowledgedMs: null, isForgotten: false }
  return { ...nothing, id, kind, key, title: '', reason: '', severity: 'indeterminate', status: 'active', firstMs, lastMs }
}

interface Group {
  readonly kind: Situation['kind']
  readonly key: string
  readonly reason: string
  readonly alerts: readonly LiveAlert[]
}

/** Each round takes what belongs together by one thing; what is left goes to the next. */
function grouped(alerts: readonly LiveAlert[], siteOf: SituationInput['siteOf']): readonly Group[] {
  const groups: Group[] = []
  let left = alerts
  const round = (
    kind: Group['kind'],
    keyOf: (alert: LiveAlert) => string,
    isOne: (of: readonly LiveAlert[]) => boolean,
    words: (of: readonly LiveAlert[]) => string,
  ) => {
    const rest: LiveAlert[] = []
    for (const [key, of] of Map.groupBy(left, keyOf)) {
      if (key !== '' && isOne(of)) groups.push({ kind, key, reason: words(of), alerts: of })
      else rest.push(...of)
    }
    left = rest
  }
  const subscribersOf = (of: readonly LiveAlert[]) => new Set(of.map(personOf).filter((one) => one !== '')).size
  const cellsOf = (of: readonly LiveAlert[]) => new Set(of.map(({ cell }) => cell)).size
  round(
    'device',
    ({ device }) => device,
    (of) => subscribersOf(of) >= 2,
    (of) => `One device with ${subscribersOf(of)} subscribers.`,
  )
  round(
    'subscriber',
    personOf,
    (of) => of.length >= 2,
    (of) => `${of.length} alerts of the same subscriber.`,
  )
  round(
    'site',
    ({ cell }) => (cell === '' ? '' : siteOf(cell)),
    (of) => of.length >= alertsAtOnePlace && cellsOf(of) >= 2,
    (of) => `${of.length} alerts at ${cellsOf(of)} cells of one site.`,
  )
  round(
    'cell',
    ({ cell }) => cell,
    (of) => of.length >= alertsAtOnePlace,
    (of) => `${of.length} alerts at the same cell.`,
  )
  for (const alert of left) groups.push({ kind: 'single', key: alert.id, reason: 'It stands alone.', alerts: [alert] })
  return groups
}

function fromAlerts(input: SituationInput, { kind, key, reason, alerts }: Group, mutedAlerts: ReadonlyMap<string, Muted>): Situation {
  const byTime = [...alerts].sort((a, b) => a.timeMs - b.timeMs || (a.id < b.id ? -1 : 1))
  const open = byTime.filter((one) => statusOf(input, one) !== 'closed')
  const statuses = new Set(open.map((one) => statusOf(input, one)))
  const status = (['active', 'acknowledged', 'snoozed'] as const).find((one) => statuses.has(one)) ?? 'closed'
  const acknowledgedMs = open.flatMap(({ id }) => {
    const word = input.triage[id]
    return word?.status === 'acknowledged' ? [word.atMs] : []
  })
  const oldestMs = acknowledgedMs.length === 0 ? null : Math.min(...acknowledgedMs)
  const types = countOf(byTime.map(({ type }) => type))
  const isMuted = open.length > 0 && open.every(({ id }) => mutedAlerts.has(id))
  return {
    id: `${kind}:${key}`,
    kind,
    key,
    title: Object.entries(types)
      .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
      .map(([type, count]) => (count === 1 ? type : `${count} × ${type}`))
      .join(', '),
    reason,
    severity: severities.find((one) => (open.length > 0 ? open : byTime).some(({ severity }) => severity === one)) ?? 'indeterminate',
    status,
    firstMs: byTime[0]!.timeMs,
    lastMs: byTime.at(-1)!.timeMs,
    alertIds: byTime.map(({ id }) => id),
    types,
    cells: [...new Set(byTime.map(({ cell }) => cell).filter((cell) => cell !== ''))],
    agents: [],
    muted: isMuted ? mutedAlerts.get(open[0]!.id)! : null,
    acknowledgedMs: oldestMs,
    isForgotten: oldestMs !== null && input.nowMs - oldestMs >= forgottenAfterMs,
  }
}

/** A person's snooze first, then maintenance, then a parent. */
function mutedAlert(input: SituationInput, alert: LiveAlert, above: readonly Situation[]): Muted | undefined {
  const { triage, nowMs, maintenance } = input
  const word = triage[alert.id]
  if (word?.status === 'snoozed' && !(word.untilMs !== undefined && word.untilMs <= nowMs)) {
    const until = word.untilMs === undefined ? 'until somebody wakes it' : `until ${clock(word.untilMs)}`
    return { by: 'snooze', words: `Snoozed ${until} by ${word.by}: ${word.reason}`, untilMs: word.untilMs }
  }
  const planned = mutedByMaintenance(maintenance, nowMs, alert, input)
  if (planned !== null) return planned
  const parent = above.find(({ firstMs, cells, kind }) => kind !== 'upstream' && alert.timeMs >= firstMs && cells.includes(alert.cell))
  return parent && { by: 'parent', parentId: parent.id, words: `Explained by: ${parent.title}. ${parent.reason}` }
}

function greyOf(above: readonly Situation[], mutedAlerts: ReadonlyMap<string, Muted>, triage: LiveState['triage']): readonly GreyThing[] {
  const grey: GreyThing[] = []
  for (const { kind, id, title, reason, cells, key, muted } of above) {
    if (kind === 'upstream') continue
    if (muted !== null) grey.push({ kind: 'agent', id: key, muted })
    const words = `It says nothing: ${title}. ${reason}`
    for (const cell of cells) grey.push({ kind: 'cell', id: cell, muted: { by: 'parent', parentId: id, words } })
  }
  for (const [id, muted] of mutedAlerts) if (triage[id]?.status !== 'closed') grey.push({ kind: 'alert', id, muted })
  return grey
}

function counted(
  input: SituationInput,
  open: readonly LiveAlert[],
  situations: readonly Situation[],
  muted: ReadonlyMap<string, Muted>,
): SituationCounts {
  return {
    bySeverity: countOf(open.map(({ severity }) => severity)),
    byType: countOf(open.map(({ type }) => type)),
    open: open.length,
    unacknowledged: open.filter((one) => statusOf(input, one) === 'active').length,
    snoozed: open.filter((one) => statusOf(input, one) === 'snoozed').length,
    muted: open.filter(({ id }) => muted.has(id)).length,
    forgotten: situations.filter(({ isForgotten }) => isForgotten).length,
  }
}

function personOf({ subscriber, number }: LiveAlert): string {
  return subscriber === '' ? number : subscriber
}

function rank({ severity }: Situation): number {
  return severities.indexOf(severity)
}

function countOf(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

function clock(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
