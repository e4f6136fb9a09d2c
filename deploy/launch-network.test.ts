import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { launchNetwork } from './launch-network.ts'
import type { Ready } from './ready-file.ts'
import { freePortBase, isAlive, standInOptions, standInRoot, until } from './stand-in-network.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-launch-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const said: string[] = []
const out = {
  step: (l: string) => said.push(`✓ ${l}`),
  note: (l: string) => said.push(`· ${l}`),
  bad: (l: string) => said.push(`! ${l}`),
  plain: (l: string) => said.push(l),
}

test('a network starts, names a process that was killed and starts it again, and stops in order', { timeout: 120_000 }, async () => {
  const root = standInRoot(folder)
  const portBase = await freePortBase()
  const readyFile = join(folder, 'ready.json')
  const options = standInOptions(folder, portBase)
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
