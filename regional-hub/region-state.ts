/**
 * All that a region's detection remembers of people: tables of SIMs, numbers and devices with their histories, the subscribers' records, the
 * devices' models, the cells. Sharded by key; each shard's part has one writer. Knows names; judges nothing.
 */
import type { RemoteSighting } from '#shared/control.ts'
import { CellInventory, type CellRow } from './cell-inventory.ts'
import type { DetectionConfig } from './detection-config.ts'
import { EntityTable, historyOptions, type SightingsOf } from './entity-table.ts'
import type { History } from './history.ts'
import { cellMask, type RuleContext, regionShift } from './rule-context.ts'
import { type RecordPage, SubscriberTable, w } from './subscriber-table.ts'

export class RegionState implements RuleContext {
  readonly config: DetectionConfig
  readonly cells: CellInventory
  /** This region first; others as they are heard of. */
  readonly regions: string[]
  readonly sims: EntityTable
  readonly numbers: EntityTable
  readonly devices: EntityTable
  readonly #shards: number
  readonly #records: SubscriberTable[]

  constructor(config: DetectionConfig, region: string, cells: Iterable<CellRow>, shards: number) {
    this.config = config
    this.cells = new CellInventory(config.cells, cells)
    this.regions = [region]
    this.#shards = shards
    this.#records = Array.from({ length: shards }, () => new SubscriberTable())
    const options = historyOptions(config.sim)
    const ties =
      (a: () => EntityTable, b: () => EntityTable) => (cellX: number, aX: number, bX: number, cellY: number, aY: number, bY: number) =>
        this.#comparePlaces(cellX, cellY) || a().compare(aX, aY) || b().compare(bX, bY)
    const sims = () => this.sims
    const devices = () => this.devices
    const numbers = () => this.numbers
    this.sims = new EntityTable(shards, { ...options.sim, compareTies: ties(devices, numbers) })
    const ofNumber = this.#reader((history, point, number) => history.b(point) === number)
    this.numbers = new EntityTable(shards, { ...options.number, compareTies: ties(sims, devices) }, (sim, number, take) =>
      ofNumber(sim, number, (timeMs, cell, device) => take(timeMs, cell, device)),
    )
    const ofDevice = this.#reader((history, point, device) => history.a(point) === device)
    this.devices = new EntityTable(shards, { ...options.device, compareTies: ties(sims, sims) }, (sim, device, take) =>
      ofDevice(sim, device, (timeMs, cell) => take(timeMs, cell, 0)),
    )
  }

  page(sim: number): RecordPage {
    return this.#records[sim & (this.#shards - 1)]!.page(this.sims.local(sim))
  }

  at(sim: number): number {
    return this.#records[sim & (this.#shards - 1)]!.wordAt(this.sims.local(sim))
  }

  model(device: number): number {
    return this.devices.model(device)
  }

  numberOf(sim: number): string {
    return this.numbers.hex(this.page(sim).u32[this.at(sim) + w.number]!)
  }

  /** A region's number, as it stands in the upper octet of a history's cells. */
  region(name: string): number {
    const known = this.regions.indexOf(name)
    return known >= 0 ? known : this.regions.push(name) - 1
  }

  /** Cell text codes of one batch → cell indices, each resolved once. */
  cellResolver(texts: readonly string[]): (code: number) => number {
    const resolved = new Int32Array(texts.length).fill(-1)
    return (code) => {
      const known = resolved[code]!
      if (known >= 0) return known
      const cell = this.cells.index(texts[code]!)
      resolved[code] = cell
      return cell
    }
  }

  /** A sighting of this region as it is told to others. */
  tellable(sim: number, number: number, device: number, timeMs: number, cell: number): RemoteSighting {
    const located = this.cells.isLocated(cell)
    return {
      region: this.regions[0]!,
      timeMs,
      subscriber: this.sims.hex(sim),
      number: this.numbers.hex(number),
      device: this.devices.hex(device),
      model: this.devices.model(device),
      cell: this.cells.names[cell]!,
      latitude: located ? this.cells.latitude[cell]! : null,
      longitude: located ? this.cells.longitude[cell]! : null,
      radiusM: located ? this.cells.reachM[cell]! : null,
    }
  }

  get bytes(): number {
    const records = this.#records.reduce((sum, table) => sum + table.bytes, 0)
    return this.sims.bytes + this.numbers.bytes + this.devices.bytes + records
  }

  save(): Readonly<Record<string, unknown>> {
    return { shards: this.#shards, regions: this.regions, cells: this.cells.save() }
  }

  load(state: Readonly<Record<string, unknown>>): void {
    const regions = state.regions as string[]
    if (state.shards !== this.#shards) throw new Error('the snapshot has another number of shards')
    if (regions[0] !== this.regions[0]) throw new Error(`the snapshot is of region ${regions[0]}`)
    this.regions.splice(0, this.regions.length, ...regions)
    this.cells.load(state.cells as ReturnType<CellInventory['save']>)
  }

  snapshot(): Uint8Array[][] {
    const tables = [this.sims, this.numbers, this.devices].flatMap((table) => table.snapshot())
    return [...tables, ...this.#records.map((table) => table.snapshot())]
  }

  /** Takes its groups from the front of the list and answers the rest. */
  restore(groups: readonly (readonly Uint8Array[])[]): readonly (readonly Uint8Array[])[] {
    const perTable = this.#shards * 2
    for (const [number, table] of [this.sims, this.numbers, this.devices].entries()) {
      table.restore(groups.slice(number * perTable, (number + 1) * perTable))
    }
    const rest = groups.slice(3 * perTable)
    for (const [shard, table] of this.#records.entries()) table.restore(rest[shard]!)
    return rest.slice(this.#shards)
  }

  /** Reads those of a SIM's own sightings that are chosen, oldest first; what other regions saw of it is not among them. */
  #reader(isOf: (history: History, point: number, reference: number) => boolean): SightingsOf {
    return (sim, reference, take) => {
      const { history } = this.sims.owner(sim)
      const chosen: number[] = []
      for (let point = this.sims.head(sim); point !== 0; point = history.older(point)) {
        if (isOf(history, point, reference) && history.cell(point) >>> regionShift === 0) chosen.push(point)
      }
      for (const point of chosen.reverse()) take(history.timeMs(point), history.cell(point), history.a(point))
    }
  }

  #comparePlaces(x: number, y: number): number {
    if (x === y) return 0
    const name = (place: number) => `${this.cells.names[place & cellMask]} ${this.regions[place >>> regionShift]}`
    return name(x) < name(y) ? -1 : 1
  }
}
