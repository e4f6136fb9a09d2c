/**
 * The folder of one network on this machine: marked as ours, used by one launcher at a time, with the identity key of its tenant.
 * Nothing is ever deleted that does not carry our mark.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const markName = 'tributary-data.json'

/** Makes the folder ready for use; with `fresh`, empties it first. Throws with a sentence when it is not ours or in use. */
export function openDataFolder(dataDir: string, fresh: boolean): void {
  const isOurs = existsSync(join(dataDir, markName))
  const isEmpty = !existsSync(dataDir) || readdirSync(dataDir).length === 0
  if (!isOurs && !isEmpty)
    throw new Error(
      `${dataDir} holds files that are not a Tributary network's (no ${markName} in it): it is left as it is. Name another folder with --data.`,
    )
  const user = userOf(dataDir)
  if (user !== undefined && user !== process.pid)
    throw new Error(
      `another launcher (pid ${user}) runs a network in ${dataDir}. Stop that one, or start beside it with --data DIR and --port-base N.`,
    )
  if (fresh && isOurs) rmSync(dataDir, { recursive: true })
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  if (!existsSync(join(dataDir, markName)))
    writeFileAtomically(
      join(dataDir, markName),
      `${JSON.stringify({ what: 'data of a Tributary network; npm start -- --fresh deletes it', version: 1 })}\n`,
    )
  writeFileAtomically(join(dataDir, 'launcher.pid'), `${process.pid}\n`)
}

export function closeDataFolder(dataDir: string): void {
  if (userOf(dataDir) === process.pid) rmSync(join(dataDir, 'launcher.pid'), { force: true })
}

function userOf(dataDir: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(dataDir, 'launcher.pid'), 'utf8'))
    process.kill(pid, 0)
    return isLauncher(pid) ? pid : undefined
  } catch {
    return undefined
  }
}

/** A pid may have been given to something else since (a restart of the machine): believed only where the process looks like a launcher. */
function isLauncher(pid: number): boolean {
  try {
    return /launch/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
  } catch {
    return process.platform !== 'linux'
  }
}

/** The tenant's identity key: made once, the same for every process here, readable by this user only. */
export function identityKeyFile(dataDir: string): string {
  const path = join(dataDir, 'identity.key')
  if (existsSync(path)) return path
  const aside = `${path}.${process.pid}`
  writeFileSync(aside, `k1:${randomBytes(32).toString('hex')}\n`, { mode: 0o600 })
  try {
    // A key once in use is never replaced: a link, unlike a rename, does not overwrite.
    linkSync(aside, path)
  } finally {
    rmSync(aside, { force: true })
  }
  return path
}

/** A reader sees the old text or the whole new one. */
export function writeFileAtomically(path: string, text: string, mode = 0o644): void {
  const aside = `${path}.${process.pid}.tmp`
  writeFileSync(aside, text, { mode })
  renameSync(aside, path)
}
