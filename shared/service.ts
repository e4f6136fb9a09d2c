/**
 * The life of a process, and the only file that touches `process`: signals, exit codes, the launcher's pipe, the last words of a failure.
 *
 * Components start in the order given, downstream first, so that nobody hands anything to one that is not there yet; they stop in reverse,
 * so that nothing new enters while what is inside drains. SIGTERM, SIGINT and the end of the launcher's pipe stop in that order (exit 0);
 * a second signal ends at once. A component that fails later calls `die`: the same stop, exit 1. An uncaught error is logged and ends it.
 */
import { describeError, TributaryError } from './errors.ts'
import type { Logger } from './log.ts'
import type { Component } from './ports.ts'

export interface ServiceOptions {
  readonly name: string
  readonly log: Logger
  /**
   * Makes the components, downstream first. `die` ends the service with exit status 1 after an orderly stop; `finish` is for work that has
   * an end of its own: the same stop, exit status 0.
   */
  readonly build: (signal: AbortSignal, die: (error: unknown) => void, finish: (reason: string) => void) => Promise<readonly Component[]>
  readonly stopDeadlineMs?: number
  /** Called once everything runs. */
  readonly started?: () => void
}

/** Runs until told to stop, then exits the process. Never returns while the service lives. */
export async function runService({ name, log, build, stopDeadlineMs = 10_000, started }: ServiceOptions): Promise<void> {
  const abort = new AbortController()
  const word = waitForWord(name, log)
  setInterval(() => {}, 2 ** 30) // a service lives until it is told to stop, even when nothing in it waits for anything
  let components: readonly Component[] = []
  let failure: unknown
  try {
    const starting = build(abort.signal, word.die, word.finish).then((built) => {
      components = built
      return startAll(built, abort.signal)
    })
    const first = await Promise.race([starting.then(() => undefined), word.given])
    if (first === undefined) {
      log.info(`${name} is running`)
      started?.()
    } else {
      abort.abort(new Error('stopped while starting'))
      await within(stopDeadlineMs, starting, 'it did not give up starting').catch(() => {})
    }
    const { reason, error } = first ?? (await word.given)
    failure = error
    if (error === undefined) log.info({ reason }, `${name} is stopping`)
    else log.error({ err: error }, `${name} is stopping: ${describeError(error)}`)
  } catch (error) {
    log.error({ code: codeOf(error) }, `${name} could not start: ${describeError(error)}`)
    abort.abort(error)
    reportFailure(name, error)
    process.exit(1)
  }
  const problems = await stopAll(components, stopDeadlineMs)
  abort.abort(new Error('stopped'))
  for (const problem of problems) log.error(describeError(problem))
  log.info(`${name} has stopped`)
  process.exit(failure === undefined && problems.length === 0 ? 0 : 1)
}

/** Starts in order; when one cannot, those already started are stopped in reverse and its error is thrown. */
export async function startAll(components: readonly Component[], signal: AbortSignal): Promise<void> {
  const running: Component[] = []
  for (const component of components) {
    try {
      signal.throwIfAborted()
      running.push(component)
      await component.start(signal)
    } catch (error) {
      await stopAll(running, 2_000)
      throw error
    }
  }
}

/** Stops in reverse, sharing one deadline; one that fails or hangs does not keep the others. Returns what went wrong. */
export async function stopAll(components: readonly Component[], deadlineMs: number): Promise<readonly Error[]> {
  const endMs = performance.now() + deadlineMs
  const problems: Error[] = []
  for (const component of [...components].reverse()) {
    const leftMs = Math.max(50, endMs - performance.now())
    try {
      await within(leftMs + 250, component.stop(leftMs), `${component.name} did not stop within ${Math.round(leftMs)} ms`)
    } catch (cause) {
      problems.push(new Error(`${component.name} did not stop cleanly; what it still held may be sent twice`, { cause }))
    }
  }
  return problems
}

/** What the process was started with, for those who may not look at it themselves. */
export function environment(): Readonly<Record<string, string | undefined>> {
  return process.env
}

/**
 * Runs a command's body: `main.ts` files wrap themselves in it. An error becomes one clear line on stderr (with `--json` one JSON
 * object on stdout) and exit status 1.
 */
export async function runCommand(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    reportFailure(name, error)
    process.exitCode = 1
  }
}

function reportFailure(name: string, error: unknown): void {
  const message = describeError(error)
  if (process.argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify({ error: { code: codeOf(error), message } })}\n`)
  } else {
    process.stderr.write(`${name}: ${message}\n`)
  }
}

function codeOf(error: unknown): string {
  return error instanceof TributaryError ? error.code : 'unexpected'
}

interface Word {
  readonly reason: string
  readonly error?: unknown
}

/** Whoever speaks first decides why the service ends; after that, one more signal ends it at once. */
function waitForWord(name: string, log: Logger): { given: Promise<Word>; die: (error: unknown) => void; finish: (reason: string) => void } {
  const { promise: given, resolve } = Promise.withResolvers<Word>()
  let spoken = false
  const onSignal = (signal: NodeJS.Signals) => {
    if (spoken) {
      log.warn({ signal }, `${name} ends at once; what it still held may be sent twice`)
      process.exit(1)
    }
    spoken = true
    resolve({ reason: signal })
  }
  const die = (error: unknown) => {
    spoken = true
    resolve({ reason: 'failure', error: error ?? new Error('unknown failure') })
  }
  const finish = (reason: string) => {
    spoken = true
    resolve({ reason })
  }
  const ignore = () => {}
  const hasParent = process.env.TRIBUTARY_PARENT_PIPE === '1'
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', hasParent ? ignore : onSignal)
  process.on('SIGHUP', hasParent ? ignore : onSignal)
  if (hasParent) {
    const parentGone = () => resolve({ reason: 'the launcher has ended' })
    process.stdin.on('end', parentGone).on('close', parentGone).on('error', parentGone).resume()
  }
  const unexpected = (error: unknown) => {
    log.fatal({ err: error }, `${name} met an unexpected error and ends: ${describeError(error)}`)
    process.exit(1)
  }
  process.on('uncaughtException', unexpected)
  process.on('unhandledRejection', unexpected)
  return { given, die, finish }
}

async function within<T>(ms: number, work: Promise<T>, words: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(words)), ms)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
