/**
 * For tests: plants sightings in words ("SIM a in phone p at cell 1 at minute 5") and reads back what a detector finally holds, as the core would:
 * by id, the highest revision, without what was retracted.
 */
import { hash } from 'node:crypto'
import { BatchBuilder } from '#shared/batch-builder.ts'
import type { Claim } from '#shared/control.ts'
import { hexToWords, wordsToHex } from '#shared/pseudonym.ts'
import type { Batch } from '#shared/records.ts'
import type { CellRow } from './cell-inventory.ts'
import type { Detections, Detector } from './ports.ts'

export interface Planted {
  readonly timeMs: number
  readonly sim?: string
  readonly number?: string
  readonly device?: string
  readonly model?: number
  readonly cell?: string
  readonly latitude?: number
  readonly longitude?: number
  readonly accuracyM?: number
  readonly speedMps?: number
}

export const startMs = Date.UTC(2026, 0, 5, 8)
export const second = 1000
export const minute = 60_000
export const hour = 3_600_000

/** The pseudonym that stands for a name in a test, as 32 hex digits. */
export function psn(name: string): string {
  return hash('sha256', name, 'hex').slice(0, 32)
}

export function toBatch(planted: readonly Planted[], region = 'north'): Batch<'sighting'> {
  const builder = new BatchBuilder('sighting', Math.max(1, planted.length))
  for (const one of planted) {
    const row = builder.add()
    const c = builder.columns
    hexToWords(one.sim === undefined ? '' : psn(one.sim), c.subscriber, row * 4)
    hexToWords(one.number === undefined ? '' : psn(one.number), c.number, row * 4)
    hexToWords(one.device === undefined ? '' : psn(one.device), c.device, row * 4)
    if (one.device !== undefined) c.model[row] = one.model ?? modelOf(one.device)
    c.timeMs[row] = one.timeMs
    c.arrivalMs[row] = one.timeMs + 100
    c.cell[row] = builder.code(one.cell ?? '')
    if (one.latitude !== undefined) c.latitude[row] = one.latitude
    if (one.longitude !== undefined) c.longitude[row] = one.longitude
    if (one.accuracyM !== undefined) c.accuracyM[row] = one.accuracyM
    if (one.speedMps !== undefined) c.speedMps[row] = one.speedMps
    hexToWords(psn(JSON.stringify(one)).slice(0, 16).padEnd(32, '0'), c.key.subarray(row * 2, row * 2 + 4), 0)
  }
  return builder.finish({ tenant: 'default', region, agent: `${region}-1`, epoch: 'e', lane: 'sighting', seq: 1 })
}

export function modelOf(device: string): number {
  return 35_000_000 + (Number.parseInt(psn(device).slice(0, 6), 16) % 900_000)
}

/** A row of cells 1 km apart, `cell(i)`, from Cork to the east; every hundredth degree of longitude is about 690 m. */
export function cellAt(kilometres: number): string {
  return `272-01-${100_000 + kilometres}`
}

export function cellRows(count = 400, rangeM = 800): CellRow[] {
  const metresPerDegree = 111_320 * Math.cos((51.9 * Math.PI) / 180)
  return Array.from({ length: count }, (_, km) => ({
    cell: cellAt(km),
    radio: 'LTE',
    latitude: 51.9,
    longitude: -8.5 + (km * 1000) / metresPerDegree,
    rangeM,
  }))
}

export interface HeldAlert {
  readonly type: string
  readonly severity: string
  readonly timeMs: number
  readonly subscriber: string
  readonly device: string
  readonly cell: string
  readonly evidence: Record<string, unknown>
  readonly revision: number
}

/** What the core would hold after these batches. */
export class Held {
  readonly alerts = new Map<string, HeldAlert & { retracted: boolean }>()
  readonly movements = new Map<
    string,
    { type: string; timeMs: number; before: string; after: string; retracted: boolean; revision: number }
  >()
  readonly bindings = new Map<string, { lastMs: number; revision: number; retracted: boolean }>()
  readonly positions: { timeMs: number; subscriber: string; latitude: number; longitude: number; radiusM: number; motion: number }[] = []
  readonly curated: Batch<'sighting'>[] = []
  readonly claims: Claim[] = []

