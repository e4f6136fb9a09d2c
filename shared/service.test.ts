import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Component } from './ports.ts'
import { startAll, stopAll } from './service.ts'

const dir = mkdtempSync(join(tmpdir(), 'service-'))
const children: ChildProcess[] = []
after(() => {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  rmSync(dir, { recursive: true })
})

function component(name: string, said: string[], broken: 'start' | 'stop' | 'hang' | '' = ''): Component {
  return {
    name,
    start: async () => {
      said.push(`start ${name}`)
      if (broken === 'start') throw new Error(`${name} cannot`)
    },
    stop: async () => {
      said.push(`stop ${name}`)
      if (broken === 'stop') throw new Error(`${name} failed`)
      if (broken === 'hang') await new Promise(() => {})
    },
  }
}

test('starts downstream first, stops upstream first', async () => {
  const said: string[] = []
  const all = [component('uplink', said), component('tap', said)]
  await startAll(all, new AbortController().signal)
  assert.deepEqual(await stopAll(all, 1_000), [])
  assert.deepEqual(said, ['start uplink', 'start tap', 'stop tap', 'stop uplink'])
})

test('when one cannot start, those before it are stopped and its error is told', async () => {
  const said: string[] = []
  const all = [component('uplink', said), component('journal', said, 'start'), component('tap', said)]
  await assert.rejects(startAll(all, new AbortController().signal), /journal cannot/)
  assert.deepEqual(said, ['start uplink', 'start journal', 'stop journal', 'stop uplink'])
})

test('one that fails or hangs does not keep the others from stopping', async () => {
  const said: string[] = []
  const problems = await stopAll([component('a', said), component('b', said, 'stop'), component('c', said, 'hang')], 100)
  assert.deepEqual(said, ['stop c', 'stop b', 'stop a'])
  assert.equal(problems.length, 2)
  assert.match(problems[0]!.message, /c did not stop cleanly.*twice/)
})

const script = join(dir, 'service.ts')
writeFileSync(
  script,
  `import { createLog } from ${JSON.stringify(join(import.meta.dirname, 'log.ts'))}
import { fail } from ${JSON.stringify(join(import.meta.dirname, 'errors.ts'))}
import { runService } from ${JSON.stringify(join(import.meta.dirname, 'service.ts'))}
const mode = process.argv[2]
const part = (name) => ({
  name,
  start: async (signal) => {
    process.stdout.write('starting\\n')
    if (mode === 'wait') await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    if (mode === 'deaf') await new Promise(() => {})
    if (mode === 'broken') fail('port-taken', 'the tap needs port 1883; the option is mqtt.port')
    setInterval(() => {}, 1000)
  },
  stop: async () => {
    process.stdout.write('stop ' + name + '\\n')
    if (mode === 'hang') await new Promise(() => {})
  },
})
await runService({
  name: 'test',
  log: createLog({ service: 'test', level: 'info' }),
  stopDeadlineMs: mode === 'deaf' ? 300 : 10_000,
  build: async (_signal, die) => {
    if (mode === 'die') setTimeout(() => die(new Error('the store failed')), 50)
    if (mode === 'throw') setTimeout(() => { throw new Error('a bug') }, 50)
    return [part('uplink'), part('tap')]
  },
  started: () => process.stdout.write('running\\n'),
})
`,
)

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function run(mode: string, options: { parent?: boolean; args?: string[] } = {}) {
  const child = spawn(process.execPath, [script, mode, ...(options.args ?? [])], {
    env: { ...process.env, ...(options.parent ? { TRIBUTARY_PARENT_PIPE: '1' } : { TRIBUTARY_PARENT_PIPE: '' }) },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  children.push(child)
  let out = ''
  let err = ''
  const running = Promise.withResolvers<void>()
  child.stdout.on('data', (data) => {
    out += data
    if (out.includes(mode === 'wait' || mode === 'deaf' ? 'starting' : 'running')) running.resolve()
  })
  child.stderr.on('data', (data) => {
    err += data
  })
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, out, err })))
  return { child, running: running.promise, ended }
}

test('SIGTERM stops in order with exit status 0', { timeout: 10_000 }, async () => {
  const { child, running, ended } = run('')
  await running
  child.kill('SIGTERM')
  const { code, out, err } = await ended
  assert.equal(code, 0, err)
  assert.equal(out, 'starting\nstarting\nrunning\nstop tap\nstop uplink\n')
  assert.match(err, /"reason":"SIGTERM"/)
})

test('under a launcher SIGINT is ignored, and the end of its pipe stops', { timeout: 10_000 }, async () => {
  const { child, running, ended } = run('', { parent: true })
  await running
  child.kill('SIGINT')
  await new Promise((resolve) => setTimeout(resolve, 200))
  assert.equal(child.exitCode, null)
  child.stdin.end()
  const { code, out } = await ended
  assert.equal(code, 0)
  assert.match(out, /stop tap\nstop uplink/)
})

test('a word while starting ends it, even when what starts does not listen', { timeout: 10_000 }, async () => {
  for (const mode of ['wait', 'deaf']) {
    const { child, running, ended } = run(mode)
    await running
    child.kill('SIGTERM')
    const { code, out, err } = await ended
    assert.equal(code, 0, err)
    assert.match(out, /stop uplink/)
  }
})

test('a second signal ends at once', { timeout: 10_000 }, async () => {
  const { child, running, ended } = run('hang')
  await running
  child.kill('SIGINT')
  await new Promise((resolve) => setTimeout(resolve, 200))
  child.kill('SIGTERM')
  const { code, err } = await ended
  assert.equal(code, 1)
  assert.match(err, /may be sent twice/)
})

test('what cannot start says so in one line, or as JSON, with exit status 1', { timeout: 10_000 }, async () => {
  const plain = await run('broken').ended
  assert.equal(plain.code, 1)
  assert.match(plain.err, /^test: A port is already in use: the tap needs port 1883; the option is mqtt\.port\. .*$/m)
  const json = await run('broken', { args: ['--json'] }).ended
  assert.equal(JSON.parse(json.out.split('\n').find((line) => line.startsWith('{'))!).error.code, 'port-taken')
})

test('a component that fails later, or a bug, ends it with exit status 1', { timeout: 10_000 }, async () => {
  const died = await run('die').ended
  assert.equal(died.code, 1)
  assert.match(died.out, /stop tap\nstop uplink/)
  assert.match(died.err, /the store failed/)
  const thrown = await run('throw').ended
  assert.equal(thrown.code, 1)
  assert.match(thrown.err, /unexpected error.*a bug/)
})
