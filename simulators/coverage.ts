/**
 * What a phone hears at a place: 3GPP-like path loss (TR 36.942 §4.5), sector antennas (12·(θ/65)², at most 20 dB), and log-normal
 * shadowing of 8 dB that is the same whenever somebody stands at the same place and forgets itself over 50 m. The shadow is a field, a
 * hash of lattice points per site: nothing is stored, and nothing depends on who walked there before.
 */
import { hashPoint } from './random.ts'
import type { Cell, Site, World } from './world.ts'

/** The strongest cells at a place, best first. `count` of them are valid. */
export interface Hearing {
  readonly cells: Int32Array
  readonly rsrpDbm: Float32Array
  count: number
}

export const heardAtMost = 7
const tileM = 2_000
const sitesPerTile = 9
const shadowSigmaDb = 8
const shadowStepM = 50
/** Half of a shadow is the place's own (the house one stands behind), half the way's to the site: correlation 0.5 between sites, §4.5 again. */
const equalParts = Math.SQRT1_2
const commonSeed = 0x5eed
/** 46 dBm over 600 subcarriers (TS 36.104), 15 dBi antenna. */
const transmitDbm = 46 - 27.8 + 15
const noiseDbm = -125
/** Below this a phone leaves NR for LTE. */
const nrFloorDbm = -112
const quarterNormal = Math.sqrt(3) / 255

export function newHearing(): Hearing {
  return { cells: new Int32Array(heardAtMost), rsrpDbm: new Float32Array(heardAtMost), count: 0 }
}

export class Coverage {
  readonly #sites: readonly Site[]
  readonly #cells: readonly Cell[]
  readonly #tiles = new Map<number, readonly Site[]>()

  constructor(world: World) {
    this.#sites = world.sites
    this.#cells = world.cells
  }

  /** Fills `into` with the cells heard at a place: NR where the phone can and NR is strong enough, else LTE. */
  listen(x: number, y: number, canNr: boolean, into: Hearing): void {
    if (canNr) {
      this.#rank(x, y, 'NR', into)
      if (into.count > 0 && into.rsrpDbm[0]! > nrFloorDbm) return
    }
    this.#rank(x, y, 'LTE', into)
  }

  /** Mean level of one cell at a place, shadow included. */
  levelDbm(cell: Cell, x: number, y: number): number {
    const site = this.#sites[cell.site]!
    return this.#level(cell, site, x, y, equalParts * (shadowDb(commonSeed, x, y) + shadowDb(site.shadowSeed, x, y)))
  }

  cell(index: number): Cell {
    return this.#cells[index]!
  }

  #rank(x: number, y: number, rat: 'LTE' | 'NR', into: Hearing): void {
    into.count = 0
    const common = shadowDb(commonSeed, x, y)
    for (const site of this.#near(x, y)) {
      if (rat === 'NR' && !site.urban) continue
      const shadow = equalParts * (common + shadowDb(site.shadowSeed, x, y))
      for (const cell of site.cells) {
        if (cell.rat !== rat) continue
        insert(into, cell.index, this.#level(cell, site, x, y, shadow))
      }
    }
  }

  #level(cell: Cell, site: Site, x: number, y: number, shadow: number): number {
    const dx = x - site.x
    const dy = y - site.y
    const distanceKm = Math.max(0.02, Math.sqrt(dx * dx + dy * dy) / 1000)
    let off = (Math.atan2(dx, dy) * 180) / Math.PI - cell.azimuthDeg
    off -= 360 * Math.round(off / 360)
    const antennaDb = Math.min(20, 12 * (off / 65) * (off / 65))
    return transmitDbm - antennaDb - cell.lossAt1KmDb - cell.lossPerDecadeDb * Math.log10(distanceKm) + shadow
  }

  /** The sites that can matter in a tile, nearest first. */
  #near(x: number, y: number): readonly Site[] {
    const tileX = Math.floor(x / tileM)
    const tileY = Math.floor(y / tileM)
    const key = (tileX + 4096) * 16_384 + tileY + 8192
    let near = this.#tiles.get(key)
    if (near === undefined) {
      const middleX = (tileX + 0.5) * tileM
      const middleY = (tileY + 0.5) * tileM
      near = this.#sites
        .map((site) => ({ site, far: Math.hypot(site.x - middleX, site.y - middleY) }))
        .sort((a, b) => a.far - b.far || a.site.index - b.site.index)
        .slice(0, sitesPerTile)
        .map(({ site }) => site)
      this.#tiles.set(key, near)
    }
    return near
  }
}

function insert(into: Hearing, cell: number, level: number): void {
  let at = into.count
  if (at < heardAtMost) into.count++
  else if (into.rsrpDbm[--at]! >= level) return
  while (at > 0 && into.rsrpDbm[at - 1]! < level) {
    into.rsrpDbm[at] = into.rsrpDbm[at - 1]!
    into.cells[at] = into.cells[at - 1]!
    at--
  }
  into.rsrpDbm[at] = level
  into.cells[at] = cell
}

/** A Gaussian field of 8 dB: lattice points 50 m apart, bilinear between them, rescaled so that the variance is the same everywhere. */
export function shadowDb(seed: number, x: number, y: number): number {
  const column = Math.floor(x / shadowStepM)
  const row = Math.floor(y / shadowStepM)
  const u = x / shadowStepM - column
  const v = y / shadowStepM - row
  const a = (1 - u) * (1 - v)
  const b = u * (1 - v)
  const c = (1 - u) * v
  const d = u * v
  const sum =
    a * latticeNormal(seed, column, row) +
    b * latticeNormal(seed, column + 1, row) +
    c * latticeNormal(seed, column, row + 1) +
    d * latticeNormal(seed, column + 1, row + 1)
  return (shadowSigmaDb * sum) / Math.sqrt(a * a + b * b + c * c + d * d)
}

/** Nearly normal: the sum of four uniform bytes. */
function latticeNormal(seed: number, column: number, row: number): number {
  const bits = hashPoint(seed, column, row)
  return ((bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24) - 510) * quarterNormal
}

/** RSRQ and SINR of the best cell among what is heard, at half load (TS 36.214 §5.1.3: N·RSRP/RSSI). */
export function quality(hearing: Hearing, serving: number): { rsrqDb: number; sinrDb: number } {
  let interference = 10 ** (noiseDbm / 10)
  let own = 0
  for (let at = 0; at < hearing.count; at++) {
    const power = 10 ** (hearing.rsrpDbm[at]! / 10)
    if (hearing.cells[at] === serving) own = power
    else interference += power * 0.35
  }
  if (own === 0) own = interference * 0.3
  const sinrDb = 10 * Math.log10(own / interference)
  const rsrqDb = -10 * Math.log10(12 * (0.5 + interference / own))
  return { rsrqDb: Math.max(-34, Math.min(3, rsrqDb)), sinrDb: Math.max(-20, Math.min(40, sinrDb)) }
}
