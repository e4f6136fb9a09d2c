/** A subscriber as far as the screen may know: a pseudonym, a disc that holds the place, and what was raised. */
import { AlertList } from './alert-list.tsx'
import { useConsole } from './console-model.ts'
import { ago, metres, motionWords } from './words.ts'

export function SubscriberPanel({ id }: { readonly id: string }) {
  const console = useConsole()
  const state = console.shown.value
  const position = state.subscribers[id]
  const alerts = Object.values(state.alerts).filter(
    ({ subscriber, number, retracted }) => (subscriber === id || number === id) && !retracted,
  )
  return (
    <>
      <h2>Subscriber</h2>
      <p>
        <code class="whole">{id}</code>
      </p>
      {position === undefined ? (
        <p class="hint">Not in what is shown now: the screen samples. Its track is under Look-up.</p>
      ) : (
        <dl class="facts-list">
          <div>
            <dt>Seen</dt>
            <dd>{ago(position.timeMs, state.timeMs)}</dd>
          </div>
          <div>
            <dt>Within</dt>
            <dd>{metres(position.radiusM)} (68 %)</dd>
          </div>
          <div>
            <dt>Motion</dt>
            <dd>
              {motionWords[position.motion]}
              {position.speedMps !== null && position.speedMps > 0.3 && `, ${(position.speedMps * 3.6).toFixed(0)} km/h`}
            </dd>
          </div>
          <div>
            <dt>Cell</dt>
            <dd>
              <button type="button" class="link-like" onClick={() => console.go({ selected: `cell:${position.cell}` })}>
                {position.cell}
              </button>
            </dd>
          </div>
        </dl>
      )}
      <div class="row">
        <button type="button" onClick={() => console.go({ view: 'lookup', find: id })}>
          Look up the track
        </button>
      </div>
      <h3>Alerts</h3>
      <AlertList alerts={alerts} />
    </>
  )
}
