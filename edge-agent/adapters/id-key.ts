/** The secret of the id hashes: made with the journal, gone with it. */
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { syncDirectory } from './id-segments.ts'

export function readIdKey(directory: string): Uint32Array {
  const file = join(directory, 'id-key')
  if (existsSync(file)) {
    const octets = readFileSync(file)
    if (octets.length === 16) return wordsOf(octets)
  }
  const octets = randomBytes(16)
  const descriptor = openSync(`${file}.part`, 'w', 0o600)
  writeSync(descriptor, octets)
  fsyncSync(descriptor)
  closeSync(descriptor)
  renameSync(`${file}.part`, file)
  syncDirectory(directory)
  return wordsOf(octets)
}

/** Little-endian words of octets, on memory of their own. */
export function wordsOf(ids: Buffer): Uint32Array {
  const words = new Uint32Array(ids.length >>> 2)
  ids.copy(new Uint8Array(words.buffer))
  return words
}
