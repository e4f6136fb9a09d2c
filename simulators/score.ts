/**
 * Holds alerts against the planted truth: which plants were found, how soon, and which alerts have no plant behind them. Alerts carry
 * pseudonyms, so the truth's raw identities are made into pseudonyms with the tenant's key; a plant is found when an alert of a fitting
 * type names one of its identities anywhere (subject or evidence).
 */
import { normaliseImei, normaliseMsisdn, type Pseudonymiser, wordsToHex } from '#shared/pseudonym.ts'
import type { PlantTruth } from './truth.ts'

export interface Alert {
  readonly id: string
  readonly type: string
  readonly time: string
  readonly detectedAt?: string
  readonly [field: string]: unknown
}

export interface Share {
  readonly found: number
  readonly of: number
  readonly share: number
  /** 95 % Wilson bounds. */
  readonly low: number
  readonly high: number
}

export interface KindScore {
  readonly kind: string
  readonly recall: Share
  readonly delayS: { readonly median: number; readonly p95: number; readonly max: number } | undefined
  /** Moments of the plants that nobody found. */
  readonly missed: readonly string[]
}

export interface TypeScore {
  readonly type: string
  readonly precision: Share
  /** Ids of alerts without a plant behind them. */
  readonly unfounded: readonly string[]
}

export interface Score {
  readonly kinds: readonly KindScore[]
  readonly types: readonly TypeScore[]
}

/** Alert types that answer to a plant. A toggle is a swap until it is undone. */
const answering: Readonly<Record<PlantTruth['kind'], readonly string[]>> = {
  'device-swap': ['device-swap'],
  'sim-swap': ['sim-swap'],
  'sim-box': ['sim-box'],
  clone: ['clone'],
  'device-toggle': ['device-toggle', 'device-swap'],
}
const judgedTypes: readonly string[] = [...new Set([...Object.values(answering).flat(), 'swap-combo'])]

export function scoreAlerts(plants: readonly PlantTruth[], alerts: readonly Alert[], pseudonymiser: Pseudonymiser): Score {
  const judged = alerts.filter((alert) => judgedTypes.includes(alert.type)).map((alert) => ({ alert, text: JSON.stringify(alert) }))
  const founded = new Set<string>()
  const found = plants.map((plant) => {
    const names = pseudonymsOf(plant, pseudonymiser)
    const about = judged.filter(({ text }) => names.some((name) => text.includes(name)))
    for (const { alert } of about) {
      if (answering[plant.kind].includes(alert.type) || plant.also?.includes(alert.type)) founded.add(alert.id)
    }
    const answers = about.filter(({ alert }) => answering[plant.kind].includes(alert.type))
    const delays = answers.map(({ alert }) => Math.max(0, Date.parse(alert.detectedAt ?? alert.time) - plant.atMs) / 1000)
    return { plant, delayS: delays.length === 0 ? undefined : Math.min(...delays) }
  })
  const kinds = [...new Set(plants.map(({ kind }) => kind))].map((kind) => {
    const mine = found.filter(({ plant }) => plant.kind === kind)
    const delays = mine.flatMap(({ delayS }) => delayS ?? []).sort((a, b) => a - b)
    const at = (share: number) => delays[Math.min(delays.length - 1, Math.ceil(share * delays.length) - 1)]!
    return {
      kind,
      recall: shareOf(delays.length, mine.length),
      delayS: delays.length === 0 ? undefined : { median: at(0.5), p95: at(0.95), max: at(1) },
      missed: mine.filter(({ delayS }) => delayS === undefined).map(({ plant }) => new Date(plant.atMs).toISOString()),
    }
  })
  const types = [...new Set(judged.map(({ alert }) => alert.type))].map((type) => {
    const mine = judged.filter(({ alert }) => alert.type === type)
    const unfounded = mine.filter(({ alert }) => !founded.has(alert.id)).map(({ alert }) => alert.id)
    return { type, precision: shareOf(mine.length - unfounded.length, mine.length), unfounded }
  })
  return { kinds, types }
}

/** Both ways a pseudonym is written: text and hexadecimal. */
function pseudonymsOf(plant: PlantTruth, pseudonymiser: Pseudonymiser): string[] {
  const words: Uint32Array[] = []
  for (const { imsi, msisdn, imei } of [plant.before, plant.after]) {
    words.push(
      pseudonymiser.words('imsi', imsi),
      pseudonymiser.words('msisdn', normaliseMsisdn(msisdn)),
      pseudonymiser.words('imei', normaliseImei(imei)),
    )
  }
  for (const imsi of plant.imsis ?? []) words.push(pseudonymiser.words('imsi', imsi))
  return [...new Set(words.flatMap((four) => [pseudonymiser.text(four), wordsToHex(four)]))]
}

function shareOf(found: number, of: number): Share {
  if (of === 0) return { found, of, share: Number.NaN, low: 0, high: 1 }
  const z = 1.96
  const share = found / of
  const centre = (share + (z * z) / (2 * of)) / (1 + (z * z) / of)
  const half = (z * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of))) / (1 + (z * z) / of)
  return { found, of, share, low: Math.max(0, centre - half), high: Math.min(1, centre + half) }
}
