/**
 * What a network element would report about a speaker (a phone, or a planted one): the payloads of the five families, field by field as
 * the wire wants them. Who knows what is as in reality: radio events carry the IMSI and often the IMEI, never the number; the core
 * network's subscriber events know number and device; the CRM knows the number only.
 */

import type { Family } from '#shared/families.ts'
import { type Coverage, type Hearing, quality } from './coverage.ts'
import { toDegrees } from './geometry.ts'
import { type Identity, writeImei } from './population.ts'
import type { Random } from './random.ts'
import type { Scenario } from './scenario.ts'
import type { Cell, World } from './world.ts'

export interface Speaker {
  readonly identity: Identity
  readonly random: Random
  readonly x: number
  readonly y: number
  readonly serving: number
  readonly hearing: Hearing
  readonly speedMps: number
  readonly courseDeg: number
}

/** Something that happened, before delivery does its worst to it. */
export interface Happening {
  readonly timeMs: number
  readonly family: Family
  readonly type: string
  readonly source: string
  /** The site whose agent hears of it. */
  readonly site: number
  readonly region: number
  readonly payload: Readonly<Record<string, unknown>>
}

const applications = [
  { application: 'YouTube', protocol: 'QUIC', downKb: 4_000, ratio: 0.02 },
  { application: 'WhatsApp', protocol: 'TLS', downKb: 40, ratio: 0.7 },
  { application: 'Netflix', protocol: 'TLS', downKb: 6_000, ratio: 0.01 },
  { application: 'Instagram', protocol: 'TLS', downKb: 900, ratio: 0.05 },
  { application: 'TikTok', protocol: 'QUIC', downKb: 3_000, ratio: 0.03 },
  { application: 'Google', protocol: 'TLS', downKb: 80, ratio: 0.2 },
  { application: 'Facebook', protocol: 'TLS', downKb: 500, ratio: 0.08 },
  { application: 'Spotify', protocol: 'TLS', downKb: 1_200, ratio: 0.02 },
  { application: 'DNS', protocol: 'UDP', downKb: 0.4, ratio: 0.4 },
  { application: 'SIP', protocol: 'UDP', downKb: 60, ratio: 1 },
  { application: 'HTTP', protocol: 'TCP', downKb: 60, ratio: 0.1 },
] as const

const interactions = [
  { channel: 'app', action: 'top-up', outcomes: ['done', 'failed'] },
  { channel: 'app', action: 'view-bill', outcomes: ['done'] },
  { channel: 'call-centre', action: 'complaint', outcomes: ['solved', 'open'] },
  { channel: 'shop', action: 'new-tariff', outcomes: ['bought', 'left'] },
  { channel: 'sms', action: 'campaign', outcomes: ['opened', 'ignored'], campaign: 'autumn-data' },
] as const

const metresPerAdvanceStep = 78.12 // 16·Ts, TS 36.213 §4.2.3

export class Reporter {
  readonly #world: World
  readonly #coverage: Coverage
  readonly #gaps: Scenario['gaps']

  constructor(world: World, coverage: Coverage, gaps: Scenario['gaps']) {
    this.#world = world
    this.#coverage = coverage
    this.#gaps = gaps
  }

