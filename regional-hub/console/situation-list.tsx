/** The inbox: situations, worst first, as rows that keyboard and pointer walk alike. */
import type { Situation } from '../console-api.ts'
import { useConsole } from './console-model.ts'
import { SeverityMark } from './severity-mark.tsx'
import { reasonOf, shownSituations, titleOf } from './situation-rows.ts'
import { span, when } from './words.ts'

const mostRows = 300
const mostCompactRows = 80

export function SituationList({ isCompact }: { readonly isCompact?: boolean }) {
  const console = useConsole()
  const place = console.place.value
  const state = console.alerted.value
  const rows = shownSituations(console.situations.value, state, place)
  const most = isCompact ? mostCompactRows : mostRows
  if (rows.length === 0) {
    const open = console.situations.value.length
    return (
      <p class="empty">
        {place.find !== '' || place.severity !== '' ? (
          <>
            Nothing fits the filter.{' '}
            <button type="button" onClick={() => console.go({ find: '', severity: '' })}>
              Show all
            </button>
          </>
        ) : place.show === 'unacknowledged' ? (
          <>
            Nothing waits for anybody.{' '}
            {open > 0 && (
              <button type="button" onClick={() => console.go({ show: 'all' })}>
                Show what was handled
              </button>
            )}
          </>
        ) : (
          'No alerts yet. They appear here by themselves.'
        )}
      </p>
    )
  }
  return (
    <>
      <ul class="situations" aria-label="Situations">
        {rows.slice(0, most).map((situation) => (
          <SituationRow key={situation.id} situation={situation} nowMs={console.shownMs.value} isCompact={isCompact ?? false} />
        ))}
      </ul>
      {rows.length > most && <p class="hint">{rows.length - most} more: narrow the filter, or export them (key e).</p>}
    </>
  )
}

function SituationRow({
  situation,
  nowMs,
  isCompact,
}: {
  readonly situation: Situation
  readonly nowMs: number
  readonly isCompact: boolean
}) {
  const console = useConsole()
  const { id, alertIds, severity, status, muted, lastMs, isForgotten, acknowledgedMs } = situation
  const { selected } = console.place.value
  const reason = reasonOf(situation, console.alerted.value)
  const isSelected = selected === `situation:${id}` || alertIds.some((alert) => selected === `alert:${alert}`)
  const go = () => console.go({ selected: `situation:${id}` })
  return (
    <li class={muted !== null ? 'is-muted' : `is-${status}`}>
      <button type="button" data-row aria-current={isSelected} data-chosen={isSelected} onClick={go}>
        <SeverityMark severity={severity} isMuted={muted !== null} />
        <span class="what">
          <b>{titleOf(situation)}</b>
          {reason !== '' && <span class={isCompact ? 'why is-clipped' : 'why'}>{reason}</span>}
          {muted !== null && <span class="why">Grey: {muted.words}</span>}
          {isForgotten && (
            <span class="why warns">Acknowledged {span(nowMs - (acknowledgedMs ?? nowMs))} ago and still open: look again.</span>
          )}
        </span>
        {alertIds.length > 1 && <span class="times">×{alertIds.length}</span>}
        <span class="state">{status === 'active' ? '' : status}</span>
        <time title={new Date(lastMs).toISOString()}>{when(lastMs, nowMs)}</time>
      </button>
    </li>
  )
}
