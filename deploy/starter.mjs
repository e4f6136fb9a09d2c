#!/usr/bin/env node
/**
 * The first thing that runs on a fresh clone, on any Node from 18 on: installs what is missing, then hands over to the project's own Node 24.
 *
 *   node deploy/starter.mjs start|test|check|bench|docs [arguments]
 */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureInstalled } from './install.mjs'
import { projectNode } from './project-node.mjs'
import { endLike, runChild } from './run-child.mjs'

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '')
const testFolders = ['shared', 'edge-agent', 'regional-hub', 'core', 'simulators', 'deploy', 'test']
const say = (line) => process.stderr.write(`tributary: ${line}\n`)

const commands = { start, test, check, bench, docs }
const [name = '', ...args] = process.argv.slice(2)
const command = commands[name]
if (!command) {
  say(`usage: node deploy/starter.mjs ${Object.keys(commands).join('|')} [arguments]`)
  process.exitCode = 2
} else {
  try {
    await ensureInstalled(root, say)
    endLike(await command(projectNode(root), args))
  } catch (error) {
    say(error.message)
    process.exitCode = 1
  }
}

async function start(node, rest) {
  stopWithNpm()
  await buildConsole(node)
  return runChild(node, ['deploy/launch.ts', ...rest], {
    cwd: root,
    env: { INIT_CWD: process.cwd(), ...process.env, TRIBUTARY_STARTER_PIPE: '1' },
    pipe: true,
  })
}

/** npm that is killed takes nothing with it: without this the network would run on with nobody to stop it. */
function stopWithNpm() {
  if (!process.env.npm_lifecycle_event) return
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 500)
  watch.unref()
}

/** Only when stale. The network runs without it too: the hub's page then says how to make it. */
async function buildConsole(node) {
  if (!existsSync(join(root, 'deploy', 'build-console.ts'))) return
  const end = await runChild(node, ['deploy/build-console.ts'], { cwd: root })
  if (end.code !== 0) say('the console could not be built; everything else starts')
}

function bench(node, rest) {
  return withServer(node, (env) => runChild(node, ['test/bench/main.ts', ...rest], { cwd: root, env }))
}

function docs(node, rest) {
  return runChild(node, ['deploy/generate-docs.ts', ...rest], { cwd: root })
}

/** Arguments that are no flags name the test files to run; without any, all but the slow ones run. `--slow` adds those. */
async function test(node, rest) {
  const named = rest.filter((argument) => !argument.startsWith('-'))
  const flags = rest.filter((argument) => argument.startsWith('-') && argument !== '--slow')
  const all = testFolders.flatMap((folder) => testFiles(join(root, folder)))
  const slow = all.filter((file) => file.endsWith('.slow.test.ts'))
  const files = named.length > 0 ? named : rest.includes('--slow') ? all : all.filter((file) => !slow.includes(file))
  const leftOut = all.filter((file) => named.length === 0 && !files.includes(file))
  await buildConsole(node)
  return withServer(node, async (env) => {
    say(`${files.length} test files, on Node ${await versionOf(node)}`)
    const end = await runChild(node, ['--test', '--test-concurrency=2', '--test-reporter=spec', ...flags, ...files], { cwd: root, env })
    if (leftOut.length > 0)
      say(
        `left out: ${leftOut.length} slow test files (${leftOut.join(', ')}). To run them too: npm test -- --slow; one of them: npm test -- FILE`,
      )
    return end
  })
}

async function check(node, rest) {
  const steps = [
    ['types', () => runChild(node, ['node_modules/typescript/bin/tsc', '-p', '.'], { cwd: root })],
    ['types of the console', () => runChild(node, ['node_modules/typescript/bin/tsc', '-p', 'regional-hub/console'], { cwd: root })],
    ['lint and format', () => runChild(node, ['node_modules/@biomejs/biome/bin/biome', 'check', '.'], { cwd: root })],
    ['generated docs', () => docs(node, ['--check'])],
    ['tests', () => test(node, rest)],
  ]
  const failed = []
  for (const [what, run] of steps) {
    say(`check: ${what}`)
    const end = await run()
    if (end.signal) return end
    if (end.code !== 0) failed.push(what)
  }
  say(failed.length === 0 ? 'check: all is well' : `check: failed: ${failed.join(', ')}`)
  return { code: failed.length === 0 ? 0 : 1 }
}

/** Runs `work` with TRIBUTARY_NATS_SERVER set to a nats-server that was found or fetched. */
async function withServer(node, work) {
  const path = await outputOf(node, ['deploy/find-nats-server.ts'])
  if (path === undefined) return { code: 1 }
  return work({ ...process.env, TRIBUTARY_NATS_SERVER: path })
}

function versionOf(node) {
  return outputOf(node, ['-p', 'process.versions.node'])
}

/** What a program prints on stdout; undefined when it fails (it has said why on stderr). */
function outputOf(program, programArgs) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, programArgs, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    child.on('error', reject)
    child.on('close', (code) => resolve(code === 0 ? text.trim() : undefined))
  })
}

function testFiles(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : testFiles(path)
      return entry.name.endsWith('.test.ts') ? [relative(root, path).split(sep).join('/')] : []
    })
    .sort()
}
