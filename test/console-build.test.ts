/** What the console weighs, and that the hub serves it as promised: no build needed twice, nothing inline, packed, names that never change. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { buildConsole, builtDir } from '../deploy/build-console.ts'

const mostFirstLoadBytes = 100_000

test('the first load of the console is at most 100 kB gzipped, land outline included', async () => {
  const { files } = await buildConsole()
  const first = files.filter(({ isFirstLoad }) => isFirstLoad)
  const bytes = first.reduce((sum, { gzipBytes }) => sum + gzipBytes, 0)
  assert.ok(bytes <= mostFirstLoadBytes, `${bytes} B: ${first.map(({ name, gzipBytes }) => `${name} ${gzipBytes}`).join(', ')}`)
  for (const kind of ['.js', '.css', '.bin', '.html'])
    assert.ok(
      first.some(({ name }) => name.endsWith(kind)),
      `no ${kind} in the first load`,
    )
})

test('what was built from the same inputs is not built again', async () => {
  await buildConsole()
  assert.equal((await buildConsole()).isNew, false)
})

test('the page has no inline script or style, asks for nothing elsewhere, and names only files that were built', async () => {
  const { files } = await buildConsole()
  const page = readFileSync(join(builtDir, 'page.html'), 'utf8')
  assert.doesNotMatch(page, /<script(?![^>]*\bsrc=)/)
  assert.doesNotMatch(page, /<style|\sstyle=|\son[a-z]+=/)
  assert.doesNotMatch(page, /(?:src|href)="(?:https?:)?\/\//)
  const named = [...page.matchAll(/\/assets\/([^"]+)/g)].map(([, name]) => name!)
  assert.ok(named.length >= 3)
  assert.deepEqual(
    named.filter((name) => !files.some((file) => file.name === name)),
    [],
  )
})
