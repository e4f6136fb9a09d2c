/** A region's nats-server for a test: started, killed with -9, started again on the same port and store, or with its store lost. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class RegionalServer {
  readonly port: number
  readonly #dir = mkdtempSync(join(tmpdir(), 'regional-server-'))
  #child: ChildProcess | undefined

  private constructor(port: number) {
    this.port = port
  }

  static async create(): Promise<RegionalServer> {
    return new RegionalServer(await freePort())
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`
  }

  start(): void {
    const file = join(this.#dir, 'server.conf')
    writeFileSync(
      file,
      `listen: 127.0.0.1:${this.port}\nserver_name: north\njetstream { domain: north, store_dir: "${this.#dir}/store" }\n`,
    )
    this.#child = spawn(process.env.TRIBUTARY_NATS_SERVER ?? 'nats-server', ['-c', file], { stdio: 'ignore' })
  }

  async kill(): Promise<void> {
    await killChild(this.#child)
    this.#child = undefined
  }

  loseStore(): void {
    rmSync(join(this.#dir, 'store'), { recursive: true, force: true })
  }

  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

export async function killChild(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
