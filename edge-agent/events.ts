/**
 * Everything the front half of the agent can report. One function per event, which logs and counts together, so that the two cannot drift.
 * error: data lost or a person must act · warn: unexpected, nothing lost · info: start, stop, connected. Never a line per event, and no
 * text that came from outside without its digits hidden. What repeats is told at most once in `repeatMs`.
 */
import type { Clock } from '#shared/clock.ts'
import { describeError } from '#shared/errors.ts'
import type { Logger } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics.ts'
import { hideNumerals } from './identity-text.ts'

export interface IntakeReport {
  committed(rows: { accepted: number; rejected: number; duplicate: number }): void
  eventRejected(reason: string): void
  unknownFields(count: number): void
  unknownField(family: string, name: string): void
  aheadOfClock(count: number): void
  journalFull(error: Error, refusedRows: number): void
  journalFailed(error: Error, refusedRows: number): void
  journalReopened(): void
  readerFailed(error: unknown): void
  /** `stage`: decoder or flows. The message was dead-lettered, or the export refused. */
  decodeFailed(stage: string, error: unknown): void
}

export interface JournalReport {
  segmentQuarantined(damage: { file: string; why: string; savedBatches: number; lostBatches: number; lostEvents: number }): void
  idsQuarantined(file: string, ids: number): void
  ballastDropped(): void
  ballastRestored(): void
}

export interface TapReport {
  listening(tap: string, address: string): void
  /** `reason` is one of a fixed list. `client` is shown with its digits hidden. */
  connectionRefused(tap: string, reason: string, client: string): void
  connectionClosed(tap: string, reason: string, client: string): void
  connections(tap: string, open: number): void
  brokerConnected(tap: string, broker: string): void
  brokerLost(tap: string, broker: string, error: string): void
}

export type FrontReport = IntakeReport & JournalReport & TapReport

const repeatMs = 10_000
const maxNamedFields = 256

export function reportFront(log: Logger, metrics: Metrics, clock: Clock): FrontReport {
  const events = metrics.counter('tributary_intake_events_total', 'Events by what became of them.', ['verdict'])
  const rejections = metrics.counter('tributary_intake_rejections_total', 'Rejected events by reason.', ['reason'])
  const commits = metrics.counter('tributary_intake_commits_total', 'Journal rows: one fsync each.')
  const unknown = metrics.counter('tributary_intake_unknown_fields_total', 'Fields that are not known or belong to another family.')
  const ahead = metrics.counter(
    'tributary_intake_ahead_of_clock_total',
    'Events more than two minutes ahead of the clock, windowed by arrival.',
  )
  const refused = metrics.counter('tributary_intake_refused_total', 'Events not acknowledged because the journal could not take them.', [
    'reason',
  ])
  const quarantined = metrics.counter(
    'tributary_journal_lost_events_total',
    'Events of damaged journal rows, as far as they can be counted.',
  )
  const damaged = metrics.counter('tributary_journal_quarantined_total', 'Files of the journal that were set aside.')
  const closed = metrics.counter('tributary_tap_closed_total', 'Connections refused or closed by us.', ['tap', 'reason'])
  const open = metrics.gauge('tributary_tap_open_connections', 'Connections that are open.', ['tap'])
  const named = new Set<string>()
  const said = new Map<string, number>()
  const mayRepeat = (what: string) => {
    const nowMs = clock.monotonicMs()
    if (nowMs - (said.get(what) ?? Number.NEGATIVE_INFINITY) < repeatMs) return false
    said.set(what, nowMs) // `what` is one of our own words
    return true
  }
  return {
    committed: ({ accepted, rejected, duplicate }) => {
      commits.inc()
      if (accepted > 0) events.inc({ verdict: 'accepted' }, accepted)
      if (rejected > 0) events.inc({ verdict: 'rejected' }, rejected)
      if (duplicate > 0) events.inc({ verdict: 'duplicate' }, duplicate)
    },
    eventRejected: (reason) => {
      rejections.inc({ reason })
      if (mayRepeat(`rejected ${reason}`)) log.warn({ reason }, 'events are rejected for this reason; they are in the dead-letter lane')
    },
    unknownFields: (count) => unknown.inc(count),
    unknownField: (family, name) => {
      const key = `${family} ${hideNumerals(name.slice(0, 64))}`
      if (named.size >= maxNamedFields || named.has(key)) return
      named.add(key)
      log.warn({ family, field: key.slice(family.length + 1) }, 'a field that is not known here is ignored (named once)')
    },
    aheadOfClock: (count) => {
      ahead.inc(count)
      if (mayRepeat('ahead')) log.warn('events are more than two minutes ahead of this agent’s clock; they are windowed by arrival')
    },
    journalFull: (error, rows) => {
      refused.inc({ reason: 'journal-full' }, rows)
      if (mayRepeat('full')) log.error({ rows }, `devices are not acknowledged: ${describeError(error)}`)
    },
    journalFailed: (error, rows) => {
      refused.inc({ reason: 'journal-failed' }, rows)
      if (mayRepeat('failed')) log.error({ rows }, `devices are not acknowledged: ${describeError(error)}`)
    },
    journalReopened: () => log.info('the journal was reopened and verified; devices are acknowledged again'),
    readerFailed: (error) => log.error(`what was journaled could not be taken over and will be replayed: ${describeError(error)}`),
    decodeFailed: (stage, error) => {
      if (mayRepeat(`decode ${stage}`))
        log.error({ stage }, `input that this version cannot read was set aside; please report it: ${hideNumerals(describeError(error))}`)
    },
    segmentQuarantined: ({ lostEvents, ...damage }) => {
      damaged.inc()
      quarantined.inc(lostEvents)
      log.error({ ...damage, lostEvents }, 'a damaged segment of the journal was set aside')
    },
    idsQuarantined: (file, ids) => {
      damaged.inc()
      log.warn({ file, ids }, 'a damaged file of event ids was set aside; repeats of those events may be counted again')
    },
    ballastDropped: () => log.error('the volume is full: the ballast was given up and nothing new is taken until there is room again'),
    ballastRestored: () => log.info('there is room again: the ballast is back and devices are acknowledged'),
    listening: (tap, address) => log.info({ tap, address }, `${tap} takes events at ${address}`),
    connectionRefused: (tap, reason, client) => {
      closed.inc({ tap, reason })
      if (mayRepeat(`refused ${reason}`)) log.warn({ tap, reason, client: hideNumerals(client) }, 'a connection was refused')
    },
    connectionClosed: (tap, reason, client) => {
      closed.inc({ tap, reason })
      if (mayRepeat(`closed ${reason}`)) log.warn({ tap, reason, client: hideNumerals(client) }, 'a connection was closed')
    },
    connections: (tap, count) => open.set({ tap }, count),
    brokerConnected: (tap, broker) => log.info({ tap, broker }, 'subscribed'),
    brokerLost: (tap, broker, error) => {
      closed.inc({ tap, reason: 'broker-lost' })
      if (mayRepeat(`lost ${broker}`)) log.warn({ tap, broker }, `the broker is gone: ${error}`)
    },
  }
}
