/** One agent: lanes with their backlog and its age, the machine as its beats tell it, and what the site lost in a stretch of time. */
import { useSignal } from '@preact/signals'
import type { AgentPage, LossesAnswer } from '../console-api.ts'
import { useAnswer } from './answer.ts'
import { query } from './ask-hub.ts'
import { useConsole } from './console-model.ts'
import { ago, bytes, count, span, stamp } from './words.ts'

const minuteMs = 60_000
const stretches = { 'last hour': 1, 'last 12 hours': 12, 'last night (18–06)': 0, 'last 24 hours': 24, 'last 7 days': 168 } as const
type Stretch = keyof typeof stretches

export function AgentPanel({ name }: { readonly name: string }) {
  const console = useConsole()
  const { answer, words } = useAnswer<AgentPage>(`/api/agents/${encodeURIComponent(name)}`, 3_000).value
  const now = console.nowMs.value
  return (
    <section class="pane detail" aria-label={`Agent ${name}`}>
      <button type="button" class="quiet close" onClick={() => console.go({ selected: '' })} aria-label="Let go">
        ✕
      </button>
      <h2>{name}</h2>
      {answer === null ? (
        <p class="empty">{words === '' ? 'Asking the hub…' : words}</p>
      ) : (
        <>
          <p class="hint">
            Heard {ago(answer.agent.lastSeenMs, now)} · complete to {ago(answer.agent.completeThroughMs, now)} ·{' '}
            {count(answer.cells.length)} cells in a day
            {answer.maintenance.length > 0 && ` · in maintenance: ${answer.maintenance[0]!.reason}`}
          </p>
          <Lanes page={answer} />
          <Machine page={answer} />
        </>
      )}
      <Losses name={name} />
    </section>
  )
}

function Lanes({ page: { backlog } }: { readonly page: AgentPage }) {
  const most = Math.max(1, ...backlog.map(({ batches }) => batches))
  return (
    <>
      <h3>Waiting there, by lane</h3>
      <table>
        <tbody>
          {backlog.map(({ lane, batches, ageMs }) => (
            <tr key={lane}>
              <th scope="row">{lane}</th>
              <td>
                <span class="bars" aria-hidden="true">
                  <i style={{ width: `${(batches / most) * 100}%` }} />
                </span>
              </td>
              <td class="number">{count(batches)} batches</td>
              <td class="number">{batches === 0 || ageMs === null ? '' : `oldest ${span(ageMs)}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}

/** Whatever the agent knows of its machine; what it does not know is left out rather than guessed. */
function Machine({ page: { health, clockOffsetMs, beatAgeMs, silences } }: { readonly page: AgentPage }) {
  const facts: [string, string][] = []
  if (beatAgeMs !== null) facts.push(['Last beat', `${span(beatAgeMs)} ago`])
  if (clockOffsetMs !== null) facts.push(['Clock against the hub', `${Math.round(clockOffsetMs)} ms (the way included)`])
  for (const [name, value] of Object.entries(health ?? {})) {
    if (typeof value === 'number') facts.push([worded(name), figure(name, value)])
    else if (typeof value === 'string' || typeof value === 'boolean') facts.push([worded(name), String(value)])
  }
  return (
    <>
      <h3>Machine and link</h3>
      <dl class="facts-list">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {health === null && <p class="hint">This agent’s beats say nothing of its machine.</p>}
      {silences.length > 0 && (
        <p class="hint">
          Fell silent {silences.length === 1 ? 'once' : `${silences.length} times`} of late, last at {stamp(silences.at(-1)!.fromMs)}.
        </p>
      )}
    </>
  )
}

function Losses({ name }: { readonly name: string }) {
  const stretch = useSignal<Stretch>('last night (18–06)')
  const [fromMs, toMs] = rangeOf(stretch.value)
  const range = query({ from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() })
  const { answer, words } = useAnswer<LossesAnswer>(`/api/agents/${encodeURIComponent(name)}/losses${range}`).value
  return (
    <>
      <h3>What did this site lose?</h3>
      <select
        aria-label="Stretch of time"
        value={stretch.value}
        onChange={(event) => (stretch.value = event.currentTarget.value as Stretch)}
      >
        {Object.keys(stretches).map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
      {answer === null ? (
        <p class="empty">{words === '' ? 'Asking the ledger…' : words}</p>
      ) : (
        <>
          <p class="lead">{answer.words}</p>
          <dl class="facts-list">
            <div>
              <dt>Given up on purpose</dt>
              <dd>{count(answer.lostRows)} rows</dd>
            </div>
            <div>
              <dt>Not here yet</dt>
              <dd>{count(answer.missingBatches)} batches</dd>
            </div>
            <div>
              <dt>Not heard for</dt>
              <dd>{span(answer.silentMs)}</dd>
            </div>
          </dl>
          {answer.losses.slice(0, 20).map((loss) => (
            <p key={`${loss.timeMs} ${loss.lane} ${loss.reason}`} class="hint">
              {stamp(loss.timeMs)}: {count(loss.rows)} {loss.record} rows of lane {loss.lane}: {loss.reason}
            </p>
          ))}
        </>
      )}
    </>
  )
}

/** To whole minutes, so that the same question is not asked anew each second. */
function rangeOf(stretch: Stretch): [fromMs: number, toMs: number] {
  const now = Math.ceil(Date.now() / minuteMs) * minuteMs
  if (stretches[stretch] > 0) return [now - stretches[stretch] * 60 * minuteMs, now]
  const morning = new Date(now)
  if (morning.getHours() < 6) morning.setDate(morning.getDate() - 1)
  morning.setHours(6, 0, 0, 0)
  return [morning.getTime() - 12 * 60 * minuteMs, morning.getTime()]
}

function worded(name: string): string {
  const words = name
    .replace(/(Ms|S|Bytes|Ratio|Percent)$/, '')
    .replaceAll(/([A-Z])/g, ' $1')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function figure(name: string, value: number): string {
  if (name.endsWith('Bytes')) return bytes(value)
  if (name.endsWith('Ms')) return value > 60_000 ? span(value) : `${value.toFixed(value < 10 ? 1 : 0)} ms`
  if (name.endsWith('Ratio')) return `${(value * 100).toFixed(1)} %`
  return count(value)
}
