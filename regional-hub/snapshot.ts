/**
 * What a hub must remember, as octets: the detector's buffers as they are, and beside them the ledger, the cursors and what waits to be said
 * to others. One CRC over everything: a torn or flipped file is recognised as none.
 *
 *   "TRIBHUB1" | u32 length of the header | header (JSON) | the parts, one after another | u32 CRC-32 of all before it
 */
import { crc32 } from 'node:zlib'

const magic = Buffer.from('TRIBHUB1')

export interface SnapshotHeader {
  readonly tenant: string
  readonly region: string
  /** Of the hub that wrote it. A hub refuses one of a newer epoch than its own. */
  readonly hubEpoch: number
  readonly takenMs: number
  /** Octets of each part. */
  readonly parts: readonly number[]
}

/** The octets are no whole snapshot of this version. */
export class BadSnapshot extends Error {}

/** Copies nothing: the caller writes the pieces one after another. */
export function encodeSnapshot(header: Omit<SnapshotHeader, 'parts'>, parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const head = Buffer.from(JSON.stringify({ ...header, parts: parts.map(({ length }) => length) }))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(head.length)
  const pieces = [magic, length, head, ...parts]
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(pieces.reduce((sum, piece) => crc32(piece, sum), 0))
  return [...pieces, checksum]
}

export function decodeSnapshot(octets: Uint8Array): { readonly header: SnapshotHeader; readonly parts: readonly Uint8Array[] } {
  const buffer = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
  if (buffer.length < 16 || !buffer.subarray(0, 8).equals(magic)) throw new BadSnapshot('it does not begin as a snapshot of this version')
  if (crc32(buffer.subarray(0, -4)) !== buffer.readUInt32BE(buffer.length - 4)) throw new BadSnapshot('its checksum does not hold')
  const headEnd = 12 + buffer.readUInt32BE(8)
  const header = JSON.parse(buffer.toString('utf8', 12, headEnd)) as SnapshotHeader
  let at = headEnd
  const parts = header.parts.map((length) => {
    const part = buffer.subarray(at, at + length)
    at += length
    return part
  })
  if (at !== buffer.length - 4) throw new BadSnapshot('its parts do not add up')
  return { header, parts }
}
