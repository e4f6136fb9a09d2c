/**
 * Finds a nats-server fit for use, or brings one: TRIBUTARY_NATS_SERVER, PATH, our per-user cache, the official release, `go install`.
 * Each step that fails says why in one line; the last says what to install. Run as a program it prints the path on stdout and the rest on stderr.
 * It writes nowhere but into the per-user cache, and there only whole files under their final name.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { goInstall } from './go-install-nats.ts'
import type { Bringer, BringerDeps } from './nats-bringer.ts'
import { cachedServerPath, natsVersion } from './nats-cache.ts'
import { downloadRelease } from './nats-release.ts'
import { isFit, serverVersion } from './nats-version.ts'

export interface FinderDeps extends BringerDeps {
  /** The steps that bring a server when none is there. */
  readonly bring?: readonly Bringer[]
}

export interface FoundServer {
  readonly path: string
  readonly version: string
  readonly from: string
}

/** Resolves with a fit server. Rejects with what to install when no step had one. */
export async function findNatsServer(deps: FinderDeps): Promise<FoundServer> {
  const wanted = deps.env.TRIBUTARY_NATS_SERVER
  if (wanted) {
    const found = await judge(wanted, 'TRIBUTARY_NATS_SERVER', deps)
    if (found) return found
  }
  for (const path of onPath(deps.env)) {
    const found = await judge(path, 'PATH', deps)
    if (found) return found
  }
  const target = cachedServerPath(deps.env)
  if (existsSync(target)) {
    const found = await judge(target, 'cache', deps)
    if (found) return found
  }
  for (const bringer of deps.bring ?? [downloadRelease, goInstall]) {
    deps.signal?.throwIfAborted()
    try {
      await bringer.run(target, deps)
    } catch (error) {
      deps.say(`nats-server: ${bringer.name}: ${oneLine(error)}`)
      continue
    }
    const found = await judge(target, bringer.name, deps)
    if (found) return found
  }
  throw new Error(
    `no nats-server found and none could be fetched. Install nats-server ${natsVersion} (https://nats.io/download, or Go 1.25 and start again), ` +
      'put it on PATH or name it in TRIBUTARY_NATS_SERVER.',
  )
}

async function judge(path: string, from: string, deps: FinderDeps): Promise<FoundServer | undefined> {
  let version: string
  try {
    version = await serverVersion(path)
  } catch (error) {
    deps.say(`nats-server: ${from}: ${path}: ${oneLine(error)}`)
    return undefined
  }
  if (isFit(version)) return { path, version, from }
  deps.say(`nats-server: ${from}: ${path} is ${version}, at least 2.12.12 or 2.14.3 is needed`)
  return undefined
}

function onPath(env: FinderDeps['env']): string[] {
  const name = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server'
  const separator = process.platform === 'win32' ? ';' : ':'
  const folders = (env.PATH ?? '').split(separator).filter((folder) => folder !== '')
  return [...new Set(folders)].map((folder) => join(folder, name)).filter((path) => existsSync(path))
}

const oneLine = (error: unknown) => (error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, ' ').trim()

if (import.meta.main) {
  const say = (line: string) => process.stderr.write(`tributary: ${line}\n`)
  try {
    const found = await findNatsServer({ env: process.env, say })
    process.stdout.write(`${found.path}\n`)
  } catch (error) {
    say(oneLine(error))
    process.exitCode = 1
  }
}
