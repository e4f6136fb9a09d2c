import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parse } from 'yaml'
import { childEnvironment } from './child-environment.ts'
import { closeDataFolder, identityKeyFile, openDataFolder } from './data-folder.ts'
import { plainYaml } from './plain-yaml.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-data-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('a folder is marked when first used, kept at the next start, and emptied by --fresh only with the mark', () => {
  const data = join(folder, 'data')
  openDataFolder(data, false)
  writeFileSync(join(data, 'stored'), 'events')
  closeDataFolder(data)
  openDataFolder(data, false)
  assert.ok(existsSync(join(data, 'stored')))
  openDataFolder(data, true)
  assert.equal(existsSync(join(data, 'stored')), false)
  closeDataFolder(data)

  const foreign = join(folder, 'photos')
  mkdirSync(foreign)
  writeFileSync(join(foreign, 'holiday.jpg'), 'x')
  for (const fresh of [false, true]) assert.throws(() => openDataFolder(foreign, fresh), /holds files that are not a Tributary network's/)
  assert.ok(existsSync(join(foreign, 'holiday.jpg')))
})

test('a folder in use by another launcher is refused, one whose launcher is gone is not', {
  skip: process.platform !== 'linux',
}, async () => {
  const data = join(folder, 'used')
  openDataFolder(data, false)
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'launch'])
  try {
    writeFileSync(join(data, 'launcher.pid'), String(other.pid))
    assert.throws(() => openDataFolder(data, true), new RegExp(`another launcher \\(pid ${other.pid}\\)`))
  } finally {
    other.kill('SIGKILL')
    await once(other, 'exit')
  }
  openDataFolder(data, false)
})

test('the identity key is made once, for this user only', () => {
  const path = identityKeyFile(folder)
  const key = readFileSync(path, 'utf8')
  assert.match(key, /^k1:[0-9a-f]{64}\n$/)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal(readFileSync(identityKeyFile(folder), 'utf8'), key)
})

test('what is written as YAML is read back as it was', () => {
  const config = {
    name: 'no',
    at: '2026-01-01',
    path: 'a: "b" #c',
    port: 1,
    on: true,
    list: ['x', '1'],
    deep: { er: { key: 'v' }, none: {} },
  }
  assert.deepEqual(parse(plainYaml({ ...config, left: undefined }, 'a note')), config)
})

test('children do not inherit what npm set, nor overrides meant for one service', () => {
  const env = {
    PATH: '/bin',
    XDG_CACHE_HOME: '/cache',
    npm_config_x: '1',
    INIT_CWD: '/',
    TRIBUTARY_ADMIN_PORT: '1',
    TRIBUTARY_LOG_LEVEL: 'debug',
    NODE_OPTIONS: '--x',
  }
  assert.deepEqual(childEnvironment(env), {
    PATH: '/bin',
    XDG_CACHE_HOME: '/cache',
    TRIBUTARY_LOG_LEVEL: 'debug',
    NODE_COMPILE_CACHE: '/cache/tributary/compiled',
  })
})
