/** The time bar: live, or any minute of the days that history keeps; play, pace, and the day's alerts as ticks. */
import { useComputed, useSignal } from '@preact/signals'
import { useConsole } from './console-model.ts'
import { rank } from './severities.ts'
import { clock, day, span, stamp, zone } from './words.ts'

const speeds = [1, 10, 60, 300, 600] as const
const spans = { '1 h': 3600_000, '6 h': 6 * 3600_000, '24 h': 24 * 3600_000, '7 d': 7 * 24 * 3600_000 } as const

export function TimeBar() {
  const console = useConsole()
  const width = useSignal<keyof typeof spans>('6 h')
  const liveAlerts = useComputed(() => console.live.value.alerts)
  const now = Math.ceil(console.nowMs.value / 10_000) * 10_000
  const { speed, isPlaying } = console.place.value
  const past = console.past.value
  const atMs = past?.timeMs ?? null
  const fromMs = now - spans[width.value]
  const share = (timeMs: number) => ((timeMs - fromMs) / (now - fromMs)) * 100
  const ticks = Object.values(liveAlerts.value)
    .filter(({ timeMs, retracted }) => timeMs > fromMs && !retracted)
    .sort((a, b) => rank(b.severity) - rank(a.severity))
    .slice(-300)
  const jump = (timeMs: number) => console.go({ atMs: Math.min(Math.round(timeMs), Date.now() - 1000) })
  return (
    <footer class="time">
      <button
        type="button"
        class={past === null ? 'live is-on' : 'live'}
        onClick={() => console.go({ atMs: null, speed: 1, isPlaying: true })}
        title="Live (l)"
      >
        Live
      </button>
      <button
        type="button"
        disabled={past === null}
        onClick={() => console.go({ isPlaying: !isPlaying })}
        aria-label={isPlaying ? 'Pause' : 'Play'}
      >
        {isPlaying ? '❚❚' : '▶'}
      </button>
      <select
        aria-label="Pace"
        value={String(speed)}
        onChange={(event) => console.go({ speed: Number(event.currentTarget.value) })}
        disabled={past === null}
      >
        {speeds.map((one) => (
          <option key={one} value={String(one)}>
            {one}×
          </option>
        ))}
      </select>
      <div class="time-track">
        <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
          {ticks.map(({ id, timeMs, severity }) => (
            <rect key={id} class={severity} x={share(timeMs)} width="0.18" y={rank(severity) * 1.5} height={10 - rank(severity) * 1.5} />
          ))}
        </svg>
        <input
          type="range"
          min={fromMs}
          max={now}
          step={1000}
          value={atMs ?? now}
          aria-label="Moment shown"
          aria-valuetext={atMs === null ? 'live' : stamp(atMs)}
          onChange={(event) => jump(Number(event.currentTarget.value))}
        />
        <span class="time-from">{width.value === '7 d' ? day(fromMs) : clock(fromMs).slice(0, 5)}</span>
        <span class="time-to">now</span>
      </div>
      <select
        aria-label="Span of the time bar"
        value={width.value}
        onChange={(event) => (width.value = event.currentTarget.value as keyof typeof spans)}
      >
        {Object.keys(spans).map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
      <input
        type="datetime-local"
        aria-label="Go to a minute"
        class="wide-only"
        max={localMinute(Date.now())}
        value={atMs === null ? '' : localMinute(atMs)}
        onChange={(event) => event.currentTarget.value !== '' && jump(new Date(event.currentTarget.value).getTime())}
      />
      <output>{atMs === null ? '' : `${stamp(atMs)} ${zone()}, ${span(console.nowMs.value - atMs)} ago`}</output>
    </footer>
  )
}

function localMinute(timeMs: number): string {
  const shifted = new Date(timeMs - new Date(timeMs).getTimezoneOffset() * 60_000)
  return shifted.toISOString().slice(0, 16)
}
