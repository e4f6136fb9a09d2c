/**
 * Turns a row's place (fix, or cell with timing advance and neighbours) into a position of its subscriber, and tells it when it says something
 * new: they moved, changed class of motion or cell, or a minute went by.
 */
import { type Batch, missing } from '#shared/records.ts'
import type { DetectionConfig } from './detection-config.ts'
import type { Fences } from './fences.ts'
import { type Locator, radiusPerSigma } from './locate.ts'
import { accelerationOf, classifyMotion, filteredSpeed, noteCell } from './motion.ts'
import { f, type RecordPage, x as r, w } from './subscriber-table.ts'
import type { Teller } from './tell.ts'

const neighbourCells = ['neighbourCell0', 'neighbourCell1', 'neighbourCell2'] as const
const neighbourRsrps = ['neighbourRsrpDbm0', 'neighbourRsrpDbm1', 'neighbourRsrpDbm2'] as const

export class Positioner {
  readonly #config: DetectionConfig['locate']
  readonly #locator: Locator
  readonly #fences: Fences
  readonly #teller: Teller
  #batch!: Batch<'sighting'>
  #cellOf!: (code: number) => number
  #codes = new Uint32Array(0)

  constructor(config: DetectionConfig['locate'], locator: Locator, fences: Fences, teller: Teller) {
    this.#config = config
    this.#locator = locator
    this.#fences = fences
    this.#teller = teller
  }

  /** The rows to come are of this batch. */
  begin(batch: Batch<'sighting'>, cellOf: (code: number) => number): void {
    this.#batch = batch
    this.#cellOf = cellOf
    this.#codes = new Uint32Array(batch.texts.length)
  }

  locate(row: number, sim: number, page: RecordPage, at: number, timeMs: number, cell: number): void {
    const config = this.#config
    const lastMs = page.f64[at / 2 + f.lastMs]!
    if (timeMs < lastMs - config.lateMs) return
    const isNewest = timeMs >= lastMs
    if (isNewest) page.f64[at / 2 + f.lastMs] = timeMs
    const isPingPong = isNewest && cell !== 0 && noteCell(config, page, at, timeMs, cell)
    const c = this.#batch.columns
    const latitude = c.latitude[row]!
    const isFix = !Number.isNaN(latitude)
    if (isFix) this.#locator.observeFix(latitude, c.longitude[row]!, c.accuracyM[row]!, cell, c.timingAdvance[row]!)
    else if (cell === 0 || !this.#locator.observeCell(cell)) return
    else this.#refine(row, page, at, cell)
    if (isPingPong && !isFix) this.#locator.fuse(page, at)
    const hadFix = page.f64[at / 2 + f.fixMs] !== 0
    this.#locator.apply(page, at, timeMs, cell, accelerationOf(config, page, at))
    if (!isNewest) return
    const before = page.u32[at + w.motion]! & 0xff
    const motion = isPingPong ? before : classifyMotion(config, page, at, timeMs, c.speedMps[row]!)
    this.#tell(
      row,
      sim,
      page,
      at,
      timeMs,
      cell,
      motion,
      !hadFix || motion !== before || (!isPingPong && page.u32[at + w.toldCell] !== cell),
    )
  }

  /** The batch's code of a cell → the code among the positions; a flush, which starts those anew, never comes within a batch. */
  #codeOf(code: number, text: string): number {
    if (text === '') return 0
    if (this.#codes[code] === 0) this.#codes[code] = this.#teller.positions.code(text)
    return this.#codes[code]!
  }

  #refine(row: number, page: RecordPage, at: number, cell: number): void {
    const c = this.#batch.columns
    if (c.timingAdvance[row] !== missing.u16) this.#locator.drawToRing(page, at, cell, c.timingAdvance[row]!)
    if (c.neighbourCell1[row] === 0) return
    const servingDbm = c.rsrpDbm[row]!
    for (let neighbour = 0; neighbour < neighbourCells.length; neighbour++) {
      const code = c[neighbourCells[neighbour]!][row]!
      const weakerDb = servingDbm - c[neighbourRsrps[neighbour]!][row]!
      if (code !== 0 && !Number.isNaN(weakerDb)) this.#locator.drawToNeighbour(this.#cellOf(code), weakerDb)
    }
  }

  #tell(row: number, sim: number, page: RecordPage, at: number, timeMs: number, cell: number, motion: number, isNews: boolean): void {
    const { f32, f64, u32 } = page
    const sigmaM = Math.sqrt(Math.max(1, f32[at + r.p00]!))
    const x = f32[at + r.x]!
    const y = f32[at + r.y]!
    const from = this.#batch
    const text = from.texts[from.columns.cell[row]!]!
    // A fence looks at every position, also at one that is not worth telling.
    if (this.#fences.isActive) this.#fences.moved(sim, from.columns, row, x, y, sigmaM, timeMs, text)
    const movedX = x - f32[at + r.toldX]!
    const movedY = y - f32[at + r.toldY]!
    const movedM = Math.sqrt(movedX * movedX + movedY * movedY)
    const isDue =
      isNews || movedM > Math.max(this.#config.moveFloorM, sigmaM / 2) || timeMs - f64[at / 2 + f.toldMs]! >= this.#config.repeatMs
    if (!isDue) return
    f64[at / 2 + f.toldMs] = timeMs
    f32[at + r.toldX] = x
    f32[at + r.toldY] = y
    u32[at + w.toldCell] = cell
    const builder = this.#teller.positions
    const to = builder.add()
    const c = builder.columns
    c.key[to * 2] = from.columns.key[row * 2]!
    c.key[to * 2 + 1] = from.columns.key[row * 2 + 1]!
    c.timeMs[to] = timeMs
    for (let word = 0; word < 4; word++) {
      c.subscriber[to * 4 + word] = from.columns.subscriber[row * 4 + word]!
      c.number[to * 4 + word] = from.columns.number[row * 4 + word]!
      c.device[to * 4 + word] = from.columns.device[row * 4 + word]!
    }
    c.cell[to] = this.#codeOf(from.columns.cell[row]!, text)
    c.latitude[to] = this.#locator.latitude(y)
    c.longitude[to] = this.#locator.longitude(x)
    c.radiusM[to] = sigmaM * radiusPerSigma
    c.speedMps[to] = filteredSpeed(page, at)
    c.motion[to] = motion
  }
}
