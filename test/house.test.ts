/**
 * The rules of the house that the linter cannot see (biome.json has those it can: imports across services, vendor clients, default exports,
 * process.env, lines a file). Each rule names the files that break it.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize, relative } from 'node:path'
import { test } from 'node:test'
import { stalePages } from '../deploy/generate-docs.ts'

const root = join(import.meta.dirname, '..')
const services = ['edge-agent', 'regional-hub', 'core', 'simulators']
const folders = [...services, 'shared', 'deploy', 'test']

interface SourceFile {
  readonly path: string
  readonly text: string
  readonly imports: readonly { readonly from: string; readonly typeOnly: boolean }[]
}

const sources = folders
  .flatMap((folder) => filesUnder(folder))
  .filter((path) => path.endsWith('.ts'))
  .map(readSource)
const code = sources.filter(({ path }) => !path.endsWith('.test.ts') && !path.startsWith('test/'))

test('services are flat, and no file or folder hides behind a name that says nothing', () => {
  const empty = /(^|\/)(src|lib|util|utils|helper|helpers|common|types|index|misc)(\/|\.[cm]?[jt]s$)/
  assert.deepEqual(
    folders.flatMap(filesUnder).filter((path) => empty.test(path)),
    [],
  )
  assert.deepEqual(
    sources.map(({ path }) => path).filter((path) => !/^[a-z0-9./-]+$/.test(path)),
    [],
  )
  const nested = code.filter(({ path }) => services.some((one) => path.startsWith(`${one}/`)) && path.split('/').length > 2)
  assert.deepEqual(
    nested.map(({ path }) => path).filter((path) => !/\/(adapters|console|page)\//.test(path)),
    [],
  )
})

test('no file of code has more than 300 lines', () => {
  assert.deepEqual(
    code.filter(({ text }) => text.split('\n').length > 301).map(({ path }) => path),
    [],
  )
})

test('stages never import adapters; only the files that wire do', () => {
  const wires = /^(main|pipeline|open-[a-z-]+|fleet|[a-z-]+-commands?|doctor|buffer|tap-files|try|check|init)\.ts$/
  const broken = code.filter(
    ({ path, imports }) =>
      services.some((one) => path.startsWith(`${one}/`)) &&
      !path.includes('/adapters/') &&
      !wires.test(basename(path)) &&
      imports.some(({ from, typeOnly }) => !typeOnly && /(^|\/)adapters\//.test(from)),
  )
  assert.deepEqual(
    broken.map(({ path }) => path),
    [],
  )
})

test('hono, pino, zod, yaml and citty are imported in their few named files', () => {
  const allowed: Readonly<Record<string, RegExp>> = {
    hono: /^(shared\/admin|core\/api[a-z-]*|regional-hub\/api[a-z-]*)\.ts$/,
    '@hono/': /^(shared\/admin|core\/api[a-z-]*|regional-hub\/api[a-z-]*)\.ts$/,
    pino: /^shared\/log\.ts$/,
    zod: /^([a-z-]+\/([a-z-]+-)?config|shared\/settings-reference|(core|regional-hub)\/api[a-z-]*|simulators\/scenario|deploy\/[a-z-]+)\.ts$/,
    yaml: /^(shared\/config|simulators\/scenario)\.ts$/,
    citty: /^([a-z-]+\/(main|[a-z-]+-commands?)|deploy\/command-pages)\.ts$/,
  }
  const broken = code.flatMap(({ path, imports }) =>
    imports
      .filter(({ from, typeOnly }) =>
        Object.entries(allowed).some(
          ([name, files]) => (from === name || from.startsWith(name.endsWith('/') ? name : `${name}/`)) && !typeOnly && !files.test(path),
        ),
      )
      .map(({ from }) => `${path}: ${from}`),
  )
  assert.deepEqual(broken, [])
})

test('no import cycles', () => {
  const known = new Map(sources.map((file) => [file.path, file]))
  const state = new Map<string, 'open' | 'done'>()
  const cycles: string[] = []
  const visit = (path: string, trail: readonly string[]) => {
    if (state.get(path) === 'done') return
    if (state.get(path) === 'open') {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
      return
    }
    state.set(path, 'open')
    for (const { from, typeOnly } of known.get(path)?.imports ?? []) {
      const target = resolveImport(path, from)
      if (!typeOnly && target !== undefined && known.has(target)) visit(target, [...trail, path])
    }
    state.set(path, 'done')
  }
  for (const { path } of sources) visit(path, [])
  assert.deepEqual(cycles, [])
})

test('nothing is switched off, left for later, or tied to one machine', () => {
  const words = [
    'biome-' + 'ignore',
    '@ts-' + 'ignore',
    '@ts-' + 'expect-error',
    'TO' + 'DO',
    'FIX' + 'ME',
    '/tmp/' + 'nats',
    '/work' + '/',
  ]
  const broken = sources.flatMap(({ path, text }) => words.filter((word) => text.includes(word)).map((word) => `${path}: ${word}`))
  assert.deepEqual(broken, [])
  const only = sources.filter(({ text }) => /\b(test|it|describe)\.(only|skip|todo)\(/.test(text))
  assert.deepEqual(
    only.map(({ path }) => path),
    [],
  )
})

test('each file of weight says at its top what it owns', () => {
  const silent = code.filter(({ text }) => text.split('\n').length > 80 && !/^(#!.*\n)?(import [^\n]*\n)*\s*\/\*\*/.test(text))
  assert.deepEqual(
    silent.map(({ path }) => path),
    [],
  )
})

