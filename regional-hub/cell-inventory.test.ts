import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { CellInventory } from './cell-inventory.ts'
import { defaultDetection } from './detection-config.ts'
import { importCells, readCells } from './import-cells.ts'

const csv = `radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal
LTE,272,1,40122,10805003,0,-8.395,51.886,1200,5,1,1459693342,1459693342,0
LTE,272,1,40122,10805004,0,-8.3951,51.8861,,5,1,1459693342,1459693342,0
GSM,272,2,3001,42,0,-8.5,51.9,900,5,1,1459693342,1459693342,0
LTE,272,1,40122,nonsense,0,-8.395,51.886,1200,5,1,1459693342,1459693342,0
LTE,272,1,40122,10805005,0,-8.395,151.886,1200,5,1,1459693342,1459693342,0
`
const config = defaultDetection().cells

test('an OpenCellID file: cells by canonical identity, bad lines counted and named', () => {
  const { rows, badLines, problems } = importCells(csv)
  assert.deepEqual(
    rows.map((row) => row.cell),
    ['272-01-10805003', '272-01-10805004', `272-02-${3001 * 65536 + 42}`],
  )
  assert.equal(badLines, 2)
  assert.deepEqual(problems, ['line 5: cell is no cell identity', 'line 6: lon or lat is no place'])
})

test('the same file gzipped, without its header, or with quotes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cells-'))
  try {
    const file = join(folder, 'cells.csv.gz')
    writeFileSync(file, gzipSync(csv))
    assert.equal(readCells(file).rows.length, 3)
  } finally {
    rmSync(folder, { recursive: true })
  }
  assert.equal(importCells(csv.split('\n').slice(1).join('\n')).rows.length, 3)
  assert.equal(importCells(csv.replace('LTE,272', '"LTE",272')).rows.length, 3)
})

test('cells nearer than 50 m are one site; a cell of no inventory counts and is listed', () => {
  const cells = new CellInventory(config, importCells(csv).rows)
  const [one, other, far] = ['272-01-10805003', '272-01-10805004', `272-02-${3001 * 65536 + 42}`].map((name) => cells.index(name))
  assert.equal(cells.site[one!], cells.site[other!])
  assert.notEqual(cells.site[one!], cells.site[far!])
  const stranger = cells.index('272-01-999')
  assert.ok(stranger > 0)
  assert.equal(cells.isLocated(stranger), false)
  assert.deepEqual(cells.unknown(), ['272-01-999'])
})

test('indices outlive a restart with a newer file', () => {
  const before = new CellInventory(config, importCells(csv).rows)
  before.index('272-01-999')
  before.learn('272-05-1', 52, -8, 3000)
  const after = new CellInventory(config, [{ cell: '272-01-777', radio: 'LTE', latitude: 51, longitude: -8, rangeM: 500 }])
  after.load(JSON.parse(JSON.stringify(before.save())))
  assert.equal(after.index('272-01-999'), before.index('272-01-999'))
  assert.equal(after.reachM[after.index('272-05-1')], 3000)
  assert.ok(after.isLocated(after.index('272-01-777')))
  assert.ok(after.index('272-01-777') > before.size)
})
