/** What a look-up found: the audited entry, the track with its uncertainty, SIMs, numbers, devices, regions, alerts. */
import { useEffect, useRef } from 'preact/hooks'
import type { LookupAnswer, Tie } from '../console-api.ts'
import { useConsole } from './console-model.ts'
import { SeverityMark } from './severity-mark.tsx'
import { paintTrack } from './track-map.ts'
import { metres, motionWords, short, stamp, typeWords } from './words.ts'

export function LookupResult({ answer }: { readonly answer: LookupAnswer }) {
  const console = useConsole()
  const { entry, track, sims, numbers, devices, regions, alerts } = answer
  const canvas = useRef<HTMLCanvasElement>(null)
  const isDark = console.isDark.value
  const cells = console.cells.value
  useEffect(() => {
    if (canvas.current !== null) paintTrack(canvas.current, track, cells)
  }, [answer, isDark, cells])
  return (
    <>
      <p class="audit">
        Audited as entry {entry.seq}, {stamp(entry.atMs)}: {entry.by} ({entry.role}) · {entry.action} · {entry.reason}
        {entry.ticket !== '' && ` · ${entry.ticket}`} · {entry.outcome} <br />
        <code>{entry.hash.slice(0, 16)}…</code>
      </p>
      {!answer.isFound ? (
        <p class="empty">
          This region knows nothing of {short(answer.asked)} in that time. Another region may; the core’s API answers for all.
        </p>
      ) : (
        <>
          <div class="two">
            <section>
              <h3>Track: {track.length} places, each within its disc</h3>
              {track.length === 0 ? (
                <p class="empty">No place was kept.</p>
              ) : (
                <canvas ref={canvas} class="track-map" role="img" aria-label="Track on a map; the same places are in the table" />
              )}
            </section>
            <section>
              <Ties name="SIMs" ties={sims} />
              <Ties name="Numbers" ties={numbers} />
              <Ties name="Devices" ties={devices} />
              <h3>Regions</h3>
              {regions.map(({ region, firstMs, lastMs }) => (
                <p key={region}>
                  {region}{' '}
                  <span class="hint">
                    {stamp(firstMs)} to {stamp(lastMs)}
                  </span>
                </p>
              ))}
              <h3>Alerts</h3>
              {alerts.length === 0 && <p class="empty">None.</p>}
              {alerts.map((alert) => (
                <p key={alert.id}>
                  <SeverityMark severity={alert.severity} />{' '}
                  <button type="button" class="link-like" onClick={() => console.go({ view: 'alerts', selected: `alert:${alert.id}` })}>
                    {typeWords(alert.type)}
                  </button>{' '}
                  <span class="hint">{stamp(alert.timeMs)}</span>
                </p>
              ))}
            </section>
          </div>
          <h3>Places</h3>
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Cell</th>
                <th scope="col">Motion</th>
                <th scope="col" class="number">
                  Within
                </th>
              </tr>
            </thead>
            <tbody>
              {track
                .slice(-200)
                .toReversed()
                .map((point) => (
                  <tr key={`${point.timeMs} ${point.subscriber}`}>
                    <td>{stamp(point.timeMs)}</td>
                    <td>{point.cell}</td>
                    <td>{motionWords[point.motion]}</td>
                    <td class="number">{metres(point.radiusM)}</td>
                  </tr>
                ))}
            </tbody>
          </table>
        </>
      )}
    </>
  )
}

function Ties({ name, ties }: { readonly name: string; readonly ties: readonly Tie[] }) {
  return (
    <>
      <h3>{name}</h3>
      {ties.length === 0 && <p class="empty">None known here.</p>}
      {ties.map(({ pseudonym, firstMs, lastMs }) => (
        <p key={`${pseudonym} ${firstMs}`}>
          <code title={pseudonym}>{short(pseudonym)}</code>{' '}
          <span class="hint">
            {stamp(firstMs)} to {stamp(lastMs)}
          </span>
        </p>
      ))}
    </>
  )
}
