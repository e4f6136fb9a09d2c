/** For tests of the launcher: stand-ins that answer where the services would, beside real nats-servers and real processes. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { LaunchOptions } from './launch-options.ts'

const service = `
import { createServer } from 'node:http'
import { readFileSync, writeFileSync } from 'node:fs'
const args = process.argv.slice(2)
if (args[0] === 'key') {
  console.log(JSON.stringify({ key: 'made-' + process.pid }))
} else if (args[0] === 'cells') {
  writeFileSync(args[args.indexOf('--out') + 1], 'radio,mcc\\n')
} else {
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => process.exit(0))
  process.stdin.on('end', () => process.exit(0)).resume()
  if (args.includes('--config')) {
    const text = readFileSync(args[args.indexOf('--config') + 1], 'utf8')
    const portOf = (name) => Number(new RegExp(name + ':\\\\n(?:  .*\\\\n)*?  port: (\\\\d+)').exec(text)?.[1] ?? 0)
    const answer = (request, response) => response.end(request.url.startsWith('/v1/alerts') ? JSON.stringify({ items: [{ type: 'device-swap', severity: 'major', region: 'north', time: 'now' }] }) : '{}')
    createServer(answer).listen(portOf('admin'), '127.0.0.1')
    if (portOf('api')) createServer(answer).listen(portOf('api'), '127.0.0.1')
  } else setInterval(() => {}, 1000)
}
`

export function standInRoot(folder: string): string {
  const root = join(folder, 'root')
  for (const name of ['core', 'regional-hub', 'edge-agent', 'simulators']) {
    mkdirSync(join(root, name), { recursive: true })
    writeFileSync(join(root, name, 'main.ts'), service)
  }
  writeFileSync(join(root, 'package.json'), '{"type":"module"}')
  return root
}

export async function freePortBase(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  assert.ok(address && typeof address === 'object')
  // Below the ephemeral range, so that no client's own port falls into the block.
  return 15_000 + (address.port % 170) * 100
}

export function standInOptions(folder: string, portBase: number): LaunchOptions {
  return {
    regions: ['north', 'south'],
    agentsPerRegion: 1,
    subscribers: 10,
    ratePerS: 10,
    seed: 1,
    scenario: 'quiet-town',
    dataDir: join(folder, 'data'),
    fresh: false,
    portBase,
    portBaseGiven: true,
    readyFile: join(folder, 'ready.json'),
    cellsFile: undefined,
    truthFile: undefined,
  }
}

export async function until<T>(what: string, probe: () => T | undefined | false | null | 0, withinMs = 40_000): Promise<T> {
  for (const endMs = Date.now() + withinMs; Date.now() < endMs; ) {
    const found = probe()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${what} did not come`)
}

export const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
