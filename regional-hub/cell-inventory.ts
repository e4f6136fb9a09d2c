/**
 * The cells of a network: where they stand, how far they reach, which stand at one site.
 *
 * Gives every cell a small index, also one that is in no inventory: it still counts and is listed as unknown. Index 0 is "no cell".
 * An index is never given twice nor moved. Reading a file (import-cells.ts) happens at start; nothing here does I/O.
 */
import type { DetectionConfig } from './detection-config.ts'

export interface CellRow {
  /** Canonical identity. */
  readonly cell: string
  readonly radio: string
  readonly latitude: number
  readonly longitude: number
  /** 0 or NaN: not stated. */
  readonly rangeM: number
  /** Degrees from north; absent: not stated. */
  readonly azimuthDeg?: number
}

const metresPerDegree = 111_320
const radians = Math.PI / 180

export class CellInventory {
  readonly names: string[] = ['']
  readonly radios: string[] = ['']
  latitude = new Float64Array(1024).fill(Number.NaN)
  longitude = new Float64Array(1024).fill(Number.NaN)
  sigmaM = new Float32Array(1024)
  reachM = new Float32Array(1024)
  /** The lowest cell index at the same site; 0 for a cell whose place is unknown. */
  site = new Uint32Array(1024)
  readonly #codes = new Map<string, number>([['', 0]])
  readonly #siteCells = new Map<string, number[]>()
  readonly #rangesM = new Map<number, number>()
  readonly #azimuthsDeg = new Map<number, number>()
  /** Rises with every cell that is new or placed anew. */
  changes = 0
  readonly #config: DetectionConfig['cells']

  constructor(config: DetectionConfig['cells'], rows: Iterable<CellRow> = []) {
    this.#config = config
    for (const row of rows) this.add(row)
  }

  get size(): number {
    return this.names.length - 1
  }

  /** The cell's index; a cell heard of for the first time gets one. */
  index(name: string): number {
    const known = this.#codes.get(name)
    if (known !== undefined) return known
    const cell = this.names.length
    this.changes++
    if (cell === this.latitude.length) this.#grow()
    this.names.push(name)
    this.radios.push('')
    this.#codes.set(name, cell)
    this.latitude[cell] = Number.NaN
    this.longitude[cell] = Number.NaN
    return cell
  }

  find(name: string): number | undefined {
    return this.#codes.get(name)
  }

