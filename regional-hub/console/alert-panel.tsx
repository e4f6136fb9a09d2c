/** One alert or one situation: what happened in words, the two sightings, the rule and its figures, what people did, and what can be done. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { AlertAnswer, LiveAlert } from '../console-api.ts'
import { ask } from './ask-hub.ts'
import { useConsole } from './console-model.ts'
import { EvidenceMap } from './evidence-map.tsx'
import { evidenceOf, type Sighting } from './map-marks.ts'
import { ruleWords } from './rule-words.ts'
import { SeverityMark } from './severity-mark.tsx'
import { titleOf } from './situation-rows.ts'
import { statusOf } from './situations-here.ts'
import { TriageActions } from './triage-actions.tsx'
import { metres, short, span, stamp, typeWords, when } from './words.ts'

export function SituationPanel({ id }: { readonly id: string }) {
  const console = useConsole()
  const state = console.shown.value
  const situation = console.situations.value.find((one) => one.id === id)
  if (situation === undefined) return <p class="empty">This situation is over, or not in what is shown.</p>
  if (situation.alertIds.length === 1) return <AlertPanel id={situation.alertIds[0]!} />
  const alerts = situation.alertIds.flatMap((one) => state.alerts[one] ?? []).sort((a, b) => b.timeMs - a.timeMs)
  return (
    <>
      <h2>
        <SeverityMark severity={situation.severity} isMuted={situation.muted !== null} /> {titleOf(situation)}
      </h2>
      {situation.reason !== '' && <p>{situation.reason}</p>}
      {situation.muted !== null && <p class="grey-why">Why is this grey? {situation.muted.words}</p>}
      <p class="hint">
        {situation.alertIds.length} alerts from {when(situation.firstMs, state.timeMs)} to {when(situation.lastMs, state.timeMs)}
      </p>
      <TriageActions key={id} ids={situation.alertIds} status={situation.status} />
      <h3>Alerts in it</h3>
      <ul class="situations">
        {alerts.slice(0, 100).map((alert) => (
          <li key={alert.id}>
            <button type="button" onClick={() => console.go({ selected: `alert:${alert.id}` })}>
              <SeverityMark severity={alert.severity} />
              <span class="what">
                <b>{typeWords(alert.type)}</b>
                <span class="why">{evidenceOf(alert).words ?? alert.cell}</span>
              </span>
              <span class="state">{statusOf(state.triage[alert.id]) === 'active' ? '' : statusOf(state.triage[alert.id])}</span>
              <time>{when(alert.timeMs, state.timeMs)}</time>
            </button>
          </li>
        ))}
      </ul>
    </>
  )
}

export function AlertPanel({ id }: { readonly id: string }) {
  const console = useConsole()
  const state = console.shown.value
  const answer = useSignal<AlertAnswer | null>(null)
  const triage = state.triage[id]
  useEffect(() => {
    let isCurrent = true
    ask<AlertAnswer>(`/api/alerts/${id}`).then(
      (found) => {
        if (isCurrent) answer.value = found
      },
      () => {
        if (isCurrent) answer.value = null
      },
    )
    return () => {
      isCurrent = false
    }
  }, [id, triage?.revision, triage?.atMs])
  const known = answer.value?.id === id ? answer.value : null
  const alert: LiveAlert | null = state.alerts[id] ?? known
  if (alert === null) return <p class="empty">Looking for this alert…</p>
  const status = known?.status ?? statusOf(triage)
  const situation = console.situations.value.find(({ alertIds }) => alertIds.includes(id))
  const { words, before, after } = evidenceOf(alert)
  return (
    <>
      <h2>
        <SeverityMark severity={alert.severity} isMuted={(situation?.muted ?? null) !== null} /> {typeWords(alert.type)}
      </h2>
      <p class="hint">
        {alert.severity} · {status} · {stamp(alert.timeMs)} · found {span(alert.detectedMs - alert.timeMs)} later
        {alert.retracted && ' · taken back: later knowledge explains it'}
      </p>
      {words !== undefined && <p class="lead">{words}</p>}
      {situation?.muted != null && <p class="grey-why">Why is this grey? {situation.muted.words}</p>}
      <TriageActions key={id} ids={[id]} status={status} />
      <EvidenceMap alert={alert} />
      {before !== undefined && after !== undefined && <TimeLine before={before} after={after} detectedMs={alert.detectedMs} />}
      <h3>Why it was raised</h3>
      <dl class="facts-list">
        {ruleWords(alert).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <h3>Who and where</h3>
      <dl class="facts-list">
        <Known name="Subscriber" value={alert.subscriber} to={`subscriber:${alert.subscriber}`} />
        <Known name="Number" value={alert.number} />
        <Known name="Device" value={alert.device} />
        <Known name="Cell" value={alert.cell} to={`cell:${alert.cell}`} />
      </dl>
      <h3>What was done</h3>
      {(known?.history.length ?? 0) === 0 ? (
        <p class="empty">Nothing yet.</p>
      ) : (
        <ol class="history">
          {known!.history.toReversed().map((word) => (
            <li key={word.revision}>
              <b>{word.status}</b> by {word.by}, {when(word.atMs, state.timeMs)}
              {word.untilMs !== undefined && ` until ${when(word.untilMs, state.timeMs)}`}
              {word.ticket !== undefined && ` · ${word.ticket}`}
              <span class="why">{word.reason}</span>
            </li>
          ))}
        </ol>
      )}
    </>
  )
}

function Known({ name, value, to }: { readonly name: string; readonly value: string; readonly to?: string }) {
  const console = useConsole()
  if (value === '') return null
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {to === undefined ? (
          <code title={value}>{short(value)}</code>
        ) : (
          <button type="button" class="link-like" title={value} onClick={() => console.go({ selected: to })}>
            {name === 'Cell' ? value : short(value)}
          </button>
        )}
      </dd>
    </div>
  )
}

function TimeLine({ before, after, detectedMs }: { readonly before: Sighting; readonly after: Sighting; readonly detectedMs: number }) {
  const [from, to] = [Date.parse(before.time), Date.parse(after.time)]
  const steps: [string, number, string][] = [
    [
      'First',
      from,
      `cell ${before.cell}, reach ${metres(before.reachM)}${before.model ? `, model ${before.model}` : ''}, region ${before.region}`,
    ],
    ['Then', to, `cell ${after.cell}, reach ${metres(after.reachM)}${after.model ? `, model ${after.model}` : ''}, region ${after.region}`],
    ['Found', detectedMs, `${span(detectedMs - to)} after the second sighting`],
  ]
  return (
    <ol class="timeline">
      {steps.map(([name, timeMs, words]) => (
        <li key={name}>
          <time>{stamp(timeMs)}</time>
          <span>
            <b>{name}</b> {words}
          </span>
        </li>
      ))}
    </ol>
  )
}
