/**
 * Where damaged files are kept for a person to look at. Bounded in files and octets: the oldest go first, and all go before a store that still
 * works lacks room.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { syncDirectory } from './id-segments.ts'

const suffixes = ['', '-wal', '-shm'] as const
const maxFiles = 12
const maxBytes = 256 * 2 ** 20

/** Moves a database with what belongs to it; the log first, so that no other database ever stands beside it. Returns its new name. */
export function setAside(file: string): string {
  const folder = join(dirname(file), 'quarantine')
  mkdirSync(folder, { recursive: true, mode: 0o750 })
  const aside = join(folder, `${basename(file)}.${Date.now()}-${process.hrtime.bigint() % 1_000_000n}`)
  for (const suffix of [...suffixes].reverse()) if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix)
  syncDirectory(folder)
  syncDirectory(dirname(file))
  return aside
}

/** Oldest first, until the bounds hold; `keepBytes` 0 to empty it. */
export function pruneQuarantine(directory: string, keepBytes = maxBytes): void {
  const folder = join(directory, 'quarantine')
  if (!existsSync(folder)) return
  const files = readdirSync(folder)
    .map((name) => ({ file: join(folder, name), ...statSync(join(folder, name)) }))
    .sort((a, b) => a.mtimeMs - b.mtimeMs || a.ctimeMs - b.ctimeMs)
  let bytes = files.reduce((sum, { size }) => sum + size, 0)
  let count = files.length
  for (const { file, size } of files) {
    if (bytes <= keepBytes && count <= maxFiles) return
    rmSync(file, { force: true })
    bytes -= size
    count--
  }
}

/** Octets of a single row. No room for them is no reason to stop. */
export function keepOctets(directory: string, name: string, octets: Uint8Array): void {
  try {
    mkdirSync(join(directory, 'quarantine'), { recursive: true, mode: 0o750 })
    writeFileSync(join(directory, 'quarantine', `${name}.${Date.now()}`), octets, { mode: 0o640 })
    pruneQuarantine(directory)
  } catch {
    // the row is given up all the same
  }
}
