/**
 * Who this store is: a random 128-bit id made with the data folder's first start, and a boot counter that rises with every start. Together
 * they are the epoch under which batches are numbered, so it must never be used twice.
 *
 * A wiped folder has no file and gets a new id; a copied one is found out by the folder's inode, its device and the machine it was
 * written on. The counter is at least the clock's seconds, so that a machine rolled back to a snapshot does not count the same boot again.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describeError, fail } from '#shared/errors.ts'

export interface StoreIdentity {
  /** 32 hex digits. */
  readonly storeId: string
  readonly boot: number
  /** `<store id>.<boot>` */
  readonly epoch: string
  /** True when the store was made now, or taken for a copy. */
  readonly renewed: boolean
}

interface Stored {
  readonly storeId: string
  readonly boot: number
  readonly place: string
}

export function openStoreIdentity(dataDir: string, nowMs: number): StoreIdentity {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o750 })
    const file = join(dataDir, 'store.json')
    const place = placeOf(dataDir)
    const stored = read(file)
    const known = stored !== undefined && stored.place === place
    const storeId = known ? stored.storeId : randomBytes(16).toString('hex')
    const boot = Math.max((stored?.boot ?? 0) + 1, Math.floor(nowMs / 1000))
    write(dataDir, file, { storeId, boot, place })
    return { storeId, boot, epoch: `${storeId}.${boot}`, renewed: !known }
  } catch (cause) {
    return fail('data-dir', `${dataDir}: ${describeError(cause)}`, { cause })
  }
}

/** A copy lies on another inode, device or machine. */
function placeOf(dataDir: string): string {
  const { dev, ino } = statSync(dataDir, { bigint: true })
  return `${dev}:${ino}:${machineId()}`
}

function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim() || hostname()
  } catch {
    return hostname() // not every system has the file
  }
}

function read(file: string): Stored | undefined {
  try {
    const stored = JSON.parse(readFileSync(file, 'utf8')) as Partial<Stored>
    if (!/^[0-9a-f]{32}$/.test(stored.storeId ?? '') || !Number.isSafeInteger(stored.boot)) return undefined
    return stored as Stored
  } catch {
    return undefined // not there, or damaged: a new id is always safe
  }
}

function write(dataDir: string, file: string, stored: Stored): void {
  const descriptor = openSync(`${file}.new`, 'w', 0o640)
  writeSync(descriptor, `${JSON.stringify(stored)}\n`)
  fsyncSync(descriptor)
  closeSync(descriptor)
  renameSync(`${file}.new`, file)
  const folder = openSync(dataDir, 'r')
  fsyncSync(folder)
  closeSync(folder)
}
