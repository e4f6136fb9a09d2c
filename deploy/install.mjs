/**
 * Brings `node_modules` in step with the lock file: `npm ci` when it is missing or older, one process at a time, with a line that says so.
 * Plain JavaScript for any Node from 18 on: it runs before the project's own Node is there. It never touches anything but `node_modules`
 * and its own lock file beside it.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from './lock-file.mjs'

const stampName = '.tributary-install.json'

/** Why `npm ci` has to run, as half a sentence; undefined when what is installed is what the lock file says. */
export function installReason(root) {
  const lock = join(root, 'package-lock.json')
  if (!existsSync(lock)) return undefined
  const installed = statSync(join(root, 'node_modules', '.package-lock.json'), { throwIfNoEntry: false })
  if (!installed) return 'nothing is installed yet'
  if (installed.mtimeMs < statSync(lock).mtimeMs) return 'package-lock.json is newer than what is installed'
  const stamp = readStamp(root)
  if (stamp !== undefined && stamp !== lockHash(root)) return 'package-lock.json has changed since the last install'
  return undefined
}

/** Installs if there is a reason to. Rejects with the reason and the fix when npm fails. */
export async function ensureInstalled(root, say) {
  if (installReason(root) === undefined) return linkCommands(root)
  await withLock(
    join(root, '.install.lock'),
    { waiting: (who) => say(`another start (${who}) is installing; waiting for it`) },
    async () => {
      const reason = installReason(root)
      if (reason === undefined) return
      const hash = lockHash(root)
      const startedMs = Date.now()
      say(`installing what the project needs: npm ci (${reason})`)
      const ticker = setInterval(() => say(`still installing, ${Math.round((Date.now() - startedMs) / 1000)} s`), 10_000)
      try {
        await npmCi(root)
      } finally {
        clearInterval(ticker)
      }
      writeStamp(root, hash)
      say(`installed in ${Math.max(1, Math.round((Date.now() - startedMs) / 1000))} s`)
    },
  )
  linkCommands(root)
}

function npmCi(root) {
  return new Promise((resolve, reject) => {
    // What the outer npm was told about its own output is not meant for this one.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_config_(json|dry_run|loglevel)$/i.test(name)))
    const npm = spawn('npm', ['ci', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    })
    let said = ''
    const keep = (chunk) => {
      if (said.length < 20_000) said += chunk
    }
    npm.stdout.on('data', keep)
    npm.stderr.on('data', keep)
    npm.on('error', (error) => reject(new Error(`npm could not be started (${error.message}). Install npm 9 or newer and start again.`)))
    npm.on('close', (code, signal) => {
      if (code === 0) return resolve()
      reject(new Error(`npm ci failed (${signal ?? `exit ${code}`}):\n${indent(reasonIn(said))}\n${fixFor(said)}`))
    })
  })
}

/** npm says what is wrong first, and then a page of its own usage. */
function reasonIn(output) {
  const lines = output.split('\n').map((line) => line.replace(/^npm (error|ERR!) ?/, '').trimEnd())
  const usage = lines.findIndex((line) => /^Clean install a project|^A complete log/.test(line))
  return (
    lines
      .slice(0, usage < 0 ? undefined : usage)
      .filter((line) => line !== '')
      .slice(0, 12)
      .join('\n') || 'npm said nothing'
  )
}

function fixFor(output) {
  if (/in sync|EUSAGE/.test(output))
    return 'Fix: package.json and package-lock.json disagree. Run `npm install` once, or take both files from the same commit.'
  if (/ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|network/i.test(output))
    return 'Fix: the package registry was not reached. Check the network (or `npm config get registry`, `npm config get proxy`) and start again.'
  if (/EACCES|EPERM/.test(output))
    return 'Fix: this folder (or the npm cache) is not writable for you. Give yourself the right to write there and start again.'
  if (/ENOSPC/.test(output)) return 'Fix: the disk is full. Free about 600 MB and start again.'
  return 'Fix: run `npm ci` by hand to see all npm has to say, then start again.'
}

const indent = (text) => text.replace(/^/gm, '  ')

const lockHash = (root) =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')

function readStamp(root) {
  try {
    return JSON.parse(readFileSync(join(root, 'node_modules', stampName), 'utf8')).lockSha256
  } catch {
    return undefined
  }
}

/** The stamp goes in last: an install that was cut off has none, and its hidden lock file is missing too. */
function writeStamp(root, lockSha256) {
  const lockTime = statSync(join(root, 'package-lock.json')).mtimeMs
  const hidden = join(root, 'node_modules', '.package-lock.json')
  // A lock file dated in the future (a clock that was set back) must not make every start install again.
  if (existsSync(hidden) && statSync(hidden).mtimeMs < lockTime) utimesSync(hidden, lockTime / 1000 + 1, lockTime / 1000 + 1)
  writeFileSync(join(root, 'node_modules', stampName), `${JSON.stringify({ lockSha256 })}\n`)
}

/** npm links the commands of dependencies into `.bin`, never those of the package itself; with these links `npx tributary-agent` works in the checkout. */
function linkCommands(root) {
  const bin = join(root, 'node_modules', '.bin')
  if (process.platform === 'win32' || !existsSync(join(root, 'node_modules'))) return
  const commands = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).bin ?? {}
  for (const [name, path] of Object.entries(commands)) {
    const link = join(bin, name)
    const target = join('..', '..', path)
    try {
      if (readlinkSync(link) === target) continue
    } catch {
      // Not there, or not a link: made below.
    }
    try {
      mkdirSync(bin, { recursive: true })
      rmSync(link, { force: true })
      symlinkSync(target, link)
    } catch {
      // A start beside this one made it first, or the folder is read-only: the commands still work by their paths.
    }
  }
}
