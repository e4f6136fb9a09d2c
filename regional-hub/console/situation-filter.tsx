/** Filter of the inbox: what waits first, then what is open, then all; by severity; by any word, name or id. */
import { useConsole } from './console-model.ts'
import { FindField } from './find-field.tsx'
import type { Show } from './place.ts'
import { severities } from './severities.ts'

const shows: Readonly<Record<Show, string>> = { unacknowledged: 'Not acknowledged', open: 'Open', all: 'All' }

export function SituationFilter() {
  const console = useConsole()
  const { show, severity } = console.place.value
  return (
    <div class="filter">
      <fieldset class="segments">
        <legend class="visually-hidden">Which alerts</legend>
        {(Object.keys(shows) as Show[]).map((one) => (
          <button key={one} type="button" aria-pressed={one === show} onClick={() => console.go({ show: one })}>
            {shows[one]}
          </button>
        ))}
      </fieldset>
      <select aria-label="Severity" value={severity} onChange={(event) => console.go({ severity: event.currentTarget.value })}>
        <option value="">any severity</option>
        {severities.slice(0, 5).map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
      <FindField words="Type, pseudonym, cell…" />
    </div>
  )
}
