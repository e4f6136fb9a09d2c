/**
 * A whole network of real processes for a test: started by the launcher as a user would, on free ports, with its data in a temporary folder,
 * stopped whatever happens. Tests talk to it only through what the outside world has: MQTT, UDP, the API and the ready file.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import mqtt, { type MqttClient } from 'mqtt'

export const run = promisify(execFile)
export const root = join(import.meta.dirname, '..')
export const reference = process.env.TRIBUTARY_REFERENCE ?? join(root, '../shared/reference')

export interface ReadyProcess {
  readonly pid: number
  readonly admin: string
  readonly config: string
}
export interface ReadyAgent extends ReadyProcess {
  readonly name: string
  readonly mqtt: string
  readonly netflow: string
}
export interface Ready {
  readonly version: 1
  readonly pid: number
  readonly dataDir: string
  readonly regions: readonly {
    readonly name: string
    readonly console: string
    readonly nats: { readonly pid: number; readonly url: string }
    readonly hub: ReadyProcess
    readonly agents: readonly ReadyAgent[]
  }[]
  readonly core: ReadyProcess & {
    readonly api: string
    readonly apiKey: string
    readonly nats: { readonly pid: number; readonly url: string }
  }
}

export class Network {
  readonly dataDir: string
  readonly #launcher: ChildProcess
  readonly #readyFile: string
  readonly #output: string[]
  readonly #clients = new Set<MqttClient>()

  constructor(launcher: ChildProcess, dataDir: string, readyFile: string, output: string[]) {
    this.#launcher = launcher
    this.dataDir = dataDir
    this.#readyFile = readyFile
    this.#output = output
  }

  /** The ready file as it is now: pids change when a process was restarted. */
  get ready(): Ready {
    return JSON.parse(readFileSync(this.#readyFile, 'utf8')) as Ready
  }

  get output(): string {
    return this.#output.join('')
  }

  region(name: string): Ready['regions'][number] {
    return this.ready.regions.find((region) => region.name === name)!
  }

  agent(name: string): ReadyAgent {
    return this.ready.regions.flatMap((region) => region.agents).find((agent) => agent.name === name)!
  }

  /** Asks the core's API; fails the test when the answer is not 2xx. */
  async api<T>(path: string, body?: unknown, init: RequestInit = {}): Promise<T> {
    const response = await this.apiResponse(path, body, init)
    const text = await response.text()
    assert.ok(response.ok, `${path}: ${response.status} ${text}`)
    return JSON.parse(text) as T
  }

  apiResponse(path: string, body?: unknown, init: RequestInit = {}): Promise<Response> {
    const { api, apiKey } = this.ready.core
    return fetch(new URL(path, api), {
      method: body === undefined ? 'GET' : 'POST',
      ...init,
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...init.headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  }

  /** Publishes with QoS 1 and resolves when the agent acknowledged all of them, reconnecting and resending as a device would. */
  async publish(
    agentName: string,
    family: string,
    source: string,
    payloads: readonly unknown[],
    clientId = `test-${Math.random().toString(36).slice(2)}`,
  ): Promise<void> {
    const client = mqtt.connect(this.agent(agentName).mqtt, { clientId, clean: false, reconnectPeriod: 300, connectTimeout: 5000 })
    this.#clients.add(client)
    const topic = `tributary/v1/${family}/${source}`
    try {
      for (let at = 0; at < payloads.length; at += 200) {
        await Promise.all(payloads.slice(at, at + 200).map((payload) => client.publishAsync(topic, JSON.stringify(payload), { qos: 1 })))
      }
    } finally {
      this.#clients.delete(client)
      await client.endAsync(true)
    }
  }

  async stop(): Promise<number | null> {
    for (const client of this.#clients) client.end(true)
    if (this.#launcher.exitCode !== null) return this.#launcher.exitCode
    const ended = new Promise<number | null>((resolve) => this.#launcher.once('exit', resolve))
    this.#launcher.kill('SIGTERM')
    const code = await Promise.race([ended, sleep(30_000, undefined, { ref: false }).then(() => 'late' as const)])
    if (code !== 'late') return code
    this.#launcher.kill('SIGKILL')
    return null
  }
}

export interface NetworkOptions {
  readonly args?: readonly string[]
  /** Taken over from an earlier network of the same test; kept when it stops. */
  readonly dataDir?: string
}

export async function startNetwork(t: TestContext, options: NetworkOptions = {}): Promise<Network> {
  const dir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'tributary-test-'))
  const readyFile = join(dir, '..', `${dir.split('/').at(-1)}.ready.json`)
  rmSync(readyFile, { force: true })
  const base = await freePortBase()
  const args = [
    'deploy/launch.ts',
    '--data',
    dir,
    '--port-base',
    String(base),
    '--ready-file',
    readyFile,
    ...(options.args ?? ['--no-simulator']),
  ]
  const launcher = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  const output: string[] = []
  launcher.stdout.on('data', (text) => output.push(String(text)))
  launcher.stderr.on('data', (text) => output.push(String(text)))
  const network = new Network(launcher, dir, readyFile, output)
  t.after(async () => {
    await network.stop()
    rmSync(readyFile, { force: true })
    if (options.dataDir === undefined) rmSync(dir, { recursive: true, force: true })
  })
  await eventually(
    'the network is ready',
    () => {
      assert.equal(launcher.exitCode, null, `the launcher ended:\n${network.output}`)
      assert.ok(existsSync(readyFile), `not ready yet:\n${network.output}`)
    },
    120_000,
  )
  return network
}

/** Tries again until the assertion holds; fails with its last message when the deadline has passed. */
export async function eventually<T>(what: string, check: () => T | Promise<T>, deadlineMs = 20_000, everyMs = 100): Promise<T> {
  const deadline = Date.now() + deadlineMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}: ${(error as Error).message}`, { cause: error })
      await sleep(everyMs)
    }
  }
}

/** Whether a process with this pid is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

export const rfc3339 = (timeMs: number) => new Date(timeMs).toISOString()

async function freePortBase(): Promise<number> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 30_000)
    const ports = Array.from({ length: 64 }, (_, at) => base + at)
    const free = await Promise.all(ports.map((port) => isFree(port)))
    if (free.every(Boolean)) return base
  }
}

async function isFree(port: number): Promise<boolean> {
  const tcp = await new Promise<boolean>((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
  const udp = await new Promise<boolean>((resolve) => {
    const socket = createSocket('udp4')
    socket.once('error', () => resolve(false))
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)))
  })
  return tcp && udp
}
