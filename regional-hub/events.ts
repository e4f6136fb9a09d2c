/**
 * Everything the hub can report. One function per event, which logs and counts together, so that the two cannot drift.
 * error: data lost or a person must act · warn: unexpected, nothing lost · info: start, stop, connected · debug: rare detail. Never a line per batch.
 */
import type { NatsStatus } from '#shared/adapters/nats-connection.ts'
import type { Logger } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics.ts'
import type { Verdict } from './ledger.ts'

export interface HubReport {
  batchTaken(lane: string, record: string, rows: number, bytes: number): void
  batchNotTaken(verdict: Exclude<Verdict, 'new'>): void
  frameRefused(agent: string, lane: string, words: string): void
  foreignMessage(words: string): void
  flushed(batches: number, claims: number): void
  inboxRewound(words: string): void
  readerRetried(stream: string, error: unknown): void
  trunkUnavailable(words: string, attempt: number): void
  trunkAcknowledged(items: number): void
  trunkRefusedForGood(topic: string, words: string): void
  spoolFull(bytes: number): void
  snapshotTaken(bytes: number, durationMs: number): void
  snapshotFailed(words: string): void
  snapshotBroken(file: string, words: string): void
  restored(words: string): void
  epochRaised(from: number, to: number): void
  spoolBroken(file: string, words: string): void
  claimsDropped(count: number): void
  consoleClientDropped(): void
  historyFailed(words: string): void
  historySkipped(rows: number): void
  natsStatus(status: NatsStatus): void
  notEnrolled(agent: string): void
  apiFailed(words: string): void
  cellsRead(file: string, cells: number, badLines: number, problems: readonly string[]): void
}