test('what README and CI call exists, and CI runs what README says', () => {
  const pkg = JSON.parse(read('package.json')) as { scripts: Record<string, string>; bin: Record<string, string> }
  const ci = read('.ci/run')
  for (const file of Object.values(pkg.bin)) assert.ok(existsSync(join(root, file)), file)
  for (const script of Object.values(pkg.scripts)) assert.ok(existsSync(join(root, script.replace(/^exec /, '').split(' ')[1]!)), script)
  const readme = existsSync(join(root, 'README.md')) ? read('README.md') : ''
  const commands = [...readme.matchAll(/^```(?:sh|bash|console|shell)\n([\s\S]*?)^```/gm)].flatMap(([, block]) => block!.split('\n'))
  for (const text of [...commands, ...ci.split('\n')]) {
    for (const [, run, script] of text.matchAll(/\bnpm (run )?([a-z:-]+)/g)) {
      if (run === undefined && ['install', 'ci', 'config', 'pack', 'exec'].includes(script!)) continue
      assert.ok(pkg.scripts[script!], `npm ${run ?? ''}${script}: no such script (in: ${text.trim()})`)
    }
    for (const [, bin] of text.matchAll(/\bnpx (tributary-[a-z]+)/g)) assert.ok(pkg.bin[bin!], `npx ${bin}: no such command`)
  }
  assert.match(ci, /^\s*npm test$/m)
  if (readme !== '') assert.match(readme, /npm test/)
})

test('every link between our pages leads somewhere', () => {
  const pages = ['.', 'docs'].flatMap((folder) =>
    (existsSync(join(root, folder)) ? readdirSync(join(root, folder)) : []).map((name) => join(folder, name)),
  )
  const dead = pages
    .filter((path) => path.endsWith('.md'))
    .flatMap((path) =>
      [...read(path).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)]
        .map(([, target]) => normalize(join(dirname(path), target!)))
        .filter((target) => !existsSync(join(root, target)))
        .map((target) => `${path}: ${target}`),
    )
  assert.deepEqual(dead, [])
})

test('the generated reference is what the code says', async () => {
  assert.deepEqual(await stalePages(), [], 'run: npm run docs')
})

function filesUnder(folder: string): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !path.includes('node_modules'))
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

function readSource(path: string): SourceFile {
  const text = read(path)
  const statements = text.matchAll(/^\s*(?:import|export)\s+(type\s+)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]/gm)
  return { path, text, imports: [...statements].map(([, type, from]) => ({ from: from!, typeOnly: type !== undefined })) }
}

function resolveImport(path: string, from: string): string | undefined {
  if (from.startsWith('#shared/')) return from.slice(1)
  return from.startsWith('.') ? normalize(join(dirname(path), from)) : undefined
}
