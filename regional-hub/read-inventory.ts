/** Reads the cell inventories that the settings name. A file that is not there stops the start; a bad line in one does not. */

import { fail } from '#shared/errors.ts'
import type { CellRow } from './cell-inventory.ts'
import type { HubConfig } from './config.ts'
import type { HubReport } from './events.ts'
import { type ImportedCells, readCells } from './import-cells.ts'

export function readInventory({ cells }: HubConfig, report: HubReport): readonly CellRow[] {
  const files = [...(cells.file === undefined ? [] : [cells.file]), ...cells.files]
  return files.flatMap((file) => {
    const { rows, badLines, problems } = readOrFail(file)
    report.cellsRead(file, rows.length, badLines, problems)
    return rows
  })
}

function readOrFail(file: string): ImportedCells {
  try {
    return readCells(file)
  } catch (cause) {
    return fail('cell-inventory', file, { cause })
  }
}
