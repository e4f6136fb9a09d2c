/**
 * What really happened, one JSON object a line: planted movements as they are planted, and true positions. It holds raw identities:
 * it is a laboratory's file and must never lie below a network's data folder, so nobody writes one unless asked.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { PlantSpec } from './scenario.ts'

export interface TruthIdentity {
  readonly imsi: string
  readonly msisdn: string
  readonly imei: string
}

export interface PlantTruth {
  readonly kind: PlantSpec['kind']
  readonly atMs: number
  readonly before: TruthIdentity
  readonly after: TruthIdentity
  /** All SIMs of a box. */
  readonly imsis?: readonly string[]
  readonly cells: readonly string[]
  readonly regions: readonly string[]
  /** device-toggle: back in the old device. */
  readonly backMs?: number
  /** Alerts of other kinds that this plant rightly raises too. */
  readonly also?: readonly string[]
}

export interface PositionTruth {
  readonly kind: 'position'
  readonly atMs: number
  readonly imsi: string
  readonly msisdn: string
  readonly latitude: number
  readonly longitude: number
  readonly cell: string
  readonly region: string
  readonly motion: string
}

export type TruthLine = PlantTruth | PositionTruth

export interface TruthSink {
  write(line: TruthLine): void
}

export class TruthFile implements TruthSink {
  readonly #descriptor: number

  constructor(file: string) {
    this.#descriptor = openSync(file, 'w', 0o600)
  }

  write(line: TruthLine): void {
    writeSync(this.#descriptor, `${JSON.stringify(line)}\n`)
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

export function readTruth(file: string): TruthLine[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as TruthLine)
}
