/** Where this is, whether it is live and complete, what is open by severity, and who is at the screen. */
import { ask } from './ask-hub.ts'
import { useConsole } from './console-model.ts'
import { severities } from './severities.ts'
import { SeverityMark } from './severity-mark.tsx'
import { ago, clock, count, span, zone } from './words.ts'

const staleMs = 60_000

export function TopBar() {
  const console = useConsole()
  const status = console.status.value
  const now = console.nowMs.value
  const quietMs = now - console.heardMs.value
  const isPast = console.past.value !== null
  const session = console.session.value
  const bySeverity = new Map<string, number>()
  for (const { severity, status, muted } of console.situations.value) {
    if (status === 'active' && muted === null) bySeverity.set(severity, (bySeverity.get(severity) ?? 0) + 1)
  }
  const link = isPast ? 'past' : quietMs > staleMs ? 'stale' : console.link.value
  const linkWords = { past: 'Replay', stale: 'Stale', connecting: 'Connecting', live: 'Live', cut: 'Reconnecting' }[link]
  const leave = async () => {
    await ask('/api/session', undefined, 'DELETE')
    location.reload()
  }
  return (
    <header class="bar">
      <h1>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M2 3c4 0 4 5 6 5s2-5 6-5M8 8v6" />
        </svg>
        {status?.region ?? 'Tributary'}
      </h1>
      <span class={`link is-${link}`} title={`Last heard ${ago(console.heardMs.value, now)}`}>
        <i aria-hidden="true" />
        {linkWords}
      </span>
      <fieldset class="tally">
        <legend class="visually-hidden">Open and not acknowledged, by severity</legend>
        {severities.slice(0, 4).map((severity) => (
          <button
            key={severity}
            type="button"
            class={bySeverity.has(severity) ? '' : 'is-none'}
            title={`${severity}: open and not acknowledged`}
            onClick={() => console.go({ view: 'alerts', show: 'unacknowledged', severity })}
          >
            <SeverityMark severity={severity} isMuted={!bySeverity.has(severity)} />
            {bySeverity.get(severity) ?? 0}
            <span class="wide-only"> {severity}</span>
          </button>
        ))}
      </fieldset>
      <span class="facts">
        <span title="Subscribers with state in this hub">{count(status?.subscribers ?? 0)} subscribers</span>
        <span title="Everything up to then has been taken in">
          {status?.watermarkMs ? `complete to ${clock(status.watermarkMs)}` : 'nothing complete yet'}
        </span>
        {(status?.trunk.waitingBatches ?? 0) > 0 && (
          <span class="warns">{count(status!.trunk.waitingBatches)} batches wait for the core</span>
        )}
      </span>
      <span class="spacer" />
      <time class="clock">
        {clock(now)} {zone()}
      </time>
      <button type="button" class="quiet" onClick={() => (console.dialog.value = 'palette')} title="All commands (Ctrl K)">
        Commands
      </button>
      <button type="button" class="quiet" onClick={() => (console.dialog.value = 'help')} aria-label="Keys" title="Keys (?)">
        ?
      </button>
      {session?.user != null && (
        <button type="button" class="quiet" onClick={leave} title={`${session.user.role}; leave`}>
          {session.user.name}
        </button>
      )}
      {!isPast && quietMs > staleMs && (
        <p class="stale" role="alert">
          Nothing was heard from the hub for {span(quietMs)}. What you see is from {clock(console.heardMs.value)}. The page reconnects by
          itself.
        </p>
      )}
    </header>
  )
}
