import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Ready } from './ready-file.ts'
import { freePortBase, isAlive, standInOptions, standInRoot, until } from './stand-in-network.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-killed-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('when the launcher is killed its children notice and stop', { timeout: 120_000 }, async () => {
  const options = standInOptions(folder, await freePortBase())
  const program = join(folder, 'launch.ts')
  writeFileSync(
    program,
    `import { launchNetwork } from ${JSON.stringify(new URL('./launch-network.ts', import.meta.url).href)}
const quiet = () => {}
await launchNetwork({ options: ${JSON.stringify(options)}, root: ${JSON.stringify(standInRoot(folder))}, node: process.execPath, env: process.env,
  out: { step: quiet, note: quiet, bad: console.error, plain: quiet }, stop: new AbortController().signal })`,
  )
  const launcher = spawn(process.execPath, [program], { stdio: ['ignore', 'ignore', 'inherit'] })
  after(() => launcher.kill('SIGKILL'))
  const readyFile = options.readyFile ?? ''
  await until('the ready file', () => existsSync(readyFile) || launcher.exitCode !== null)
  const ready = JSON.parse(readFileSync(readyFile, 'utf8')) as Ready
  const pids = ready.regions.flatMap((region) => [region.nats.pid, region.hub.pid, ...region.agents.map((agent) => agent.pid)])
  const all = [...pids, ready.core.pid, ready.core.nats.pid, ready.simulator?.pid].map((pid) => pid ?? 0)
  assert.equal(all.every(isAlive), true)
  launcher.kill('SIGKILL')
  await once(launcher, 'exit')
  await until('the end of all children', () => !all.some(isAlive))
})
