/**
 * The agent, in the order an event travels. Start reading here.
 *
 *   taps ──▶ intake ──▶ journal ‖ack‖ ──▶ cover ──▶ outbox ‖watermark‖ ──▶ uplink ──▶ region
 *   mqtt · brokers       (one fsync)       windows, sightings, events, tallies
 *   netflow · ndpi
 *
 * Promise: what was acknowledged to a device is on disk, in the journal or the outbox, until the hub's watermark has passed it. Without a
 * link to the region it starts, takes and keeps all the same.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AdminServer, type HealthCheck } from '#shared/admin.ts'
import { CheckWatch } from '#shared/check-watch.ts'
import type { Clock } from '#shared/clock.ts'
import type { Logger } from '#shared/log.ts'
import type { Metrics } from '#shared/metrics.ts'
import type { Component } from '#shared/ports.ts'
import { Pseudonymiser, readIdentityKey } from '#shared/pseudonym.ts'
import { MqttBroker } from './adapters/mqtt-broker.ts'
import { MqttSubscriber } from './adapters/mqtt-subscriber.ts'
import { NatsUplink } from './adapters/nats-uplink.ts'
import { NdpiFile } from './adapters/ndpi-file.ts'
import { SqliteJournal } from './adapters/sqlite-journal.ts'
import { SqliteOutbox } from './adapters/sqlite-outbox.ts'
import { openStoreIdentity } from './adapters/store-identity.ts'
import { UdpFlows } from './adapters/udp-flows.ts'
import { AgentCheckContext } from './agent-check-context.ts'
import { agentChecks } from './agent-checks.ts'
import type { AgentConfig } from './config.ts'
import { JournalCover } from './cover-journal.ts'
import { Decoder } from './decode.ts'
import { FlowDecoder } from './decode-flows.ts'
import { Duplicates } from './duplicates.ts'
import { reportFront } from './events.ts'
import { reportFlows } from './flow-events.ts'
import { FlowRows } from './flow-rows.ts'
import { agentHealth } from './health.ts'
import { IdHasher } from './id-hash.ts'
import { EventIntake } from './intake.ts'
import { LiveTap } from './live-tap.ts'
import { describeSite, replay } from './site-answers.ts'
import { UplinkPump } from './uplink.ts'
import { reportBack } from './uplink-events.ts'
import { SiteWatch } from './watch-site.ts'

export interface AgentDeps {
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** Ends the agent in an orderly way: it cannot go on. */
  readonly die: (error: unknown) => void
}

export interface Agent {
  /** Downstream first: started in this order, stopped in reverse. */
  readonly components: readonly Component[]
  readonly epoch: string
  /** Known once started. */
  mqttPort(): number
  netflowPort(): number
  adminUrl(): string
  health(): readonly HealthCheck[]
}

