/** Our per-user cache for the nats-server program: where it is, and how a file gets there whole, also with two starts at once. */
import { chmodSync, copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** The version that is fetched or built when none is found. */
export const natsVersion = '2.14.5'

export function cacheFolder(env: Readonly<Record<string, string | undefined>>, platform: string = process.platform): string {
  const home = env.HOME ?? homedir()
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'tributary')
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'tributary')
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'tributary', 'cache')
  return join(home, '.cache', 'tributary')
}

export function cachedServerPath(env: Readonly<Record<string, string | undefined>>): string {
  const name = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server'
  return join(cacheFolder(env), `nats-server-${natsVersion}-${process.platform}-${process.arch}`, name)
}

/** Puts a program in its place in one step: a reader sees the old file or the whole new one, never a part. */
export function placeProgram(target: string, program: Uint8Array | { readonly file: string }): void {
  mkdirSync(dirname(target), { recursive: true })
  const aside = `${target}.${process.pid}.${Math.random().toString(36).slice(2)}`
  try {
    if (program instanceof Uint8Array) writeFileSync(aside, program)
    else copyFileSync(program.file, aside)
    chmodSync(aside, 0o755)
    renameSync(aside, target)
  } finally {
    rmSync(aside, { force: true })
  }
}
