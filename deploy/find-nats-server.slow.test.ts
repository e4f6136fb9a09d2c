import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findNatsServer } from './find-nats-server.ts'
import { goInstall } from './go-install-nats.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-go-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('go install brings the pinned version into the cache, once', { timeout: 300_000 }, async () => {
  const env = {
    ...process.env,
    TRIBUTARY_NATS_SERVER: undefined,
    XDG_CACHE_HOME: folder,
    GOCACHE: process.env.GOCACHE ?? join(folder, 'go-build'),
  }
  const said: string[] = []
  const deps = { env: { ...env, PATH: '/usr/bin:/bin' }, say: (line: string) => said.push(line), bring: [goInstall] }
  const built = await findNatsServer(deps)
  assert.equal(built.version, '2.14.5')
  assert.equal(built.from, 'go install')
  assert.equal((await findNatsServer(deps)).from, 'cache')
})
