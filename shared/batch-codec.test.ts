import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BatchBuilder } from './batch-builder.ts'
import { BadFrame, decodeBatch, encodeBatch } from './batch-codec.ts'
import { type BytesColumn, type ColumnType, type RecordKind, recordKinds, recordSchemas, wordsPerRow } from './records.ts'

const meta = { tenant: 'default', region: 'north', agent: 'north-1', epoch: 'ab.1', lane: 'sighting', seq: 7 } as const

test('a batch comes back as it went', () => {
  const builder = new BatchBuilder('sighting', 1)
  for (const cell of ['272-01-1', '272-01-2', '272-01-1']) {
    const row = builder.add()
    builder.columns.cell[row] = builder.code(cell)
    builder.columns.timeMs[row] = 1_767_225_600_123 + row
    builder.columns.subscriber.set([1, 2, 3, row], row * 4)
    builder.columns.rsrpDbm[row] = -97.5
  }
  const batch = decodeBatch(encodeBatch(builder.finish(meta)))
  assert.equal(batch.kind, 'sighting')
  assert.deepEqual(batch.meta, meta)
  const columns = batch.columns as (typeof builder)['columns']
  assert.deepEqual(
    Array.from(columns.cell.subarray(0, 3), (code) => batch.texts[code]),
    ['272-01-1', '272-01-2', '272-01-1'],
  )
  assert.equal(columns.timeMs[2], 1_767_225_600_125)
  assert.deepEqual([...columns.subscriber.subarray(8, 12)], [1, 2, 3, 2])
  assert.ok(Number.isNaN(columns.latitude[0]))
  assert.equal(columns.pci[0], 0xffff)
})

test('any values of any record survive the wire', () => {
  fc.assert(
    fc.property(fc.constantFrom(...recordKinds), fc.integer({ min: 1, max: 40 }), fc.integer(), (kind, rows, seed) => {
      const builder = fill(kind, rows, seed)
      const batch = builder.finish(meta)
      const read = decodeBatch(encodeBatch(batch))
      assert.equal(read.rows, rows)
      assert.deepEqual(read.texts, batch.texts)
      for (const [name, type] of Object.entries(recordSchemas[kind]) as [string, ColumnType][]) {
        assert.deepEqual(values(read.columns, name, type, rows), values(batch.columns, name, type, rows), `${kind}.${name}`)
      }
    }),
    { numRuns: 60 },
  )
})

test('octets that are no batch are refused with a reason', () => {
  assert.throws(() => decodeBatch(new Uint8Array([])), BadFrame)
  assert.throws(() => decodeBatch(new Uint8Array([9, 1, 2])), /codec version 9/)
  assert.throws(() => decodeBatch(new Uint8Array([1, 1, 2, 3])), /zstd/)
  const frame = encodeBatch(fill('window', 5, 1).finish(meta))
  fc.assert(
    fc.property(fc.nat(frame.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const damaged = Uint8Array.from(frame)
      damaged[at] = damaged[at]! ^ flip
      try {
        decodeBatch(damaged)
      } catch (error) {
        assert.ok(error instanceof BadFrame, String(error))
      }
    }),
  )
})

function fill(kind: RecordKind, rows: number, seed: number): BatchBuilder<RecordKind> {
  const builder = new BatchBuilder(kind, 1) as unknown as BatchBuilder<RecordKind>
  let state = seed | 0
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return state >>> 0
  }
  for (let at = 0; at < rows; at++) {
    const row = builder.add()
    for (const [name, type] of Object.entries(recordSchemas[kind]) as [string, ColumnType][]) {
      const column = (builder.columns as unknown as Record<string, Float64Array>)[name]!
      if (type === 'bytes') builder.setBytes(name, Uint8Array.from({ length: next() % 9 }, next))
      else if (type === 'text') column[row] = builder.code(['', 'a', 'é', '272-01-1'][next() % 4]!)
      else if (type === 'id64' || type === 'id128')
        for (let word = 0; word < wordsPerRow[type]; word++) column[row * wordsPerRow[type] + word] = next()
      else column[row] = next()
    }
  }
  return builder
}

function values(columns: object, name: string, type: ColumnType, rows: number): unknown[] {
  const column = (columns as Record<string, Float64Array | BytesColumn>)[name]!
  if ('offsets' in column)
    return Array.from({ length: rows }, (_, row) => [...column.data.subarray(column.offsets[row], column.offsets[row + 1])])
  return [...column.subarray(0, rows * (type === 'id64' || type === 'id128' ? wordsPerRow[type] : 1))]
}
