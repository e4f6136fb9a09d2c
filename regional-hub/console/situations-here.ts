/** Groups the alerts of a state in the page, where the hub cannot be asked: a moment that is over, or before its first answer. */
import type { LiveAlert, LiveState, Severity, Situation, Triage } from '../console-api.ts'
import { rank } from './severities.ts'

type Alerted = Pick<LiveState, 'alerts' | 'triage'>

export function groupHere(state: Alerted): readonly Situation[] {
  const groups = new Map<string, LiveAlert[]>()
  for (const alert of Object.values(state.alerts)) {
    if (alert.retracted) continue
    const [kind, key] = commonOf(alert)
    const id = `${kind}:${key}`
    const group = groups.get(id)
    if (group === undefined) groups.set(id, [alert])
    else group.push(alert)
  }
  const situations = [...groups].map(([id, alerts]) => situationOf(id, alerts, state))
  return situations.sort((a, b) => rank(a.severity) - rank(b.severity) || b.lastMs - a.lastMs)
}

function commonOf({ type, device, subscriber, number, cell, id }: LiveAlert): [Situation['kind'], string] {
  if (type === 'sim-box' && device !== '') return ['device', device]
  if (subscriber !== '') return ['subscriber', subscriber]
  if (number !== '') return ['subscriber', number]
  if (device !== '') return ['device', device]
  return cell === '' ? ['single', id] : ['cell', cell]
}

function situationOf(id: string, alerts: LiveAlert[], state: Alerted): Situation {
  alerts.sort((a, b) => a.timeMs - b.timeMs)
  const last = alerts.at(-1)!
  const types: Record<string, number> = {}
  for (const { type } of alerts) types[type] = (types[type] ?? 0) + 1
  const statuses = alerts.map((alert) => statusOf(state.triage[alert.id]))
  const worst = alerts.reduce((a, b) => (rank(b.severity) < rank(a.severity) ? b : a)).severity as Severity
  const at = id.indexOf(':')
  const status = (['active', 'acknowledged', 'snoozed', 'closed'] as const).find((one) => statuses.includes(one)) ?? 'active'
  const untilMs = status === 'snoozed' ? Math.max(...alerts.map((alert) => state.triage[alert.id]?.untilMs ?? 0)) : 0
  return {
    id,
    kind: id.slice(0, at) as Situation['kind'],
    key: id.slice(at + 1),
    title: '',
    reason: '',
    severity: worst,
    status,
    firstMs: alerts[0]!.timeMs,
    lastMs: last.timeMs,
    alertIds: alerts.map((alert) => alert.id),
    types,
    cells: [...new Set(alerts.map(({ cell }) => cell).filter((cell) => cell !== ''))],
    agents: [],
    muted: status === 'snoozed' ? { by: 'snooze', words: 'snoozed', untilMs } : null,
    acknowledgedMs:
      status === 'acknowledged' ? Math.min(...alerts.map((alert) => state.triage[alert.id]?.atMs ?? Number.POSITIVE_INFINITY)) : null,
    isForgotten: false,
  }
}

export function statusOf(triage: Triage | undefined | null): Triage['status'] {
  return triage?.status ?? 'active'
}
