/** Every check has its page, and the pages and commands are those of the code. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pageOf } from '#shared/checks.ts'
import { coreChecks } from '../core/core-checks.ts'
import { stalePages } from '../deploy/generate-docs.ts'
import { agentChecks } from '../edge-agent/agent-checks.ts'
import { hubChecks } from '../regional-hub/hub-checks.ts'

const root = join(import.meta.dirname, '..')
const lists = { agentChecks, hubChecks, coreChecks }

test('the agent has at least 25 checks; ids are one word each and unique; what a check needs stands before it', () => {
  assert.ok(agentChecks.length >= 25, String(agentChecks.length))
  for (const [name, checks] of Object.entries(lists)) {
    const seen = new Set<string>()
    for (const { id, after = [], about, remedy } of checks) {
      assert.match(id, /^[a-z]+(-[a-z]+)*$/)
      assert.ok(!seen.has(id), `${name}: ${id} twice`)
      for (const needed of after) assert.ok(seen.has(needed), `${name}: ${id} needs ${needed}, which does not stand before it`)
      assert.ok(about.length > 40 && remedy.length > 20, `${name}: ${id} does not say enough`)
      seen.add(id)
    }
  }
})

test('each check’s page exists, says what to do, and no page is left of a check that went', () => {
  const wanted = new Set(Object.values(lists).flatMap((checks) => checks.map(({ id }) => pageOf(id))))
  for (const page of wanted) {
    assert.ok(existsSync(join(root, page)), `${page} is missing; run: npm run docs`)
    assert.match(readFileSync(join(root, page), 'utf8'), /## What to do\n\n\S/)
  }
  assert.deepEqual(
    readdirSync(join(root, 'docs/doctor')).filter((name) => !wanted.has(`docs/doctor/${name}`)),
    [],
  )
})

test('links inside the pages lead somewhere', () => {
  for (const name of readdirSync(join(root, 'docs/doctor'))) {
    const text = readFileSync(join(root, 'docs/doctor', name), 'utf8')
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)/g))
      assert.ok(existsSync(join(root, 'docs/doctor', target!)), `${name}: ${target}`)
  }
})

test('the reference of commands is what the code says', async () => {
  assert.deepEqual(
    (await stalePages()).filter((page) => /commands|doctor/.test(page)),
    [],
    'run: npm run docs',
  )
})
