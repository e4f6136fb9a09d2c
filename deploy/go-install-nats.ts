/** Builds nats-server with the machine's Go into a folder of its own, then puts it into the cache. About half a minute on two cores. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Bringer } from './nats-bringer.ts'
import { natsVersion, placeProgram } from './nats-cache.ts'

const wholeWithinMs = 900_000
const module = `github.com/nats-io/nats-server/v2@v${natsVersion}`

export const goInstall: Bringer = {
  name: 'go install',
  async run(target, { env, say, signal }) {
    const go = findGo(env)
    if (!go) throw new Error('no go on PATH')
    const folder = dirname(target)
    mkdirSync(folder, { recursive: true })
    const bin = mkdtempSync(join(folder, 'build-'))
    const startedMs = Date.now()
    say(`nats-server: building ${natsVersion} with ${go} (about half a minute)`)
    const ticker = setInterval(() => say(`nats-server: still building, ${Math.round((Date.now() - startedMs) / 1000)} s`), 10_000)
    try {
      // GOFLAGS and GOOS of the user's other work would change what is built or where it lands.
      await run(
        go,
        ['install', '-trimpath', module],
        { ...env, GOBIN: bin, GOFLAGS: '', GOOS: '', GOARCH: '', GOWORK: 'off', CGO_ENABLED: '0' },
        folder,
        signal,
      )
      placeProgram(target, { file: join(bin, 'nats-server') })
      say(`nats-server: built in ${Math.round((Date.now() - startedMs) / 1000)} s`)
    } finally {
      clearInterval(ticker)
      rmSync(bin, { recursive: true, force: true })
    }
  },
}

function findGo(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const folders = [...(env.PATH ?? '').split(':'), '/usr/local/go/bin', '/opt/homebrew/bin'].filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, 'go')).find((path) => existsSync(path))
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd: string, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, cwd, stdio: ['ignore', 'ignore', 'pipe'], timeout: wholeWithinMs, signal })
    let tail = ''
    child.stderr.on('data', (chunk: Buffer) => {
      tail = (tail + chunk.toString()).slice(-2000)
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) return resolve()
      const lines = tail
        .trim()
        .split('\n')
        .filter((line) => !line.startsWith('go: downloading'))
      reject(
        new Error(
          `${signal === 'SIGTERM' ? `stopped after ${wholeWithinMs / 1000} s` : `exit ${code}`}: ${lines.at(-1) ?? 'no reason given'}`,
        ),
      )
    })
  })
}
