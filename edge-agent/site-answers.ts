/** What the running agent answers on its admin port besides health and metrics: `/site`, for the field team's commands, and `/replay`. */
import type { Clock } from '#shared/clock.ts'
import { fail } from '#shared/errors.ts'
import { productVersion } from '#shared/product-version.ts'
import { lanes } from '#shared/records.ts'
import type { AgentConfig } from './config.ts'
import type { Outbox, Uplink } from './ports.ts'
import type { SiteSight, SiteWatch } from './watch-site.ts'

export interface SiteParts {
  readonly config: AgentConfig
  readonly identity: { readonly epoch: string }
  readonly clock: Clock
  readonly site: SiteWatch
  readonly journal: { readonly octets: number; readonly head: number; readonly refusal: string }
  readonly outbox: Outbox & { readonly bytes: number }
  readonly uplink: Uplink
}

export function describeSite({ config, identity, clock, site, journal, outbox, uplink }: SiteParts): SiteSight {
  const nowMs = clock.nowMs()
  return {
    schema: 1,
    agent: config.agent,
    region: config.region,
    version: productVersion(),
    pid: process.pid,
    epoch: identity.epoch,
    startedMs: site.startedMs,
    nowMs,
    taps: site.taps,
    cells: site.cells,
    journal: { bytes: journal.octets, quotaBytes: config.journal.quotaBytes, head: journal.head, refusal: journal.refusal },
    outbox: { bytes: outbox.bytes, quotaBytes: config.outbox.quotaBytes, lanes: outbox.backlog() },
    uplink: { connected: uplink.connected, bytesPerSecond: config.uplink.bytesPerSecond },
    watermarkMs: outbox.beat(nowMs).watermarkMs,
  }
}

/** Sends again what is held, of one lane or of all. Safe at any time: the hub knows each batch by its number. */
export function replay(outbox: Outbox, poke: () => void, wanted: string | undefined): { lane: string; rows: number; bytes: number } {
  const lane = lanes.find((one) => one === wanted)
  if (wanted !== undefined && lane === undefined) fail('input-invalid', `lane ${wanted}: there are ${lanes.join(', ')}`)
  const held = outbox.backlog().filter((one) => lane === undefined || one.lane === lane)
  outbox.rewind(lane)
  poke()
  return {
    lane: lane ?? 'all',
    rows: held.reduce((sum, { rows }) => sum + rows, 0),
    bytes: held.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}