  /** States (or restates) where a cell is. */
  add(row: CellRow): number {
    const cell = this.index(row.cell)
    const rangeM = row.rangeM > 0 ? row.rangeM : this.#config.defaultRangeM
    this.radios[cell] = row.radio === '' ? '?' : row.radio
    if (row.rangeM > 0) this.#rangesM.set(cell, row.rangeM)
    if (row.azimuthDeg !== undefined) this.#azimuthsDeg.set(cell, row.azimuthDeg)
    this.latitude[cell] = row.latitude
    this.longitude[cell] = row.longitude
    this.sigmaM[cell] = Math.max(this.#config.sigmaFloorM, rangeM * this.#config.sigmaShare)
    this.reachM[cell] = Math.max(this.#config.reachFloorM, rangeM * this.#config.reachFactor)
    this.#joinSite(cell)
    return cell
  }

  azimuthDeg(cell: number): number {
    return this.#azimuthsDeg.get(cell) ?? Number.NaN
  }

  isLocated(cell: number): boolean {
    return !Number.isNaN(this.latitude[cell]!)
  }

  /** Cells that were heard of but are in no inventory. */
  unknown(): string[] {
    return this.names.filter((_, cell) => cell > 0 && !this.isLocated(cell))
  }

  /** Great-circle distance; NaN when either place is unknown. */
  distanceM(a: number, b: number): number {
    return distanceM(this.latitude[a]!, this.longitude[a]!, this.latitude[b]!, this.longitude[b]!)
  }

  /** A cell as another region knows it; what is known here stands. */
  learn(name: string, latitude: number, longitude: number, reachM: number): number {
    const cell = this.index(name)
    if (this.isLocated(cell)) return cell
    this.latitude[cell] = latitude
    this.longitude[cell] = longitude
    this.reachM[cell] = reachM
    this.sigmaM[cell] = Math.max(this.#config.sigmaFloorM, reachM / 3)
    this.#joinSite(cell)
    return cell
  }

  /** Names by index, and the places that came from elsewhere than a file: what a snapshot must hold. */
  save(): { names: string[]; places: [cell: number, latitude: number, longitude: number, reachM: number][] } {
    const places: [number, number, number, number][] = []
    for (let cell = 1; cell < this.names.length; cell++) {
      if (this.radios[cell] === '' && this.isLocated(cell))
        places.push([cell, this.latitude[cell]!, this.longitude[cell]!, this.reachM[cell]!])
    }
    return { names: this.names, places }
  }

  /** Gives cells the indices they had in a snapshot; a cell that is newer in the file comes after them. */
  load(saved: ReturnType<CellInventory['save']>): void {
    const rows: CellRow[] = []
    for (let cell = 1; cell < this.names.length; cell++) {
      if (this.radios[cell] === '') continue
      rows.push({
        cell: this.names[cell]!,
        radio: this.radios[cell]!,
        latitude: this.latitude[cell]!,
        longitude: this.longitude[cell]!,
        rangeM: this.#rangesM.get(cell) ?? 0,
        azimuthDeg: this.#azimuthsDeg.get(cell),
      })
    }
    this.names.length = 1
    this.radios.length = 1
    this.#codes.clear()
    this.#codes.set('', 0)
    this.#siteCells.clear()
    this.#rangesM.clear()
    this.#azimuthsDeg.clear()
    for (const name of saved.names.slice(1)) this.index(name)
    for (const row of rows) this.add(row)
    for (const [cell, latitude, longitude, reachM] of saved.places) this.learn(saved.names[cell]!, latitude, longitude, reachM)
  }

  #joinSite(cell: number): void {
    this.changes++
    const degrees = this.#config.siteM / metresPerDegree
    const row = Math.floor(this.latitude[cell]! / degrees)
    const width = degrees / Math.max(0.01, Math.cos(row * degrees * radians))
    const column = Math.floor(this.longitude[cell]! / width)
    let site = cell
    for (let y = row - 1; y <= row + 1; y++) {
      for (let x = column - 1; x <= column + 1; x++) {
        for (const other of this.#siteCells.get(`${y}:${x}`) ?? []) {
          if (this.distanceM(cell, other) <= this.#config.siteM) site = Math.min(site, this.site[other]!)
        }
      }
    }
    this.site[cell] = site
    const key = `${row}:${column}`
    const cells = this.#siteCells.get(key)
    if (cells === undefined) this.#siteCells.set(key, [cell])
    else if (!cells.includes(cell)) cells.push(cell)
  }

  #grow(): void {
    const size = this.latitude.length * 2
    const doubled = <T extends Float64Array | Float32Array | Uint32Array>(from: T, to: T): T => {
      to.set(from)
      return to
    }
    this.latitude = doubled(this.latitude, new Float64Array(size))
    this.longitude = doubled(this.longitude, new Float64Array(size))
    this.sigmaM = doubled(this.sigmaM, new Float32Array(size))
    this.reachM = doubled(this.reachM, new Float32Array(size))
    this.site = doubled(this.site, new Uint32Array(size))
  }
}

/** Great-circle distance on a sphere of 6,371 km. */
export function distanceM(latitudeA: number, longitudeA: number, latitudeB: number, longitudeB: number): number {
  const phi = (latitudeB - latitudeA) * radians
  const lambda = (longitudeB - longitudeA) * radians
  const h = Math.sin(phi / 2) ** 2 + Math.cos(latitudeA * radians) * Math.cos(latitudeB * radians) * Math.sin(lambda / 2) ** 2
  return 12_742_000 * Math.asin(Math.sqrt(Math.min(1, h)))
}
