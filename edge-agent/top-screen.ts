/** The agent as one screen of text: taps, lanes, link, disk, budgets. Pure: what was asked a moment ago and now, in; lines, out. */

import { metricOf, type RunningService } from '#shared/check-context.ts'
import { humanBytes } from '#shared/check-host.ts'
import { lanes } from '#shared/records.ts'
import type { SiteSight } from './watch-site.ts'

export interface TopSight {
  readonly site: SiteSight
  readonly health: RunningService['health']
  readonly metrics: string
  readonly freeBytes: number
}

export interface TopFacts {
  readonly schema: 1
  readonly agent: string
  readonly region: string
  readonly status: string
  readonly upS: number
  readonly taps: readonly {
    readonly tap: string
    readonly perS: number
    readonly accepted: number
    readonly rejectedShare: number
    readonly lastS: number
  }[]
  readonly lanes: readonly {
    readonly lane: string
    readonly batches: number
    readonly bytes: number
    readonly oldestS: number
    readonly sentBytes: number
  }[]
  readonly link: { readonly connected: boolean; readonly bytesPerS: number; readonly sentBytes: number; readonly budgetBytesPerS: number }
  readonly watermarkS: number
  readonly disk: {
    readonly freeBytes: number
    readonly journalShare: number
    readonly outboxShare: number
    readonly hoursLeft: number | null
  }
  readonly memoryBytes: number
  readonly processorShare: number
  readonly problems: readonly string[]
}

export function topFacts(now: TopSight, before: TopSight | undefined): TopFacts {
  const { site, health, metrics, freeBytes } = now
  const upS = Math.max(1, (site.nowMs - site.startedMs) / 1000)
  const spanS = before === undefined ? upS : Math.max(0.1, (site.nowMs - before.site.nowMs) / 1000)
  const rate = (name: string) =>
    ((metricOf(metrics, name) ?? 0) - (before === undefined ? 0 : (metricOf(before.metrics, name) ?? 0))) / spanS
  const sentBytes = metricOf(metrics, 'tributary_uplink_sent_bytes_total') ?? 0
  const produced = (sentBytes + site.outbox.bytes) / upS
  const room = Math.min(freeBytes, Math.max(0, site.outbox.quotaBytes - site.outbox.bytes))
  return {
    schema: 1,
    agent: site.agent,
    region: site.region,
    status: health.status,
    upS: Math.round(upS),
    taps: site.taps.map((tap) => {
      const earlier = before?.site.taps.find((one) => one.tap === tap.tap)
      const all = tap.accepted + tap.rejected + tap.duplicate
      const gained = tap.accepted - (before === undefined ? 0 : (earlier?.accepted ?? 0))
      return {
        tap: tap.tap,
        perS: round(gained / spanS),
        accepted: tap.accepted,
        rejectedShare: round(tap.rejected / Math.max(1, all), 4),
        lastS: Math.round((site.nowMs - tap.lastEventMs) / 1000),
      }
    }),
    lanes: lanes.map((lane) => {
      const held = site.outbox.lanes.find((one) => one.lane === lane)
      return {
        lane,
        batches: held?.rows ?? 0,
        bytes: held?.bytes ?? 0,
        oldestS: held === undefined ? 0 : Math.round((site.nowMs - held.oldestMs) / 1000),
        sentBytes: metricOf(metrics, 'tributary_uplink_sent_bytes_total', { lane }) ?? 0,
      }
    }),
    link: {
      connected: site.uplink.connected,
      bytesPerS: Math.round(rate('tributary_uplink_sent_bytes_total')),
      sentBytes,
      budgetBytesPerS: site.uplink.bytesPerSecond,
    },
    watermarkS: site.watermarkMs === 0 ? -1 : Math.round((site.nowMs - site.watermarkMs) / 1000),
    disk: {
      freeBytes,
      journalShare: round(site.journal.bytes / site.journal.quotaBytes, 4),
      outboxShare: round(site.outbox.bytes / site.outbox.quotaBytes, 4),
      hoursLeft: produced < 1 || upS < 30 ? null : round(room / produced / 3600),
    },
    memoryBytes: metricOf(metrics, 'process_resident_memory_bytes') ?? 0,
    processorShare: round(rate('process_cpu_seconds_total'), 3),
    problems: health.checks.filter(({ verdict }) => verdict !== 'ok').map(({ id, words }) => `${id}: ${words}`),
  }
}

export function topLines(facts: TopFacts, colours: boolean): string[] {
  const paint = (code: number, text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text)
  const state = facts.status === 'ok' ? paint(32, 'ok') : paint(facts.status === 'failed' ? 31 : 33, facts.status)
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`
  const { link, disk } = facts
  const budget = link.budgetBytesPerS === 0 ? 'no budget set' : `of ${humanBytes(link.budgetBytesPerS)}/s budget`
  return [
    `${facts.agent} in ${facts.region}: ${state}, up ${duration(facts.upS)}, ${humanBytes(facts.memoryBytes)} memory, ${percent(facts.processorShare)} of a processor`,
    `link    ${link.connected ? paint(32, 'connected') : paint(31, 'down')}, ${humanBytes(link.bytesPerS)}/s ${budget}, ${humanBytes(link.sentBytes)} since start; watermark ${facts.watermarkS < 0 ? 'none yet' : `${facts.watermarkS} s old`}`,
    `disk    ${humanBytes(disk.freeBytes)} free; journal ${percent(disk.journalShare)}, outbox ${percent(disk.outboxShare)} of quota; ${disk.hoursLeft === null ? 'rate not known yet' : `room for ${disk.hoursLeft} h without a link`}`,
    '',
    'tap        events/s   accepted   rejected   last',
    ...(facts.taps.length === 0 ? ['nothing has come yet'] : []),
    ...facts.taps.map(
      (one) =>
        `${one.tap.padEnd(9)} ${fixed(one.perS, 9)} ${fixed(one.accepted, 10)} ${percent(one.rejectedShare).padStart(10)}   ${one.lastS} s ago`,
    ),
    '',
    'lane       batches       bytes    oldest        sent',
    ...facts.lanes.map(
      (one) =>
        `${one.lane.padEnd(9)} ${fixed(one.batches, 8)} ${humanBytes(one.bytes).padStart(11)} ${`${one.oldestS} s`.padStart(9)} ${humanBytes(one.sentBytes).padStart(11)}`,
    ),
    ...(facts.problems.length === 0 ? [] : ['', ...facts.problems.map((words) => paint(33, `! ${words}`))]),
  ]
}

function round(value: number, digits = 1): number {
  return Math.round(value * 10 ** digits) / 10 ** digits
}

function fixed(value: number, width: number): string {
  return String(value).padStart(width)
}

function duration(seconds: number): string {
  const hours = Math.floor(seconds / 3600)
  return hours > 0
    ? `${hours} h ${Math.floor((seconds % 3600) / 60)} min`
    : seconds >= 60
      ? `${Math.floor(seconds / 60)} min`
      : `${seconds} s`
}
