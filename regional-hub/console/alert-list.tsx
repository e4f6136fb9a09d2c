/** Alerts as a short list beside what they are about; choosing one opens it. */
import type { LiveAlert } from '../console-api.ts'
import { useConsole } from './console-model.ts'
import { SeverityMark } from './severity-mark.tsx'
import { typeWords, when } from './words.ts'

export function AlertList({ alerts }: { readonly alerts: readonly LiveAlert[] }) {
  const console = useConsole()
  const nowMs = console.shown.value.timeMs
  if (alerts.length === 0) return <p class="empty">None.</p>
  return (
    <ul class="situations">
      {alerts.map((alert) => (
        <li key={alert.id}>
          <button type="button" onClick={() => console.go({ selected: `alert:${alert.id}` })}>
            <SeverityMark severity={alert.severity} />
            <span class="what">
              <b>{typeWords(alert.type)}</b>
            </span>
            <time>{when(alert.timeMs, nowMs)}</time>
          </button>
        </li>
      ))}
    </ul>
  )
}
