/**
 * Everything the core can report. One function per event, which logs and counts together, so that the two cannot drift.
 * error: data lost or a person must act · warn: unexpected, nothing lost · info: start, stop, connected. Never a line per row,
 * never a phone number: a person stands in a line by pseudonym only.
 */
import type { Logger } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics.ts'

export interface Report {
  natsStatus(kind: string, words: string): void
  rowsStored(record: string, rows: number): void
  groupStored(frames: number, tookMs: number): void
  frameRejected(topic: string, reason: string): void
  frameFenced(tenant: string, region: string, hubEpoch: number, highest: number): void
  trunkRestarted(words: string): void
  trunkStreamReset(position: number, generation: string): void
  storeRefused(words: string): void
  hotStateBuilt(subscribers: number, tookMs: number): void
  claimsSettled(claims: number, notices: number): void
  claimRejected(subject: string, reason: string): void
  claimsRestarted(words: string): void
  controlDelayed(waiting: number, words: string): void
  controlRestarted(words: string): void
  controlRefused(subject: string, words: string): void
  requestServed(method: string, route: string, status: number, tookMs: number): void
  requestFailed(method: string, route: string, error: unknown): void
  personLookedUp(key: string, tenant: string, route: string, pseudonym: string): void
  rowsExpired(): void
}

export function report(log: Logger, metrics: Metrics): Report {
  const rows = metrics.counter('tributary_core_rows_total', 'curated rows stored', ['record'])
  const frames = metrics.counter('tributary_core_frames_total', 'frames read from the trunk', ['result'])
  const group = metrics.histogram('tributary_core_group_seconds', 'time to store a group of frames', [0.002, 0.01, 0.05, 0.2, 1, 5])
  const restarts = metrics.counter('tributary_core_restarts_total', 'reading loops that had to start again', ['lane'])
  const refused = metrics.counter('tributary_core_store_refusals_total', 'groups the store would not take at the first try')
  const claims = metrics.counter('tributary_core_claims_total', 'claims between regions', ['result'])
  const notices = metrics.counter('tributary_core_notices_total', 'notices sent to regions')
  const requests = metrics.counter('tributary_core_requests_total', 'API requests', ['route', 'status'])
  const requestTime = metrics.histogram('tributary_core_request_seconds', 'time to answer an API request', [0.005, 0.02, 0.1, 0.5, 2, 10])
  const lookups = metrics.counter('tributary_core_lookups_total', 'questions about one person, each audited', ['route'])
  return {
    natsStatus: (kind, words) => (kind === 'connected' ? log.info(words) : log.warn({ kind }, `the trunk's server: ${words}`)),
    rowsStored: (record, count) => rows.inc({ record }, count),
    groupStored: (count, tookMs) => {
      frames.inc({ result: 'stored' }, count)
      group.observe(tookMs / 1000)
    },
    frameRejected: (topic, reason) => {
      frames.inc({ result: 'rejected' })
      log.error({ topic, reason }, 'a frame could not be read; it is kept among the rejected ones, the lane goes on')
    },
    frameFenced: (tenant, region, hubEpoch, highest) => {
      frames.inc({ result: 'fenced' })
      log.warn({ tenant, region, hubEpoch, highest }, 'a frame of an earlier hub was refused: a later one has taken over')
    },
    trunkRestarted: (words) => {
      restarts.inc({ lane: 'trunk' })
      log.warn(`reading the trunk starts again: ${words}`)
    },
    trunkStreamReset: (position, generation) =>
      log.warn({ position, generation }, 'the trunk is not the one that was read before; reading starts at its beginning'),
    storeRefused: (words) => {
      refused.inc()
      log.error(`history did not take a group; the trunk keeps it and it is tried again: ${words}`)
    },
    hotStateBuilt: (subscribers, tookMs) => log.info({ subscribers, tookMs: Math.round(tookMs) }, 'hot state is rebuilt from history'),
    claimsSettled: (settled, sent) => {
      claims.inc({ result: 'settled' }, settled)
      notices.inc(sent)
    },
    claimRejected: (subject, reason) => {
      claims.inc({ result: 'rejected' })
      log.error({ subject, reason }, 'a claim could not be read; it is passed over')
    },
    claimsRestarted: (words) => {
      restarts.inc({ lane: 'claims' })
      log.warn(`reading claims starts again: ${words}`)
    },
    controlDelayed: (waiting, words) => log.warn({ waiting }, `fences and triage wait for the trunk's server: ${words}`),
    controlRestarted: (words) => {
      restarts.inc({ lane: 'control' })
      log.warn(`listening to triage from the regions starts again: ${words}`)
    },
    controlRefused: (subject, words) => log.error({ subject }, `a word from a region could not be used: ${words}`),
    requestServed: (method, route, status, tookMs) => {
      requests.inc({ route, status: String(status) })
      requestTime.observe(tookMs / 1000)
      log.debug({ method, route, status, tookMs: Math.round(tookMs) }, 'answered')
    },
    requestFailed: (method, route, error) => log.error({ method, route, err: error }, 'a request could not be answered'),
    personLookedUp: (key, tenant, route, pseudonym) => {
      lookups.inc({ route })
      log.info({ audit: 'look-up', key, tenant, route, pseudonym }, 'a person was looked up')
    },
    rowsExpired: () => log.info('rows beyond the retention were removed'),
  }
}
