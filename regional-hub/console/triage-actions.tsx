/** Acknowledge, snooze, close: who, why, ticket and until when; every act can be undone, and the words of all stay in the history. */
import { useSignal } from '@preact/signals'
import type { AlertAnswer, TriageManyAnswer, TriageManyRequest } from '../console-api.ts'
import { ask } from './ask-hub.ts'
import { type Console, useConsole } from './console-model.ts'
import { statusOf } from './situations-here.ts'

type Status = 'acknowledged' | 'snoozed' | 'closed' | 'active'
const actions = { acknowledged: 'Acknowledge', snoozed: 'Snooze', closed: 'Close' } as const
const done: Readonly<Record<Status, string>> = { acknowledged: 'Acknowledged', snoozed: 'Snoozed', closed: 'Closed', active: 'Open again' }
const durations = { '1 hour': 1, '4 hours': 4, '12 hours': 12, '3 days': 72 } as const

export function TriageActions({ ids, status }: { readonly ids: readonly string[]; readonly status: Status }) {
  const console = useConsole()
  const asking = useSignal<keyof typeof actions | null>(null)
  if (console.past.value !== null) return <p class="hint">This is the past: go live (key l) to act.</p>
  const chosen = asking.value
  const needsName = console.session.value?.mode !== 'accounts'
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const given = new FormData(event.currentTarget as HTMLFormElement)
    const text = (name: string) => String(given.get(name) ?? '').trim()
    if (needsName) {
      console.who.value = text('by')
      localStorage.setItem('tributary-who', text('by'))
    }
    const hours = Number(text('hours'))
    const request: TriageManyRequest = {
      ids,
      status: chosen!,
      ...(needsName && { by: text('by') }),
      reason: text('reason'),
      ...(text('ticket') !== '' && { ticket: text('ticket') }),
      ...(hours > 0 && { until: new Date(Date.now() + hours * 3600_000).toISOString() }),
    }
    if (await triage(console, request)) asking.value = null
  }
  return (
    <div class="triage">
      <div class="row">
        {(Object.keys(actions) as (keyof typeof actions)[]).map((action) => (
          <button
            key={action}
            type="button"
            data-triage={action}
            class={action === 'acknowledged' && status === 'active' ? 'primary' : ''}
            aria-expanded={chosen === action}
            disabled={status === action && action !== 'snoozed'}
            onClick={() => (asking.value = chosen === action ? null : action)}
          >
            {actions[action]}
          </button>
        ))}
        {status !== 'active' && (
          <button
            type="button"
            onClick={() =>
              triage(console, { ids, status: 'active', reason: 'opened again', ...(needsName && { by: console.who.value || 'console' }) })
            }
          >
            Open again
          </button>
        )}
      </div>
      {chosen !== null && (
        <form class="card triage-form" onSubmit={submit}>
          {needsName && (
            <label>
              Who{' '}
              <input
                name="by"
                required
                maxLength={128}
                value={console.who.value}
                placeholder="your name"
                ref={console.who.value === '' ? focus : undefined}
              />
            </label>
          )}
          <label>
            Why{' '}
            <input
              name="reason"
              required
              maxLength={1000}
              placeholder="what was found, what is being done"
              ref={console.who.value === '' && needsName ? undefined : focus}
            />
          </label>
          <label>
            Ticket <input name="ticket" maxLength={128} placeholder="optional" />
          </label>
          {chosen !== 'closed' && (
            <label>
              Until
              <select name="hours" required={chosen === 'snoozed'}>
                {chosen === 'acknowledged' && <option value="">it is closed</option>}
                {Object.entries(durations).map(([words, hours]) => (
                  <option key={words} value={String(hours)}>
                    {words} from now
                  </option>
                ))}
              </select>
            </label>
          )}
          <div class="row">
            <button type="submit" class="primary">
              {actions[chosen]}
              {ids.length > 1 ? ` all ${ids.length}` : ''}
            </button>
            <button type="button" onClick={() => (asking.value = null)}>
              Cancel
            </button>
          </div>
        </form>
      )}
    </div>
  )
}

function focus(element: HTMLInputElement | null): void {
  if (element !== null && element.dataset.focused === undefined) {
    element.dataset.focused = '1'
    element.focus()
  }
}

/** Tells what was done and offers to take it back: to what each alert was before. */
async function triage(console: Console, request: TriageManyRequest): Promise<boolean> {
  const before = new Map(request.ids.map((id) => [id, console.live.value.triage[id]]))
  try {
    if (request.ids.length === 1) {
      const { ids: _ids, ...one } = request
      await ask<AlertAnswer>(`/api/alerts/${request.ids[0]}`, one, 'PATCH')
    } else await ask<TriageManyAnswer>('/api/alerts/triage', request)
  } catch (error) {
    console.tell((error as Error).message, true)
    return false
  }
  const undo = async () => {
    for (const [id, triage] of before) {
      await ask<AlertAnswer>(
        `/api/alerts/${id}`,
        { status: statusOf(triage), ...(request.by && { by: request.by }), reason: 'undone' },
        'PATCH',
      )
    }
    console.tell('Undone.')
    await console.refreshSituations()
  }
  const what = request.ids.length === 1 ? '' : ` ${request.ids.length} alerts`
  console.tell(
    `${done[request.status]}${what}.`,
    false,
    request.reason === 'opened again' ? undefined : () => void undo().catch((error: Error) => console.tell(error.message, true)),
  )
  await console.refreshSituations()
  return true
}
