/**
 * Everything the back half of the agent can report: one function per event, which logs and counts together, so that the two cannot drift.
 * error: data lost or a person must act · warn: unexpected, nothing lost · info: start, stop, connected. Never a line per batch.
 */
import type { NatsStatus } from '#shared/adapters/nats-connection.ts'
import type { Clock } from '#shared/clock.ts'
import { describeError } from '#shared/errors.ts'
import type { Logger } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics.ts'
import type { Outbox } from './ports.ts'
import type { UplinkReport } from './uplink.ts'

export interface OutboxReport {
  outboxSalvaged(damage: { file: string; why: string; savedBatches: number; lostBatches: number }): void
  outboxRowsLost(reason: string, batches: number, rows: number, events: Readonly<Record<string, number>>): void
  ballastDropped(): void
  ballastRestored(): void
}

export interface BackReport extends UplinkReport, OutboxReport {
  linkStatus(status: NatsStatus): void
  outboxFull(error: Error): void
  eventsGivenUp(family: string, events: number): void
  journalLost(family: string, events: number): void
  storeOpened(epoch: string, renewed: boolean): void
}

const repeatMs = 10_000

export function reportBack(log: Logger, metrics: Metrics, clock: Clock, outbox: () => Outbox): BackReport {
  const batches = metrics.counter('tributary_uplink_batches_total', 'Batches the region’s server has answered for.', ['lane'])
  const bytes = metrics.counter('tributary_uplink_sent_bytes_total', 'Bytes of those batches.', ['lane'])
  const rows = metrics.counter('tributary_uplink_rows_total', 'Rows of those batches.', ['lane'])
  const givenUp = metrics.counter('tributary_outbox_lost_events_total', 'Events given up for want of room.', ['family'])
  const resent = metrics.counter('tributary_uplink_stalls_total', 'Times a lane was sent again because its watermark stood still.', [
    'lane',
  ])
  const damaged = metrics.counter('tributary_outbox_damaged_rows_total', 'Rows of batches lost to damage of the outbox; on record as lost.')
  const stale = metrics.counter('tributary_uplink_stale_watermarks_total', 'Watermarks of an older hub, not followed.')
  metrics.gauge('tributary_outbox_backlog_rows', 'Batches not yet past the hub’s watermark.', ['lane'], (gauge) => {
    gauge.reset()
    for (const { lane, rows: held } of outbox().backlog()) gauge.set({ lane }, held)
  })
  metrics.gauge('tributary_outbox_backlog_bytes', 'Bytes of those batches.', ['lane'], (gauge) => {
    gauge.reset()
    for (const { lane, bytes: held } of outbox().backlog()) gauge.set({ lane }, held)
  })
  const said = new Map<string, number>()
  const mayRepeat = (what: string) => {
    const nowMs = clock.monotonicMs()
    if (nowMs - (said.get(what) ?? Number.NEGATIVE_INFINITY) < repeatMs) return false
    said.set(what, nowMs)
    return true
  }
  return {
    rowSent: ({ lane, rows: sent, frame }) => {
      batches.inc({ lane })
      bytes.inc({ lane }, frame.length)
      rows.inc({ lane }, sent)
    },
    rowGivenUp: ({ lane, seq, record }, error) =>
      log.error({ lane, seq, record }, `a batch can never be taken by the server; an empty one goes in its place: ${describeError(error)}`),
    laneStalled: (lane, seq, standsMs) => {
      resent.inc({ lane })
      if (mayRepeat(`stalled ${lane}`))
        log.warn({ lane, seq, standsMs: Math.round(standsMs) }, 'the watermark stands still; sending again from there')
    },
    staleWatermark: (hubEpoch) => {
      stale.inc()
      if (mayRepeat('stale')) log.warn({ hubEpoch }, 'a watermark of an older hub is not followed; does a second hub of this region run?')
    },
    watermarkNotStored: (error) => {
      if (mayRepeat('unstored')) log.error(`a watermark could not be stored: ${describeError(error)}`)
    },
    linkStatus: ({ kind, words }) => {
      if (kind === 'connected') log.info(`connected to the region: ${words}`)
      else if (kind === 'refused') log.error(`the region’s server cannot be used: ${words}`)
      else if (kind !== 'closed' && mayRepeat(kind)) log.warn(`no way to the region; events are kept here: ${words}`)
    },
    outboxFull: (error) => {
      if (mayRepeat('outbox full')) log.error(`the outbox has no room; the journal keeps what arrives: ${describeError(error)}`)
    },
    eventsGivenUp: (family, events) => {
      givenUp.inc({ family }, events)
      if (mayRepeat('given up')) log.error({ family, events }, 'events were given up because the outbox was full; the loss is on record')
    },
    journalLost: (family, events) =>
      log.error({ family, events }, 'events that were acknowledged are lost to damage of the journal; the loss is on record'),
    outboxSalvaged: ({ file, why, savedBatches, lostBatches }) =>
      log.error(
        { file, why, savedBatches, lostBatches },
        'the outbox was damaged: it was set aside, and what could be read goes on in a new one',
      ),
    outboxRowsLost: (reason, lostBatches, lostRows, events) => {
      if (reason !== 'outbox-damaged') return // told elsewhere
      damaged.inc(lostRows)
      log.error({ reason, batches: lostBatches, rows: lostRows, events }, 'batches of the outbox are lost; the loss is on record')
    },
    ballastDropped: () => log.error('the volume is full: the outbox gave up its ballast, and only drains until there is room again'),
    ballastRestored: () => log.info('there is room again: the outbox has its ballast back'),
    storeOpened: (epoch, renewed) => log.info({ epoch }, renewed ? 'a new store was made in the data folder' : 'the store was opened'),
  }
}
