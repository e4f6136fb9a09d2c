/**
 * For tests only: a region on this machine (two real nats-servers joined as leaf and core), an agent that sends real batches, and a detector
 * that does the least a detector may do: every sighting becomes a position and is remembered, so that what was lost or doubled shows.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatchBuilder } from '#shared/batch-builder.ts'
import { encodeBatch } from '#shared/batch-codec.ts'
import { headers, subjects } from '#shared/control.ts'
import type { Batch, Lane } from '#shared/records.ts'
import { sleep } from '#shared/retry.ts'
import type { Detections, Detector } from './ports.ts'

export class TestRegion {
  readonly dir = mkdtempSync(join(tmpdir(), 'tributary-hub-'))
  readonly region: string
  readonly #binary: string
  readonly #children = new Map<string, ChildProcess>()
  corePort = 0
  leafPort = 0
  port = 0

  constructor(binary: string, region = 'north') {
    this.#binary = binary
    this.region = region
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`
  }

  get coreUrl(): string {
    return `nats://127.0.0.1:${this.corePort}`
  }

  async start(): Promise<void> {
    const [core, leaf, own] = (await Promise.all([freePort(), freePort(), freePort()])) as [number, number, number]
    this.corePort = core
    this.leafPort = leaf
    this.port = own
    await this.startCore()
    await this.startRegion()
  }

  async startCore(): Promise<void> {
    const config = `server_name: core\nlisten: "127.0.0.1:${this.corePort}"\njetstream { store_dir: "${join(this.dir, 'core')}", domain: core, sync_interval: always, max_file_store: 1GB }\nleafnodes { listen: "127.0.0.1:${this.leafPort}" }\n`
    await this.#server('core', config, this.corePort)
  }

  async startRegion(): Promise<void> {
    const config = `server_name: ${this.region}\nlisten: "127.0.0.1:${this.port}"\njetstream { store_dir: "${join(this.dir, 'region')}", domain: ${this.region}, max_file_store: 1GB }\nleafnodes { reconnect: 1, remotes: [ { url: "nats-leaf://127.0.0.1:${this.leafPort}" } ] }\n`
    await this.#server('region', config, this.port)
  }

  kill(name: 'core' | 'region'): Promise<void> {
    return killed(this.#children.get(name))
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#children.values()].map(killed))
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 3 })
  }

  async #server(name: string, config: string, port: number): Promise<void> {
    const file = join(this.dir, `${name}.conf`)
    writeFileSync(file, config)
    const child = spawn(this.#binary, ['-c', file], { stdio: 'ignore' })
    this.#children.set(name, child)
    for (let attempt = 0; attempt < 200; attempt++) {
      if (await answers(port)) return
      await sleep(25)
    }
    throw new Error(`nats-server ${name} did not start`)
  }
}

export async function killed(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

export interface Sent {
  readonly subject: string
  readonly header: Readonly<Record<string, string>>
  readonly frame: Uint8Array
}

/** A batch of `rows` sightings as an agent sends it; row keys tell agent, number and row. */
export function sightingsOf(region: string, agent: string, epoch: string, lane: Lane, seq: number, rows: number): Sent {
  const builder = new BatchBuilder('sighting', rows)
  for (let at = 0; at < rows; at++) {
    const row = builder.add()
    const { columns } = builder
    columns.key.set([hash(agent + epoch), seq * 1000 + at], row * 2)
    columns.subscriber.set([1, 2, 3, at + 1], row * 4)
    columns.timeMs[row] = 1_800_000_000_000 + seq * 1000 + at
    columns.cell[row] = builder.code(`272-01-${at}`)
  }
  const batch = builder.finish({ tenant: 'default', region, agent, epoch, lane, seq })
  return sent(batch)
}

export function sent(batch: Batch): Sent {
  const { tenant, region, agent, epoch, lane, seq } = batch.meta
  return {
    subject: subjects.ingest(tenant, region, agent, lane as Lane),
    header: { [headers.epoch]: epoch, [headers.seq]: String(seq), [headers.record]: batch.kind, [headers.rows]: String(batch.rows) },
    frame: encodeBatch(batch),
  }
}

/** Every sighting becomes a position under the same key, once for ever. */
export class StandInDetector implements Detector {
  #positions = new BatchBuilder('position')
  readonly #seen = new Set<string>()

  sightings(batch: Batch<'sighting'>): void {
    const { key, timeMs } = batch.columns
    for (let row = 0; row < batch.rows; row++) {
      const name = `${key[row * 2]}.${key[row * 2 + 1]}`
      if (this.#seen.has(name)) continue
      this.#seen.add(name)
      const at = this.#positions.add()
      this.#positions.columns.key.set(key.subarray(row * 2, row * 2 + 2), at * 2)
      this.#positions.columns.timeMs[at] = timeMs[row]!
      this.#positions.columns.subscriber.set(batch.columns.subscriber.subarray(row * 4, row * 4 + 4), at * 4)
      this.#positions.columns.cell[at] = this.#positions.code(batch.texts[batch.columns.cell[row]!]!)
      this.#positions.columns.latitude[at] = 53 + row / 1000
      this.#positions.columns.longitude[at] = -6
      this.#positions.columns.radiusM[at] = 250
      this.#positions.columns.motion[at] = 1
    }
  }

  events(): void {}
  notice(): void {}
  fence(): void {}
  watermark(): void {}

  flush(): Detections {
    const batches: Batch[] = []
    if (this.#positions.rows > 0) batches.push(this.#positions.finish({ tenant: '', region: '', agent: '', epoch: '', lane: '', seq: 0 }))
    return { batches, claims: [] }
  }

  snapshot(): Uint8Array[] {
    return [Buffer.from(JSON.stringify([...this.#seen]))]
  }

  restore(parts: readonly Uint8Array[]): void {
    for (const name of JSON.parse(Buffer.from(parts[0]!).toString('utf8'))) this.#seen.add(name)
  }

  subscribers(): number {
    return 4
  }

  stateBytes(): number {
    return this.#seen.size
  }
}

function hash(text: string): number {
  let value = 7
  for (const letter of text) value = (Math.imul(value, 31) + letter.charCodeAt(0)) >>> 0
  return value
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function answers(port: number): Promise<boolean> {
  const { connect } = await import('node:net')
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('data', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
