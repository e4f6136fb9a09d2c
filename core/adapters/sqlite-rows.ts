/**
 * Columns of a batch into parameters of one row, and ids between their octets (as stored) and 32 hex digits (as the port speaks).
 * Compiled once per batch, so that a row costs no look-up by name.
 */
import { type BytesColumn, missing, wordsPerRow } from '#shared/records.ts'
import type { CuratedBatch } from '../ports.ts'
import { carrierColumns, recordColumns, tableSpecs } from './sqlite-tables.ts'

export type SqlValue = number | string | Buffer | null
export const nobody = Buffer.alloc(16)

/** For each row, the parameters of `insertRow`, and its event time (0 where it has none). The array is reused: bind it before the next call. */
export function rowReader(curated: CuratedBatch, storedMs: number): { values(row: number): SqlValue[]; timeMs(row: number): number } {
  const { batch, tenant, region } = curated
  const { key, who, time } = tableSpecs[batch.kind]
  const columns = batch.columns as unknown as Record<string, unknown>
  const readers = recordColumns(batch.kind).map(([name, type]): ((row: number) => SqlValue) => {
    const column = columns[name]
    const inKey = key.includes(name)
    switch (type) {
      case 'text': {
        const codes = column as Uint32Array
        return (row) => batch.texts[codes[row]!] ?? ''
      }
      case 'bytes': {
        const { offsets, data } = column as BytesColumn
        return (row) => (offsets[row]! === offsets[row + 1]! ? null : Buffer.from(data.subarray(offsets[row]!, offsets[row + 1]!)))
      }
      case 'id64':
      case 'id128': {
        const bytes = wordsPerRow[type] * 4
        const octets = octetsOf(column as Uint32Array, batch.rows * wordsPerRow[type])
        return (row) => {
          const id = octets.subarray(row * bytes, (row + 1) * bytes)
          return !inKey && isZero(id) ? null : id
        }
      }
      case 'f32':
      case 'f64': {
        const numbers = column as Float64Array
        return (row) => (Number.isNaN(numbers[row]!) ? (inKey ? 0 : null) : numbers[row]!)
      }
      default: {
        const numbers = column as Uint32Array
        return (row) => (numbers[row] === missing[type] && !inKey ? null : numbers[row]!)
      }
    }
  })
  const subscriber = who ? octetsOf(columns.subscriber as Uint32Array, batch.rows * 4) : undefined
  const number = who ? octetsOf(columns.number as Uint32Array, batch.rows * 4) : undefined
  const carrier = { tenant, region, agent: batch.meta.agent, epoch: batch.meta.epoch }
  const first: SqlValue[] = [...carrierColumns(batch.kind).map((name) => carrier[name]), storedMs]
  const start = first.length + (who ? 1 : 0)
  const parameters: SqlValue[] = [...first, ...(who ? [nobody] : []), ...readers.map(() => null)]
  const times = time === undefined ? undefined : (columns[time] as Float64Array)
  return {
    timeMs: (row) => {
      const at = times?.[row] ?? 0
      return Number.isFinite(at) ? at : 0
    },
    values: (row) => {
      if (subscriber !== undefined) {
        const known = subscriber.subarray(row * 16, row * 16 + 16)
        parameters[first.length] = isZero(known) ? number!.subarray(row * 16, row * 16 + 16) : known
      }
      for (let at = 0; at < readers.length; at++) parameters[start + at] = readers[at]!(row)
      return parameters
    },
  }
}

/** Words as big-endian octets. */
function octetsOf(words: Uint32Array, count: number): Buffer {
  const octets = Buffer.allocUnsafe(count * 4)
  for (let at = 0; at < count; at++) octets.writeUInt32BE(words[at]!, at * 4)
  return octets
}

function isZero(octets: Buffer): boolean {
  for (let at = 0; at < octets.length; at += 4) if (octets.readUInt32BE(at) !== 0) return false
  return true
}

export function idOctets(hex: string): Buffer {
  return hex === '' ? nobody : Buffer.from(hex, 'hex')
}

export function idHex(octets: Buffer | null): string {
  return octets === null || isZero(octets) ? '' : octets.toString('hex')
}
