import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const unit = readFileSync(new URL('./systemd/tributary-agent.service', import.meta.url), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'tributary-unit-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** A ratchet: what the unit reaches today; it may only become less. */
const mostExposure = 12

test('the unit never forbids what V8 needs, and comes back however long the trouble lasts', () => {
  assert.doesNotMatch(unit, /^MemoryDenyWriteExecute/m)
  assert.match(unit, /^Restart=always$/m)
  assert.match(unit, /^StartLimitIntervalSec=0$/m)
})

const analyze = spawnSync('systemd-analyze', ['--version']).status === 0

test('systemd takes the unit and finds it well hardened', { skip: analyze ? false : 'there is no systemd-analyze on this machine' }, () => {
  const file = join(folder, 'tributary-agent.service')
  // systemd looks for the program: here it stands elsewhere than on a site.
  writeFileSync(file, unit.replace('/opt/tributary/node_modules/.bin/node', process.execPath))
  const run = (...args: string[]) => execFileSync('systemd-analyze', args, { encoding: 'utf8', stdio: 'pipe' })
  assert.equal(run('verify', file), '')
  assert.match(run('security', '--offline=true', `--threshold=${mostExposure}`, '--no-pager', file), /Overall exposure level/)
})