export function createReport(log: Logger, metrics: Metrics): HubReport {
  const taken = metrics.counter('tributary_hub_batches_taken_total', 'Batches taken from the inbox', ['lane', 'record'])
  const rowsTaken = metrics.counter('tributary_hub_rows_taken_total', 'Rows of the batches taken', ['record'])
  const bytesTaken = metrics.counter('tributary_hub_bytes_taken_total', 'Octets of the batches taken')
  const notTaken = metrics.counter('tributary_hub_batches_not_taken_total', 'Batches seen before, or refused by the ledger', ['verdict'])
  const refused = metrics.counter('tributary_hub_frames_refused_total', 'Frames that are no batch; each has a dead letter')
  const foreign = metrics.counter('tributary_hub_foreign_messages_total', 'Messages on our subjects that are none of ours')
  const detected = metrics.counter('tributary_hub_detection_batches_total', 'Batches made by detection')
  const claimed = metrics.counter('tributary_hub_claims_total', 'Claims made for the directory')
  const rewound = metrics.counter('tributary_hub_inbox_rewinds_total', 'Times a stream had lost what the cursor stood on')
  const retried = metrics.counter('tributary_hub_reader_retries_total', 'Times a stream reader was opened again', ['stream'])
  const failedAppends = metrics.counter('tributary_hub_trunk_failures_total', 'Times the trunk did not answer')
  const acknowledged = metrics.counter('tributary_hub_trunk_items_total', 'Batches the trunk acknowledged')
  const lost = metrics.counter('tributary_hub_trunk_refused_total', 'Batches no server of this network takes')
  const full = metrics.counter('tributary_hub_spool_full_total', 'Times reading stopped because the spool was full')
  const snapshots = metrics.histogram('tributary_hub_snapshot_seconds', 'Time to take and sync a snapshot', [0.005, 0.02, 0.1, 0.5, 2, 10])
  const snapshotBytes = metrics.gauge('tributary_hub_snapshot_bytes', 'Size of the last snapshot')
  const snapshotFailures = metrics.counter('tributary_hub_snapshot_failures_total', 'Snapshots that could not be written')
  const claimsLost = metrics.counter('tributary_hub_claims_dropped_total', 'Claims dropped because too many waited')
  const droppedClients = metrics.counter(
    'tributary_hub_console_clients_dropped_total',
    'Console streams dropped because they read too slowly',
  )
  const historyFailures = metrics.counter('tributary_hub_history_failures_total', 'Writes the region’s history could not take')
  const apiFailures = metrics.counter('tributary_hub_api_failures_total', 'Requests of the console that could not be answered')
  const historySkips = metrics.counter(
    'tributary_hub_history_skipped_rows_total',
    'Positions left out of the region’s history by its sampling',
  )
  return {
    batchTaken: (lane, record, rows, bytes) => {
      taken.inc({ lane, record })
      rowsTaken.inc({ record }, rows)
      bytesTaken.inc(bytes)
    },
    batchNotTaken: (verdict) => notTaken.inc({ verdict }),
    frameRefused: (agent, lane, words) => {
      refused.inc()
      log.error({ agent, lane, words }, 'a frame could not be processed; it was passed with a dead letter')
    },
    foreignMessage: (words) => {
      foreign.inc()
      log.debug({ words }, 'a message that is none of ours')
    },
    flushed: (batches, claims) => {
      detected.inc(batches)
      claimed.inc(claims)
    },
    inboxRewound: (words) => {
      rewound.inc()
      log.warn({ words }, 'the stream lost what the cursor stood on; the ledger drops what was seen')
    },
    readerRetried: (stream, error) => {
      retried.inc({ stream })
      log.debug({ stream, err: error }, 'a stream is opened again')
    },
    trunkUnavailable: (words, attempt) => {
      failedAppends.inc()
      if (attempt === 1) log.warn({ words }, 'the trunk does not answer; what waits for it stays here and is sent again')
    },
    trunkAcknowledged: (items) => acknowledged.inc(items),
    trunkRefusedForGood: (topic, words) => {
      lost.inc()
      log.error({ topic, words }, 'a batch can never reach the trunk and is given up')
    },
    spoolFull: (bytes) => {
      full.inc()
      log.error({ bytes }, 'the spool for the trunk is full: the inbox is not read until the core is back; its stream and the agents hold')
    },
    snapshotTaken: (bytes, durationMs) => {
      snapshotBytes.set(bytes)
      snapshots.observe(durationMs / 1000)
    },
    snapshotFailed: (words) => {
      snapshotFailures.inc()
      log.error({ words }, 'the snapshot could not be written; agents keep their rows until one can')
    },
    snapshotBroken: (file, words) => log.error({ file, words }, 'a snapshot could not be read; it was set aside'),
    spoolBroken: (file, words) =>
      log.error(
        { file, words },
        'the spool could not be opened and was set aside: agents send again what it held; alerts that waited in it may be missing at the core',
      ),
    restored: (words) => log.info({ words }, 'state restored'),
    epochRaised: (from, to) =>
      log.warn(
        { from, to },
        'agents have followed a later epoch than this hub began with (its stream and snapshot were lost); it goes on above it',
      ),
    claimsDropped: (count) => {
      claimsLost.inc(count)
      log.error({ count }, 'too many claims wait for the directory; the oldest were dropped')
    },
    consoleClientDropped: () => droppedClients.inc(),
    historyFailed: (words) => {
      historyFailures.inc()
      log.error({ words }, 'the region’s history could not be written; the trunk has everything')
    },
    historySkipped: (rows) => historySkips.inc(rows),
    natsStatus: ({ kind, words }) => {
      if (kind === 'connected') log.info({ words }, 'connected to NATS')
      else log.warn({ kind, words }, 'NATS connection')
    },
    notEnrolled: (agent) =>
      log.warn({ agent }, 'an agent that is not in the roster sends batches; they are taken, and it is listed as not enrolled'),
    apiFailed: (words) => {
      apiFailures.inc()
      log.warn({ words }, 'a request could not be answered')
    },
    cellsRead: (file, cells, badLines, problems) => {
      if (badLines === 0) log.info({ file, cells }, 'cell inventory read')
      else log.warn({ file, cells, badLines, problems }, 'cell inventory read; some lines were left out')
    },
  }
}
