/**
 * Builds the regional console: one page, its script in chunks, one style sheet and the land outline, each gzipped beforehand and named after its
 * contents. Promises: nothing is written when what is there was built from the same inputs; the new folder takes the old one's place in one step.
 *
 *   node deploy/build-console.ts [--force]
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { landOutline } from './land-outline.ts'

export const root = join(import.meta.dirname, '..')
export const builtDir = join(root, 'regional-hub', 'console-built')
const sourceDir = join(root, 'regional-hub', 'console')

export interface BuiltFile {
  readonly name: string
  readonly type: string
  readonly bytes: number
  readonly gzipBytes: number
  /** Fetched before the map shows; the rest comes when a view needs it. */
  readonly isFirstLoad: boolean
}

export interface BuiltConsole {
  readonly inputs: string
  readonly files: readonly BuiltFile[]
}

/** Builds when stale; answers what there is. */
export async function buildConsole(isForced = false): Promise<BuiltConsole & { readonly isNew: boolean }> {
  const inputs = hashInputs()
  const before = readBuilt()
  if (!isForced && before?.inputs === inputs) return { ...before, isNew: false }
  const outDir = mkdtempSync(`${builtDir}-`)
  try {
    const files = await bundle(outDir)
    writeFileSync(join(outDir, 'built.json'), JSON.stringify({ inputs, files }, null, 1))
    replace(outDir)
    return { inputs, files, isNew: true }
  } catch (error) {
    rmSync(outDir, { recursive: true, force: true })
    throw error
  }
}

function readBuilt(): BuiltConsole | undefined {
  const path = join(builtDir, 'built.json')
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as BuiltConsole) : undefined
}

/** Two builds at once make the same folder: whichever comes second may lose the race and leave the first one's. */
function replace(outDir: string): void {
  const old = `${outDir}-old`
  if (existsSync(builtDir)) renameSync(builtDir, old)
  try {
    renameSync(outDir, builtDir)
  } catch {
    rmSync(outDir, { recursive: true, force: true })
  }
  rmSync(old, { recursive: true, force: true })
}

function hashInputs(): string {
  const hash = createHash('sha256')
  const ours = readdirSync(sourceDir).map((name) => join(sourceDir, name))
  const shared = ['regional-hub/reduce-live.ts', 'deploy/build-console.ts', 'deploy/land-outline.ts', 'package.json'].map((path) =>
    join(root, path),
  )
  for (const path of [...ours, ...shared].sort()) hash.update(basename(path)).update(readFileSync(path))
  return hash.digest('hex')
}

async function bundle(outDir: string): Promise<BuiltFile[]> {
  const result = await build({
    entryPoints: { console: join(sourceDir, 'boot.tsx') },
    outdir: join(outDir, 'assets'),
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    metafile: true,
    tsconfigRaw: '{}',
    logLevel: 'silent',
  })
  const style = await build({ entryPoints: [join(sourceDir, 'console.css')], bundle: true, minify: true, write: false, logLevel: 'silent' })
  const styleName = write(outDir, 'console', '.css', style.outputFiles[0]!.contents)
  const landName = write(outDir, 'land', '.bin', landOutline())
  const outputs = Object.entries(result.metafile.outputs)
  const [entryPath, entry] = outputs.find(([, { entryPoint }]) => entryPoint !== undefined)!
  const first = new Set(
    [entryPath, ...entry.imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => path)].map((path) => basename(path)),
  )
  const page = readFileSync(join(sourceDir, 'page.html'), 'utf8')
    .replaceAll('%script%', `/assets/${basename(entryPath)}`)
    .replaceAll('%style%', `/assets/${styleName}`)
    .replaceAll('%land%', `/assets/${landName}`)
  writeFileSync(join(outDir, 'page.html'), page)
  const names = readdirSync(join(outDir, 'assets')).filter((name) => !name.endsWith('.gz'))
  const assets = names.map((name) =>
    describe(join(outDir, 'assets', name), name, first.has(name) || name === styleName || name === landName),
  )
  return [...assets, describe(join(outDir, 'page.html'), 'page.html', true)]
}

function write(outDir: string, name: string, extension: string, contents: Uint8Array): string {
  const hash = createHash('sha256').update(contents).digest('hex').slice(0, 8).toUpperCase()
  mkdirSync(join(outDir, 'assets'), { recursive: true })
  writeFileSync(join(outDir, 'assets', `${name}-${hash}${extension}`), contents)
  return `${name}-${hash}${extension}`
}

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.bin': 'application/octet-stream',
  '.html': 'text/html; charset=utf-8',
}

function describe(path: string, name: string, isFirstLoad: boolean): BuiltFile {
  const contents = readFileSync(path)
  const packed = gzipSync(contents, { level: 9 })
  writeFileSync(`${path}.gz`, packed)
  return { name, type: types[extname(name)] ?? 'application/octet-stream', bytes: contents.length, gzipBytes: packed.length, isFirstLoad }
}

if (import.meta.main) {
  const { files, isNew } = await buildConsole(process.argv.includes('--force'))
  const first = files.filter(({ isFirstLoad }) => isFirstLoad).reduce((sum, { gzipBytes }) => sum + gzipBytes, 0)
  if (isNew) process.stderr.write(`tributary: console built: ${(first / 1000).toFixed(1)} kB gzipped on first load\n`)
}
