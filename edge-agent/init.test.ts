/** The file that `init` writes: every setting explained, loads as it should, and keeps what an earlier one had set. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { chosenIn, commentedYaml, lineDifference } from '#shared/commented-yaml.ts'
import { jsonSchema, loadConfig } from '#shared/config.ts'
import { leafSettings } from '#shared/settings-reference.ts'
import { configSchema } from './config.ts'

const main = join(import.meta.dirname, 'main.ts')

test('the commented file names every setting and loads to what was chosen and the defaults', (t) => {
  const file = join(folder(t), 'agent.yaml')
  const schema = jsonSchema(configSchema)
  const chosen = { agent: 'a', region: 'r', dataDir: '/d', 'identity.keyFile': '/k', 'mqtt.port': 1884, 'mqtt.limits.maxConnections': 7 }
  writeFileSync(file, commentedYaml(schema, chosen, 'head'))
  const text = readFileSync(file, 'utf8')
  for (const { path } of leafSettings(schema)) assert.match(text, new RegExp(`^ *(# )?${path.at(-1)}:`, 'm'), path.join('.'))
  const loaded = loadConfig(configSchema, file, { environment: {} })
  assert.equal(loaded.mqtt.port, 1884)
  assert.equal(loaded.mqtt.limits.maxConnections, 7)
  assert.equal(loaded.mqtt.tls, undefined)
  assert.equal(loaded.outbox.quotaBytes, 2 ** 30)
  assert.deepEqual(chosenIn(schema, loaded), { ...chosen })
})

test('a difference shows what goes, what comes, and a little around it', () => {
  assert.deepEqual(lineDifference('a\nb\nc\nd\ne\nf', 'a\nb\nc\nD\ne\nf', 1), ['  c', '- d', '+ D', '  e'])
  assert.deepEqual(lineDifference('a', 'a'), [])
})

test('without a terminal nothing is asked: what is missing is named with its flag', async (t) => {
  const dir = folder(t)
  const { code, stderr } = await run(dir, ['init', '--config', 'agent.yaml'])
  assert.equal(code, 1)
  assert.match(stderr, /--region is missing \(Name of its region\)/)
})

test('with flags: the file, the data folder and the key’s mode, then doctor; a second time changes what is told and keeps the rest', async (t) => {
  const dir = folder(t)
  const port = await freePort()
  writeFileSync(join(dir, 'key'), `k1:${'ab'.repeat(32)}\n`, { mode: 0o644 })
  const flags = [
    'init',
    '--config',
    'agent.yaml',
    '--agent',
    'box',
    '--region',
    'north',
    '--hub',
    `nats://127.0.0.1:${port}`,
    '--data-dir',
    join(dir, 'data'),
    '--key-file',
    join(dir, 'key'),
    '--wait',
    '0',
    '--yes',
    '--json',
  ]
  const first = await run(dir, flags)
  assert.equal(first.code, 2, first.stderr) // no hub is there
  const answer = JSON.parse(first.stdout) as {
    changed: boolean
    firstEventS: unknown
    send: string
    doctor: { id: string; verdict: string }[]
  }
  assert.equal(answer.changed, true)
  assert.equal(answer.firstEventS, 'not running')
  assert.match(answer.send, /^mosquitto_pub /)
  assert.equal(answer.doctor.find(({ id }) => id === 'hub-tcp')?.verdict, 'fail')
  assert.equal(statSync(join(dir, 'key')).mode & 0o777, 0o600)
  assert.equal(statSync(join(dir, 'data')).mode & 0o777, 0o750)

  const file = join(dir, 'agent.yaml')
  writeFileSync(
    file,
    readFileSync(file, 'utf8')
      .replace(/# stallS: 30/, 'stallS: 45')
      .replace(/# uplink:/, 'uplink:'),
  )
  const second = await run(dir, [...flags.slice(0, -1), '--mqtt', '127.0.0.1:2883'])
  assert.match(second.stderr, /^- .*port: 1883|^\+ .*port: 2883/m)
  const { mqtt, uplink } = loadConfig(configSchema, file, { environment: {} })
  assert.deepEqual([mqtt.port, uplink.stallS], [2883, 45])
  const third = await run(dir, [...flags.slice(0, -2), '--mqtt', '127.0.0.1:2883', '--dry-run', '--json'])
  assert.equal((JSON.parse(third.stdout) as { changed: boolean }).changed, false)
})

test('an address with a password in it is refused: secrets are files', async (t) => {
  const { code, stderr } = await run(folder(t), ['init', '--region', 'r', '--hub', 'nats://u:p@h:4222', '--yes'])
  assert.equal(code, 1)
  assert.match(stderr, /--hub .*without a password/)
})

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-init-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

function run(cwd: string, args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [main, ...args], { cwd }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
    child.stdin?.end()
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
