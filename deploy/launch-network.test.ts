import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { launchNetwork } from './launch-network.ts'
import type { LaunchOptions } from './launch-options.ts'
import type { Ready } from './ready-file.ts'

// Stand-ins that answer where the services would: what is tried here is the launcher, with real nats-servers and real processes.
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

const folder = mkdtempSync(join(tmpdir(), 'tributary-launch-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function fakeRoot(): string {
  const root = join(folder, 'root')
  for (const name of ['core', 'regional-hub', 'edge-agent', 'simulators']) {
    mkdirSync(join(root, name), { recursive: true })
    writeFileSync(join(root, name, 'main.ts'), service)
  }
  writeFileSync(join(root, 'package.json'), '{"type":"module"}')
  return root
}

async function freeBase(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  assert.ok(address && typeof address === 'object')
  // Below the ephemeral range, so that no client's own port falls into the block.
  return 15_000 + (address.port % 170) * 100
}

const said: string[] = []
const out = {
  step: (l: string) => said.push(`✓ ${l}`),
  note: (l: string) => said.push(`· ${l}`),
  bad: (l: string) => said.push(`! ${l}`),
  plain: (l: string) => said.push(l),
}

async function until<T>(what: string, probe: () => T | undefined | false | null | 0, withinMs = 20_000): Promise<T> {
  for (const endMs = Date.now() + withinMs; Date.now() < endMs; ) {
    const found = probe()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${what} did not come; said:\n${said.join('\n')}`)
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a network starts, names a process that was killed and starts it again, and stops in order', { timeout: 60_000 }, async () => {
  const root = fakeRoot()
  const portBase = await freeBase()
  const readyFile = join(folder, 'ready.json')
  const options: LaunchOptions = {
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
    readyFile,
    cellsFile: undefined,
    truthFile: undefined,
  }
  const stop = new AbortController()
  const ended = launchNetwork({ options, root, node: process.execPath, env: process.env, out, stop: stop.signal })
  const read = () => JSON.parse(readFileSync(readyFile, 'utf8')) as Ready
  try {
    await until('the ready file', () => existsSync(readyFile) || said.some((line) => line.startsWith('!')))
    const ready = read()
    assert.equal(statSync(readyFile).mode & 0o777, 0o600)
    assert.equal(ready.version, 1)
    assert.equal(ready.core.api, `http://127.0.0.1:${portBase}`)
    assert.match(ready.core.apiKey, /^made-/)
    assert.deepEqual(
      ready.regions.map((region) => region.agents.map((agent) => agent.name)),
      [['north-1'], ['south-1']],
    )
    await until('the first alert', () => said.some((line) => line.includes('first alert: device-swap in north')))

    const server = ready.regions[0]?.nats.pid ?? 0
    const hub = ready.regions[1]?.hub.pid ?? 0
    process.kill(server, 'SIGKILL')
    process.kill(hub, 'SIGKILL')
    const again = await until('new pids', (): Ready | false => {
      const now = read()
      const pids = [now.regions[0]?.nats.pid, now.regions[1]?.hub.pid]
      return pids.every((pid) => pid && pid !== server && pid !== hub) && now
    })
    assert.equal(again.regions[0]?.nats.url, ready.regions[0]?.nats.url)
    await until('the word that they are back', () => said.filter((line) => / is back \(pid/.test(line)).length === 2)
    assert.ok(said.some((line) => line.startsWith('! hub south was ended by SIGKILL')))

    const pids = [
      ...again.regions.flatMap((region) => [region.nats.pid, region.hub.pid, ...region.agents.map((agent) => agent.pid)]),
      again.core.pid,
      again.core.nats.pid,
      again.simulator?.pid,
    ]
    stop.abort('test')
    assert.equal(await ended, 0)
    for (const pid of pids) assert.equal(isAlive(pid ?? 0), false, `pid ${pid} is still there`)
    const order = said.filter((line) => line.startsWith('· stopping')).map((line) => line.slice('· stopping '.length))
    assert.deepEqual(order, ['simulator', 'agents', 'hubs', 'core', "regions' servers", "core's server"])
  } finally {
    stop.abort('test')
    await ended
  }

  // A port that is taken is named with the option that changes it, and nothing is started.
  said.length = 0
  const holder = createServer().listen(portBase, '127.0.0.1')
  await new Promise((resolve) => holder.once('listening', resolve))
  const status = await launchNetwork({
    options: { ...options, dataDir: join(folder, 'blocked') },
    root,
    node: process.execPath,
    env: process.env,
    out,
    stop: new AbortController().signal,
  })
  holder.close()
  assert.equal(status, 1)
  assert.ok(
    said.some((line) => line.includes(`${portBase}/tcp (core API) is taken`) && line.includes('--port-base')),
    said.join('\n'),
  )
})
