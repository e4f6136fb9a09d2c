import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SqliteKeys } from './adapters/sqlite-keys.ts'

const dir = mkdtempSync(join(tmpdir(), 'core-main-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const config = join(dir, 'core.yaml')
writeFileSync(join(dir, 'identity.key'), `t1:${'5a'.repeat(32)}\n`, { mode: 0o600 })
writeFileSync(config, `dataDir: ${join(dir, 'data')}\nidentity: { keyFile: ${join(dir, 'identity.key')} }\n`)

function command(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const all = [join(import.meta.dirname, 'main.ts'), ...args, '--config', config]
    execFile(process.execPath, all, { timeout: 20_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : 1, stdout, stderr }),
    )
  })
}

test('a key is shown once, kept as a hash only, listed without it, and revoked beside an open store', { timeout: 60_000 }, async () => {
  const beside = new SqliteKeys(join(dir, 'data'))
  try {
    const made = JSON.parse(
      (await command('key', 'create', '--tenant', 'default', '--scopes', 'sim-swap,alerts:read', '--name', 'bank', '--json')).stdout,
    )
    assert.match(made.key, /^trb_[A-Za-z0-9_-]{43}$/)
    assert.deepEqual(beside.find(made.key)?.scopes, ['sim-swap', 'alerts:read'])
    for (const file of ['keys.db', 'keys.db-wal']) assert.ok(!readFileSync(join(dir, 'data', file), 'latin1').includes(made.key))
    const listed = (await command('key', 'list', '--json')).stdout
    assert.ok(!listed.includes(made.key))
    assert.deepEqual(
      JSON.parse(listed).map(({ id, name, revoked }: Record<string, unknown>) => ({ id, name, revoked })),
      [{ id: made.id, name: 'bank', revoked: null }],
    )
    assert.equal((await command('key', 'revoke', made.id, '--json')).code, 0)
    assert.notEqual(beside.find(made.key)?.revokedMs, null)
  } finally {
    beside.close()
  }
})

test('a scope that is not known, a key that is not there and a wrong setting are refused in words', { timeout: 60_000 }, async () => {
  const scope = await command('key', 'create', '--scopes', 'alerts:raed', '--json')
  assert.equal(scope.code, 1)
  assert.match(JSON.parse(scope.stdout).error.message, /alerts:raed not known/)
  assert.equal((await command('key', 'revoke', 'nobody')).code, 1)
  assert.match((await command('check')).stdout, /is fine; identity key t1/)
  writeFileSync(config, `${readFileSync(config, 'utf8')}api: { prot: 1 }\n`)
  const wrong = await command('check')
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /did you mean port\?/)
})