export function agentPipeline(config: AgentConfig, { clock, log, metrics, die }: AgentDeps): Agent {
  const { agent, region, tenant, dataDir } = config
  const front = reportFront(log, metrics, clock)
  const back = reportBack(log, metrics, clock, () => outbox)
  const flowReport = reportFlows(log, metrics, clock)
  const pseudonymiser = new Pseudonymiser(readIdentityKey(config.identity.keyFile))
  const identity = openStoreIdentity(dataDir, clock.nowMs())
  back.storeOpened(identity.epoch, identity.renewed)

  const uplink = new NatsUplink({
    url: config.hub.natsUrl,
    access: config.hub,
    tenant,
    region,
    agent,
    publishTimeoutMs: config.uplink.publishTimeoutMs,
    onStatus: back.linkStatus,
    onConnected: () => pump.reconnected(),
    onWatermark: (watermark) => pump.watermark(watermark),
  })
  const outbox = new SqliteOutbox({
    file: join(dataDir, 'outbox.db'),
    tenant,
    region,
    agent,
    storeId: identity.storeId,
    epoch: identity.epoch,
    quotaBytes: config.outbox.quotaBytes,
    ballastBytes: config.outbox.ballastBytes,
    report: back,
    backfillAfterMs: config.outbox.backfillAfterS * 1000,
    maxFrameBytes: config.outbox.maxFrameBytes,
    batchRows: config.windows.batchRows,
    clock,
    online: () => uplink.connected,
  })
  const pump = new UplinkPump(
    { agent, beatMs: 1_000, stallMs: config.uplink.stallS * 1000, ...config.uplink },
    { outbox, uplink, clock, report: back, onFailure: die },
  )

  const journal = new SqliteJournal(
    {
      directory: join(dataDir, 'journal'),
      ...config.journal,
      idWindowMs: config.duplicates.windowS * 1000,
      idWindowEvents: config.duplicates.windowEvents,
    },
    { clock, report: front },
  )
  const cover = new JournalCover(
    {
      graceMs: config.windows.graceMs,
      fastCutMs: config.sightings.cutMs,
      batchRows: config.windows.batchRows,
      subscribers: config.sightings.subscribers,
      keepAliveMs: config.sightings.keepAliveS * 1000,
      deadLetterRows: config.outbox.deadLetterRows,
    },
    {
      journal,
      outbox,
      storeId: identity.storeId,
      clock,
      onCommit: () => pump.poke(),
      onDiskFull: back.outboxFull,
      onLoss: back.eventsGivenUp,
      onJournalLoss: back.journalLost,
      onFailure: die,
    },
  )
  const live = new LiveTap()
  const site = new SiteWatch(clock)

  const hasher = new IdHasher(journal.idKey)
  const decoder = new Decoder(
    { pseudonymiser, hasher, unknownField: front.unknownField, failed: (error) => front.decodeFailed('decoder', error) },
    { dpiCell: config.netflow.cell || undefined },
  )
  const duplicates = new Duplicates({ windowMs: config.duplicates.windowS * 1000, windowEvents: config.duplicates.windowEvents })
  const seen = { listening: false, lastEventMs: 0 }
  const reader = {
    take: (...[batch, position]: Parameters<JournalCover['take']>) => {
      cover.take(batch, position)
      live.take(batch)
      site.take(batch)
      seen.lastEventMs = clock.nowMs()
    },
  }
  const intake = new EventIntake(
    { maxWaitMs: config.journal.maxWaitMs },
    { clock, decoder, duplicates, journal, reader, report: front, die },
  )

  const mqtt = new MqttBroker(
    { ...config.mqtt, tenant, tls: readTls(config.mqtt.tls) },
    { intake, clock, report: front, hashClient: (client) => hasher.hex(client) },
  )
  const brokers = config.brokers.map(
    ({ caFile, clientId = `tributary-${region}-${agent}`, ...broker }) =>
      new MqttSubscriber(
        { ...broker, clientId, tenant, ca: caFile === undefined ? undefined : readFileSync(caFile, 'utf8') },
        { intake, clock, report: front },
      ),
  )
  const flows = new FlowDecoder(new FlowRows({ cell: config.netflow.cell, pseudonymiser }), flowReport)
  const netflow = new UdpFlows(
    { host: config.netflow.host, port: config.netflow.port, maxQueuedOctets: config.netflow.maxQueuedBytes },
    { intake, decoder: flows, report: flowReport, nowMs: () => clock.nowMs() },
  )
  mkdirSync(join(dataDir, 'ndpi'), { recursive: true, mode: 0o750 })
  const ndpi = config.ndpi.map(
    ({ file, cell, pollMs }, at) =>
      new NdpiFile(
        { file, cell, pollMs, stateFile: join(dataDir, 'ndpi', `${at}.json`) },
        { intake, report: flowReport, nowMs: () => clock.nowMs() },
      ),
  )
  const taps: Component[] = [...(config.mqtt.enabled ? [mqtt] : []), ...brokers, ...(config.netflow.enabled ? [netflow] : []), ...ndpi]

  const lastArrivals = () => [
    { tap: 'any', atMs: seen.lastEventMs },
    ...[netflow, ...ndpi].map(({ name, lastArrivalMs }) => ({ tap: name, atMs: lastArrivalMs })),
  ]
  const host = new CheckWatch(agentChecks, new AgentCheckContext({ load: () => config, inside: true }))
  const health = () => [
    ...agentHealth({ clock, journal, journalQuotaBytes: config.journal.quotaBytes, outbox, uplink, lastArrivals }),
    ...host.health(),
  ]
  const admin = new AdminServer({
    ...config.admin,
    metrics,
    health,
    ready: () => seen.listening,
    what: `the admin server of agent ${agent}`,
    streams: { '/tap': ({ family }, signal) => live.follow(family, signal) },
    documents: { '/site': () => describeSite({ config, identity, clock, site, journal, outbox, uplink }) },
    actions: { '/replay': ({ lane }) => replay(outbox, () => pump.poke(), lane) },
  })
  const stores: Component = {
    name: 'stores',
    start: async () => {},
    stop: async () => {
      journal.close()
      outbox.close()
    },
  }
  const ready: Component = {
    name: 'ready',
    start: async () => {
      seen.listening = true
    },
    stop: async () => {
      seen.listening = false
    },
  }
  return {
    components: [stores, host, admin, uplink, pump, cover, intake, ...taps, ready],
    epoch: identity.epoch,
    mqttPort: () => mqtt.port,
    netflowPort: () => netflow.port,
    adminUrl: () => admin.url,
    health,
  }
}

function readTls(tls: AgentConfig['mqtt']['tls']) {
  if (tls === undefined) return undefined
  const { certFile, keyFile, caFile, requireCertificate } = tls
  return {
    cert: readFileSync(certFile, 'utf8'),
    key: readFileSync(keyFile, 'utf8'),
    ca: caFile === undefined ? undefined : readFileSync(caFile, 'utf8'),
    requireCertificate,
  }
}
