import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { findNatsServer } from './find-nats-server.ts'
import type { Bringer } from './nats-bringer.ts'
import { cachedServerPath, cacheFolder } from './nats-cache.ts'
import { archiveName, checksumOf, programIn } from './nats-release.ts'
import { isFit } from './nats-version.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-find-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function fakeServer(path: string, version: string): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `#!/bin/sh\necho "nats-server: v${version}"\n`)
  chmodSync(path, 0o755)
  return path
}

const fails = (name: string): Bringer => ({ name, run: () => Promise.reject(new Error('not here\nreally not')) })

async function find(env: Record<string, string>, bring: readonly Bringer[] = []) {
  const said: string[] = []
  const found = await findNatsServer({
    env: { PATH: '', XDG_CACHE_HOME: join(folder, 'no-cache'), ...env },
    say: (line) => said.push(line),
    bring,
  }).catch((error: Error) => error)
  return { found, said }
}

test('versions that are fit: 2.12.12 and later of 2.12, 2.14.3 and later', () => {
  const fit = ['2.12.12', '2.12.30', '2.14.3', '2.14.5', '2.15.0', '3.0.0']
  const unfit = ['2.9.10', '2.12.11', '2.13.9', '2.14.2', '2.14.5-RC.1', 'dev', '']
  for (const version of fit) assert.equal(isFit(version), true, version)
  for (const version of unfit) assert.equal(isFit(version), false, version)
})

test('the environment goes before PATH, PATH before the cache, and the unfit are passed over with a word', async () => {
  const named = fakeServer(join(folder, 'named', 'server'), '2.14.5')
  const old = fakeServer(join(folder, 'old', 'nats-server'), '2.9.10')
  const good = fakeServer(join(folder, 'good', 'nats-server'), '2.12.12')
  const XDG_CACHE_HOME = join(folder, 'cache')
  const cached = fakeServer(cachedServerPath({ XDG_CACHE_HOME }), '2.14.5')
  const PATH = `${dirname(old)}:${dirname(good)}`

  assert.deepEqual((await find({ TRIBUTARY_NATS_SERVER: named, PATH })).found, {
    path: named,
    version: '2.14.5',
    from: 'TRIBUTARY_NATS_SERVER',
  })
  const onPath = await find({ PATH, XDG_CACHE_HOME })
  assert.deepEqual(onPath.found, { path: good, version: '2.12.12', from: 'PATH' })
  assert.deepEqual(onPath.said, [`nats-server: PATH: ${old} is 2.9.10, at least 2.12.12 or 2.14.3 is needed`])
  const fromCache = await find({ TRIBUTARY_NATS_SERVER: join(folder, 'none'), PATH: dirname(old), XDG_CACHE_HOME })
  assert.deepEqual(fromCache.found, { path: cached, version: '2.14.5', from: 'cache' })
  assert.match(fromCache.said[0] ?? '', /^nats-server: TRIBUTARY_NATS_SERVER: .*none: there is no such file$/)
})

test('a server that is brought is judged like any other; each failing step says why in one line, the last what to install', async () => {
  const brings: Bringer = { name: 'bringer', run: async (target) => void fakeServer(target, '2.14.5') }
  const XDG_CACHE_HOME = join(folder, 'brought')
  const brought = await find({ XDG_CACHE_HOME }, [fails('first'), brings])
  assert.deepEqual(brought.found, { path: cachedServerPath({ XDG_CACHE_HOME }), version: '2.14.5', from: 'bringer' })
  assert.deepEqual(brought.said, ['nats-server: first: not here really not'])
  const nothing = await find({}, [fails('first'), fails('second')])
  assert.ok(nothing.found instanceof Error)
  assert.match(nothing.found.message, /Install nats-server 2\.14\.5/)
  assert.equal(nothing.said.length, 2)
})

test('the cache is where the platform keeps such things', () => {
  assert.equal(cacheFolder({ HOME: '/home/u' }, 'linux'), '/home/u/.cache/tributary')
  assert.equal(cacheFolder({ HOME: '/Users/u' }, 'darwin'), '/Users/u/Library/Caches/tributary')
  assert.equal(cacheFolder({ HOME: '/home/u', XDG_CACHE_HOME: '/x' }, 'linux'), '/x/tributary')
})

test('the release: its name, its checksum line, and the program in its archive', () => {
  assert.equal(archiveName('linux', 'x64'), 'nats-server-v2.14.5-linux-amd64.tar.gz')
  assert.throws(() => archiveName('win32', 'x64'), /no release/)
  const sum = 'a'.repeat(64)
  assert.equal(checksumOf(`${'b'.repeat(64)}  other.zip\n${sum}  wanted.tar.gz\n`, 'wanted.tar.gz'), sum)
  assert.throws(() => checksumOf('', 'wanted.tar.gz'), /does not list/)
  const entry = (name: string, text: string) => {
    const header = Buffer.alloc(512)
    header.write(name, 0)
    header.write(text.length.toString(8).padStart(11, '0'), 124)
    const body = Buffer.alloc(Math.ceil(text.length / 512) * 512)
    body.write(text)
    return [header, body]
  }
  const tar = Buffer.concat([...entry('v/README.md', 'read me'), ...entry('v/nats-server', 'the program'), Buffer.alloc(1024)])
  assert.equal(Buffer.from(programIn(tar)).toString(), 'the program')
  assert.throws(() => programIn(Buffer.alloc(1024)), /no nats-server/)
})
