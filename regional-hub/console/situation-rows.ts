/** Which situations a list shows, in which order; and what a situation is called. Nothing is left out for its age. */
import type { LiveState, Situation } from '../console-api.ts'
import { evidenceOf } from './map-marks.ts'
import type { Place } from './place.ts'
import { rank } from './severities.ts'
import { alertWords, short, typeWords } from './words.ts'

export function shownSituations(
  all: readonly Situation[],
  state: Pick<LiveState, 'alerts'>,
  { show, severity, find }: Pick<Place, 'show' | 'severity' | 'find'>,
): Situation[] {
  const words = find.trim().toLowerCase()
  return all
    .filter(({ status }) => show === 'all' || (show === 'open' ? status !== 'closed' : status === 'active'))
    .filter((situation) => severity === '' || situation.severity === severity)
    .filter((situation) => words === '' || textOf(situation, state).includes(words))
    .sort((a, b) => Number(a.muted !== null) - Number(b.muted !== null) || rank(a.severity) - rank(b.severity) || b.lastMs - a.lastMs)
}

function textOf(situation: Situation, state: Pick<LiveState, 'alerts'>): string {
  const alerts = situation.alertIds.map((id) => state.alerts[id])
  const ids = alerts.flatMap((alert) =>
    alert === undefined ? [] : [alert.id, alert.subscriber, alert.number, alert.device, alert.cell, typeWords(alert.type), alert.type],
  )
  return [situation.title, situation.key, ...situation.cells, ...situation.agents, ...ids].join(' ').toLowerCase()
}

/** A situation of one alert is that alert; of several, what they have in common. */
export function titleOf({ title, types, kind, key, alertIds }: Situation): string {
  const [type = ''] = Object.keys(types).sort((a, b) => types[b]! - types[a]!)
  if (alertIds.length === 1) return typeWords(type)
  if (title !== '') return alertWords[title] ?? title
  const many = Object.keys(types).length
  return `${typeWords(type)}${many > 1 ? ` and ${many - 1} more` : ''} · ${kind} ${short(key)}`
}

/** What to say below the title: of one alert what happened, of several why they belong together. */
export function reasonOf({ alertIds, reason }: Situation, state: Pick<LiveState, 'alerts'>): string {
  const only = alertIds.length === 1 ? state.alerts[alertIds[0]!] : undefined
  return (only && evidenceOf(only).words) ?? reason
}
