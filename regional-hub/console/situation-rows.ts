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

/** Alerts by what they are, the commonest first; what is no alert (a silent agent, a cut link) by the hub's own words. */
export function titleOf({ title, types, kind, key }: Situation): string {
  const known = Object.entries(types).filter(([type]) => type in alertWords)
  if (known.length === 0) return title === '' ? `${kind} ${short(key)}` : title
  return known
    .sort((a, b) => b[1] - a[1])
    .map(([type, many]) => (many > 1 ? `${many} × ${typeWords(type)}` : typeWords(type)))
    .join(', ')
}

/** What to say below the title: of one alert what happened, of several why they belong together. */
export function reasonOf({ alertIds, reason }: Situation, state: Pick<LiveState, 'alerts'>): string {
  const only = alertIds.length === 1 ? state.alerts[alertIds[0]!] : undefined
  return (only && evidenceOf(only).words) ?? reason
}