  take({ batches, claims }: Detections): void {
    this.claims.push(...claims)
    for (const batch of batches) {
      if (batch.kind === 'alert') this.#alerts(batch as Batch<'alert'>)
      else if (batch.kind === 'sim-movement') this.#movements(batch as Batch<'sim-movement'>)
      else if (batch.kind === 'binding') this.#bindings(batch as Batch<'binding'>)
      else if (batch.kind === 'position') this.#positions(batch as Batch<'position'>)
      else if (batch.kind === 'sighting') this.curated.push(batch as Batch<'sighting'>)
    }
  }

  /** Alerts that stand, by type. */
  standing(type?: string): HeldAlert[] {
    return [...this.alerts.values()].filter((alert) => !alert.retracted && (type === undefined || alert.type === type))
  }

  types(): string[] {
    return this.standing()
      .map((alert) => alert.type)
      .sort()
  }

  moves(): string[] {
    return [...this.movements.values()]
      .filter((move) => !move.retracted)
      .sort((x, y) => x.timeMs - y.timeMs)
      .map((move) => move.type)
  }

  /** Everything that must be equal whatever the order of arrival: ids, contents and evidence, without revision and time of detection. */
  essence(): unknown {
    const alerts = [...this.alerts].filter(([, alert]) => !alert.retracted).map(([id, { revision, retracted, ...rest }]) => [id, rest])
    const moves = [...this.movements].filter(([, move]) => !move.retracted).map(([id, { revision, retracted, ...rest }]) => [id, rest])
    const byId = (x: unknown[], y: unknown[]) => (String(x[0]) < String(y[0]) ? -1 : 1)
    const bindings = [...this.bindings].filter(([, binding]) => !binding.retracted).map(([key]) => key)
    return { alerts: alerts.sort(byId), moves: moves.sort(byId), bindings: bindings.sort() }
  }

  #alerts({ rows, columns: c, texts }: Batch<'alert'>): void {
    for (let row = 0; row < rows; row++) {
      const id = wordsToHex(c.id, row * 4)
      if ((this.alerts.get(id)?.revision ?? -1) > c.revision[row]!) continue
      this.alerts.set(id, {
        type: texts[c.type[row]!]!,
        severity: texts[c.severity[row]!]!,
        timeMs: c.timeMs[row]!,
        subscriber: wordsToHex(c.subscriber, row * 4),
        device: wordsToHex(c.device, row * 4),
        cell: texts[c.cell[row]!]!,
        evidence: JSON.parse(texts[c.evidence[row]!]!),
        revision: c.revision[row]!,
        retracted: c.retracted[row] === 1,
      })
    }
  }

  #movements({ rows, columns: c, texts }: Batch<'sim-movement'>): void {
    for (let row = 0; row < rows; row++) {
      const id = wordsToHex(c.id, row * 4)
      if ((this.movements.get(id)?.revision ?? -1) > c.revision[row]!) continue
      this.movements.set(id, {
        type: texts[c.type[row]!]!,
        timeMs: c.timeMs[row]!,
        before: wordsToHex(c.before, row * 4),
        after: wordsToHex(c.after, row * 4),
        revision: c.revision[row]!,
        retracted: c.retracted[row] === 1,
      })
    }
  }

  #bindings({ rows, columns: c }: Batch<'binding'>): void {
    for (let row = 0; row < rows; row++) {
      const key = `${c.kind[row]}:${wordsToHex(c.from, row * 4)}:${wordsToHex(c.to, row * 4)}:${c.firstMs[row]}`
      if ((this.bindings.get(key)?.revision ?? -1) > c.revision[row]!) continue
      this.bindings.set(key, { lastMs: c.lastMs[row]!, revision: c.revision[row]!, retracted: c.retracted[row] === 1 })
    }
  }

  #positions({ rows, columns: c }: Batch<'position'>): void {
    for (let row = 0; row < rows; row++) {
      this.positions.push({
        timeMs: c.timeMs[row]!,
        subscriber: wordsToHex(c.subscriber, row * 4),
        latitude: c.latitude[row]!,
        longitude: c.longitude[row]!,
        radiusM: c.radiusM[row]!,
        motion: c.motion[row]!,
      })
    }
  }
}

/** Hands the log over in batches of `batchRows`, a flush after each. */
export function feed(detector: Detector, log: readonly Planted[], batchRows = 16, held = new Held()): Held {
  for (let from = 0; from < log.length; from += batchRows) {
    detector.sightings(toBatch(log.slice(from, from + batchRows)))
    held.take(detector.flush())
  }
  return held
}
