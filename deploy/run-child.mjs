/** Runs a program in place of this one: same terminal, signals passed on, and its end is this process's end. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureInstalled } from './install.mjs'
import { projectNode } from './project-node.mjs'

/** Terminals, npm and we may all tell a child of one and the same Ctrl-C; services take a second word as `at once`. */
const sameWordMs = 1000
const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']

/**
 * Starts `command` and resolves with how it ended. `pipe`: the child gets a pipe as fd 3 that closes when this process dies, however it dies.
 */
export function runChild(command, args, { cwd, env = process.env, pipe = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: pipe ? ['inherit', 'inherit', 'inherit', 'pipe'] : 'inherit' })
    let last = { signal: '', atMs: 0 }
    const pass = (signal) => {
      if (signal === 'SIGINT' && process.stdin.isTTY && !pipe) return
      if (signal === last.signal && Date.now() - last.atMs < sameWordMs) return
      last = { signal, atMs: Date.now() }
      child.kill(signal)
    }
    for (const signal of passedOn) process.on(signal, pass)
    const settle = () => {
      for (const signal of passedOn) process.off(signal, pass)
    }
    child.on('error', (error) => {
      settle()
      reject(error)
    })
    child.on('exit', (code, signal) => {
      settle()
      resolve({ code, signal })
    })
  })
}

/** Ends this process as the child ended: with its status, or by its signal. */
export function endLike({ code, signal }) {
  if (signal) {
    process.kill(process.pid, signal)
    setTimeout(() => process.exit(1), 1000)
    return
  }
  process.exitCode = code ?? 1
}

/** What each command in `bin/` does: the service's main.ts on the project's Node, with this command's arguments. */
export async function runService(main) {
  const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '')
  const say = (line) => process.stderr.write(`tributary: ${line}\n`)
  try {
    // A checkout that was never started; whoever installed this as a package has its dependencies already.
    if (!existsSync(join(root, 'node_modules'))) await ensureInstalled(root, say)
    endLike(await runChild(projectNode(root), [join(root, main), ...process.argv.slice(2)]))
  } catch (error) {
    say(error.message)
    process.exitCode = 1
  }
}
