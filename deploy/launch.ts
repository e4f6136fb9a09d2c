/**
 * `npm start`: a whole network on this machine. Finds or fetches nats-server, plans ports and files, starts everything downstream first, says
 * where it is, and then only what is notable. Ctrl-C, SIGTERM, or the end of whoever started it stops everything in order.
 */
import { existsSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { launchNetwork } from './launch-network.ts'
import { parseLaunchOptions, usage } from './launch-options.ts'
import { terminal } from './terminal.ts'

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '')
const out = terminal(process.stdout, process.env)
const options = parseLaunchOptions(process.argv.slice(2), process.env.INIT_CWD ?? process.cwd(), root)

if (options === 'help') out.plain(usage)
else if ('problems' in options) {
  for (const problem of options.problems) out.bad(problem)
  out.plain('npm start -- --help shows all options')
  process.exitCode = 2
} else if (options.cellsFile && !existsSync(options.cellsFile)) {
  out.bad(`--cells: there is no file ${options.cellsFile}`)
  process.exitCode = 2
} else {
  const stop = stopOnSignals()
  if (options.readyFile) rmSync(options.readyFile, { force: true })
  process.exitCode = await launchNetwork({ options, root, node: process.execPath, env: process.env, out, stop })
  // Nothing is left to wait for; a socket that lingers must not keep the terminal.
  process.exit()
}

/** The signal aborts when the person, the system, or the end of the starter says stop. A second Ctrl-C while stopping changes nothing. */
function stopOnSignals(): AbortSignal {
  const abort = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => abort.abort(signal))
  if (process.env.TRIBUTARY_STARTER_PIPE === '1') {
    const starter = new Socket({ fd: 3, readable: true, writable: false })
    starter.on('error', () => abort.abort('the starter ended'))
    starter.on('close', () => abort.abort('the starter ended'))
    starter.resume()
  }
  return abort.signal
}
