/** Incidents: a range of time with notes, that can be looked at again and given away as one file that needs no server. */
import { useSignal } from '@preact/signals'
import type { Incident, IncidentChange, IncidentRequest, IncidentsAnswer } from '../console-api.ts'
import { ask } from './ask-hub.ts'
import { useConsole } from './console-model.ts'
import { readPlace, writePlace } from './place.ts'
import { span, stamp } from './words.ts'

const backMs = {
  'the last 15 minutes': 15 * 60_000,
  'the last hour': 3600_000,
  'the last 6 hours': 6 * 3600_000,
  'the last day': 24 * 3600_000,
} as const

export function IncidentsView() {
  const console = useConsole()
  const items = useSignal<readonly Incident[] | null>(null)
  const words = useSignal('')
  const refresh = async () => {
    try {
      items.value = (await ask<IncidentsAnswer>('/api/incidents')).items
    } catch (error) {
      words.value = (error as Error).message
    }
  }
  if (items.value === null && words.value === '') void refresh()
  const save = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const given = new FormData(form)
    const toMs = console.past.value?.timeMs ?? Date.now()
    const fromMs = toMs - backMs[String(given.get('back')) as keyof typeof backMs]
    const by = console.session.value?.mode === 'accounts' ? undefined : console.who.value || 'console'
    const body: IncidentRequest = {
      name: String(given.get('name')),
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      note: String(given.get('note')),
      view: `/?${writePlace({ ...console.place.value, view: 'map', atMs: fromMs })}`,
      ...(by !== undefined && { by }),
    }
    try {
      await ask<Incident>('/api/incidents', body)
      form.reset()
      console.tell('Saved.')
      await refresh()
    } catch (error) {
      console.tell((error as Error).message, true)
    }
  }
  return (
    <div class="page">
      <form class="lookup-form" onSubmit={save}>
        <label>
          Name <input name="name" required maxLength={128} placeholder="what happened" />
        </label>
        <label>
          Range
          <select name="back">
            {Object.keys(backMs).map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label>
          Note <input name="note" maxLength={4000} placeholder="what was seen, what was done" />
        </label>
        <button type="submit" class="primary">
          Save up to {console.past.value === null ? 'now' : stamp(console.past.value.timeMs)}
        </button>
      </form>
      {words.value !== '' && <p class="bad">{words.value}</p>}
      {items.value?.length === 0 && (
        <p class="empty">No incidents yet. Go to the moment in question with the time bar, then save the range here.</p>
      )}
      {items.value?.map((incident) => (
        <IncidentCard key={incident.id} incident={incident} refresh={refresh} />
      ))}
    </div>
  )
}

function IncidentCard({ incident, refresh }: { readonly incident: Incident; readonly refresh: () => Promise<void> }) {
  const console = useConsole()
  const { id, name, fromMs, toMs, notes, view, createdBy } = incident
  const note = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const change: IncidentChange = {
      note: String(new FormData(form).get('note')),
      ...(console.session.value?.mode !== 'accounts' && { by: console.who.value || 'console' }),
    }
    try {
      await ask<Incident>(`/api/incidents/${id}`, change, 'PATCH')
      form.reset()
      await refresh()
    } catch (error) {
      console.tell((error as Error).message, true)
    }
  }
  const look = () => {
    const at = view.indexOf('?')
    console.go(at < 0 ? { view: 'map', atMs: fromMs } : readPlace(view.slice(at)))
  }
  return (
    <article class="card">
      <h2>{name}</h2>
      <p class="hint">
        {stamp(fromMs)} to {stamp(toMs)} ({span(toMs - fromMs)}), saved by {createdBy}
      </p>
      <ul class="history">
        {notes.map(({ atMs, by, words }) => (
          <li key={`${atMs} ${by}`}>
            <b>{by}</b>, {stamp(atMs)}: {words}
          </li>
        ))}
      </ul>
      <form class="row" onSubmit={note}>
        <input name="note" required maxLength={4000} aria-label="Add a note" placeholder="Add a note" />
        <button type="submit">Add</button>
        <span class="spacer" />
        <button type="button" onClick={look}>
          Replay
        </button>
        <a href={`/api/incidents/${id}/export`} download>
          One file
        </a>
      </form>
    </article>
  )
}