  /** A radio event; `imei` says that this one surely carries the device. */
  radio(speaker: Speaker, timeMs: number, type: string, extra?: Readonly<Record<string, unknown>>, imei = false): Happening {
    const cell = this.#coverage.cell(speaker.serving)
    const { random } = speaker
    const payload: Record<string, unknown> = { imsi: speaker.identity.imsi, cell: cell.id, rat: cell.rat }
    const form = random.unit()
    if (imei || form >= this.#gaps.imei) {
      payload.imei = writeImei(speaker.identity.imei, (form - this.#gaps.imei) / (1 - this.#gaps.imei))
    }
    this.#measure(speaker, cell, payload)
    if (type === 'measurement' && random.unit() >= this.#gaps.neighbours) payload.neighbours = this.#neighbours(speaker)
    return this.#at(cell, timeMs, 'network', type, extra === undefined ? payload : Object.assign(payload, extra))
  }

  /** What the core network (HSS, UDM) knows: SIM, number and device together. */
  subscriber(speaker: Speaker, timeMs: number, type: string, extra?: Readonly<Record<string, unknown>>): Happening {
    const cell = this.#coverage.cell(speaker.serving)
    const { imsi, msisdn, imei } = speaker.identity
    const payload = {
      imsi,
      msisdn,
      imei: writeImei(imei, speaker.random.unit()),
      cell: cell.id,
      rat: cell.rat,
      tac: cell.trackingArea,
      ...extra,
    }
    return this.#at(cell, timeMs, 'subscriber', type, payload, 'mme-')
  }

  fix(speaker: Speaker, timeMs: number): Happening {
    const cell = this.#coverage.cell(speaker.serving)
    const { random } = speaker
    const accuracyM = 4 + random.exponential(8)
    // 68 % of a round normal cloud lie within 1.51 σ.
    const sigmaM = accuracyM / 1.51
    const place = toDegrees(speaker.x + sigmaM * random.normal(), speaker.y + sigmaM * random.normal())
    return this.#at(cell, timeMs, 'location', 'fix', {
      imsi: speaker.identity.imsi,
      cell: cell.id,
      latitude: Math.round(place.latitude * 1e6) / 1e6,
      longitude: Math.round(place.longitude * 1e6) / 1e6,
      accuracy_m: Math.round(accuracyM * 10) / 10,
      speed_mps: Math.round(Math.max(0, speaker.speedMps + 0.3 * random.normal()) * 10) / 10,
      bearing_deg: Math.round(speaker.courseDeg) % 360,
    })
  }

  flow(speaker: Speaker, timeMs: number): Happening {
    const cell = this.#coverage.cell(speaker.serving)
    const { random } = speaker
    const kind = random.pick(applications)
    const down = Math.round(kind.downKb * 1000 * Math.exp(random.normal()))
    const up = Math.round(down * kind.ratio * random.between(0.5, 1.5)) + 60
    const lastedMs = Math.round(200 + random.exponential(8_000))
    return this.#at(
      cell,
      timeMs,
      'dpi',
      'flow',
      {
        imsi: speaker.identity.imsi,
        cell: cell.id,
        rat: cell.rat,
        application: kind.application,
        protocol: kind.protocol,
        bytes_up: up,
        bytes_down: down,
        packets_up: 1 + Math.ceil(up / 300),
        packets_down: 1 + Math.ceil(down / 1300),
        rtt_ms: Math.round((18 + random.exponential(25)) * 10) / 10,
        loss_ratio: random.chance(0.7) ? 0 : Math.round(Math.min(1, random.exponential(0.01)) * 1e4) / 1e4,
        flow_start: timeMs - lastedMs,
        flow_end: timeMs,
      },
      'dpi-',
    )
  }

  interaction(speaker: Speaker, timeMs: number): Happening {
    const cell = this.#coverage.cell(speaker.serving)
    const { random } = speaker
    const kind = random.pick(interactions)
    const payload: Record<string, unknown> = {
      msisdn: speaker.identity.msisdn,
      channel: kind.channel,
      action: kind.action,
      outcome: random.pick<string>(kind.outcomes),
    }
    if ('campaign' in kind) payload.campaign = kind.campaign
    return this.#at(cell, timeMs, 'interaction', kind.action, payload, 'crm-')
  }

  #at(cell: Cell, timeMs: number, family: Family, type: string, payload: Happening['payload'], prefix = ''): Happening {
    const site = this.#world.sites[cell.site]!
    return { timeMs, family, type, source: prefix + site.name, site: cell.site, region: cell.region, payload }
  }

  #measure(speaker: Speaker, cell: Cell, payload: Record<string, unknown>): void {
    const { random, hearing, serving } = speaker
    const at = hearing.cells.indexOf(serving)
    const mean = at >= 0 && at < hearing.count ? hearing.rsrpDbm[at]! : this.#coverage.levelDbm(cell, speaker.x, speaker.y)
    const { rsrqDb, sinrDb } = quality(hearing, serving)
    payload.pci = cell.pci
    payload.rsrp_dbm = halfDb(Math.max(-140, Math.min(-44, mean + 1.5 * random.normal())))
    payload.rsrq_db = halfDb(rsrqDb)
    payload.sinr_db = halfDb(Math.max(-20, Math.min(40, sinrDb + random.normal())))
    if (cell.rat === 'LTE') {
      const metres = Math.hypot(speaker.x - cell.x, speaker.y - cell.y) + cell.advanceBiasM + 25 * random.normal()
      payload.timing_advance = Math.max(0, Math.min(1282, Math.round(metres / metresPerAdvanceStep)))
    }
  }

  #neighbours(speaker: Speaker): unknown[] {
    const { hearing, random } = speaker
    const heard: unknown[] = []
    for (let at = 0; at < hearing.count && heard.length < 6; at++) {
      const level = hearing.rsrpDbm[at]! + 1.5 * random.normal()
      if (hearing.cells[at] === speaker.serving || level < -135) continue
      const cell = this.#coverage.cell(hearing.cells[at]!)
      heard.push({ cell: cell.id, pci: cell.pci, rsrp_dbm: halfDb(Math.min(-44, level)) })
    }
    return heard
  }
}

function halfDb(value: number): number {
  return Math.round(value * 2) / 2
}
