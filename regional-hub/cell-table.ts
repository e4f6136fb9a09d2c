/** The located cells of the inventory as columns, for the console and for files that open without a server. Pure. */
import type { CellInventory } from './cell-inventory.ts'
import type { CellTable } from './console-api.ts'

export function tableOf(inventory: CellInventory | undefined): CellTable {
  const located: number[] = []
  for (let cell = 1; inventory !== undefined && cell <= inventory.size; cell++) if (inventory.isLocated(cell)) located.push(cell)
  const rowOf = new Map(located.map((cell, row) => [cell, row]))
  const count = located.length
  const radios: string[] = []
  const table = {
    count,
    names: located.map((cell) => inventory!.names[cell]!),
    latitude: new Float64Array(count),
    longitude: new Float64Array(count),
    azimuthDeg: new Float32Array(count),
    rangeM: new Float32Array(count),
    radio: new Uint8Array(count),
    radios,
    site: new Uint32Array(count),
  }
  for (const [row, cell] of located.entries()) {
    const radio = inventory!.radios[cell]!
    if (!radios.includes(radio)) radios.push(radio)
    table.latitude[row] = inventory!.latitude[cell]!
    table.longitude[row] = inventory!.longitude[cell]!
    table.azimuthDeg[row] = inventory!.azimuthDeg(cell)
    table.rangeM[row] = inventory!.reachM[cell]!
    table.radio[row] = radios.indexOf(radio)
    table.site[row] = rowOf.get(inventory!.site[cell]!) ?? row
  }
  return table
}
