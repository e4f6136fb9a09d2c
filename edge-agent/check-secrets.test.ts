import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runChecks } from '#shared/checks.ts'
import { AgentCheckContext } from './agent-check-context.ts'
import { secretFilesCheck } from './check-secrets.ts'
import { configSchema } from './config.ts'

test('an open password file is found, closed by --fix, and never read', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-secrets-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const passwordFile = join(dir, 'password')
  writeFileSync(passwordFile, 'secret', { mode: 0o644 })
  const config = configSchema.parse({ agent: 'a', region: 'r', dataDir: dir, identity: { keyFile: 'k' }, hub: { user: 'u', passwordFile } })
  const context = new AgentCheckContext({ load: () => config })
  const look = async (mend: boolean) => (await runChecks([{ ...secretFilesCheck, after: [] }], context, { mend }))[0]!
  const found = await look(false)
  assert.equal(found.verdict, 'fail')
  assert.match(found.fix!, new RegExp(`chmod 600 ${passwordFile}`))
  assert.ok(!JSON.stringify(found).includes('secret"'))
  assert.equal((await look(true)).verdict, 'pass')
  assert.equal(statSync(passwordFile).mode & 0o777, 0o600)
})
