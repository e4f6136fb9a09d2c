/**
 * One child process, kept alive: started with a pipe that closes when this process dies, started again a second after it died (later and
 * later when it keeps dying by itself), stopped on our word only. Its pid is the program's own: it may be killed at any moment.
 * It never replaces a port or a file of the child: what it was started with is what it is started with again.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { boundLog, lastWords, openLog, sizeOf } from './child-log.ts'

export interface ChildSpec {
  /** As a person would say it: `hub north`. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly logFile: string
  /** Resolves true once it answers. */
  readonly isReady: () => Promise<boolean>
  /** True for a program that may end by itself when its work is done (status 0). */
  readonly mayFinish?: boolean
}

export interface SupervisorDeps {
  readonly say: (line: string, tone: 'note' | 'good' | 'bad') => void
  /** Called with every new pid, before anything else is said about it, and with undefined when it is gone. */
  readonly onPid: (pid: number | undefined, before: number | undefined) => void
  readonly restartAfterMs?: number
}

const quickMs = 10_000
const longestPauseMs = 30_000
const boundLogEveryMs = 10_000
const pollMs = 100

export class SupervisedChild {
  readonly spec: ChildSpec
  readonly #deps: SupervisorDeps
  #child: ChildProcess | undefined
  #ended: Promise<void> = Promise.resolve()
  #stopping = false
  /** Deaths in a row, each soon after its start and by its own doing. */
  #quickDeaths = 0
  #restart: NodeJS.Timeout | undefined
  #boundLog: NodeJS.Timeout | undefined

  constructor(spec: ChildSpec, deps: SupervisorDeps) {
    this.spec = spec
    this.#deps = deps
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  start(): void {
    this.#boundLog ??= setInterval(() => boundLog(this.spec.logFile), boundLogEveryMs)
    this.#spawn()
  }

  /** Resolves once the child answers; rejects when it has died three times in a row, when the time is over, or when the signal aborts. */
  async whenReady(signal: AbortSignal, withinMs: number): Promise<void> {
    const endMs = Date.now() + withinMs
    for (;;) {
      signal.throwIfAborted()
      if (this.#stopping) throw new Error(`${this.spec.name} was stopped`)
      if (this.pid !== undefined && (await this.spec.isReady().catch(() => false))) return
      if (this.#quickDeaths >= 3) throw new Error(`${this.spec.name} does not stay up; its log is ${this.spec.logFile}`)
      if (Date.now() > endMs)
        throw new Error(`${this.spec.name} did not get ready within ${withinMs / 1000} s; its log is ${this.spec.logFile}`)
      await pause(pollMs)
    }
  }

  /** Asks it to stop and waits; past the deadline it is killed. Safe twice and unstarted. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#restart)
    clearInterval(this.#boundLog)
    const child = this.#child
    if (!child) return
    child.kill('SIGTERM')
    const kill = setTimeout(() => {
      this.#deps.say(`${this.spec.name} did not stop within ${deadlineMs / 1000} s and was killed`, 'bad')
      child.kill('SIGKILL')
    }, deadlineMs)
    await this.#ended
    clearTimeout(kill)
  }

  #spawn(): void {
    const { command, args, env, logFile } = this.spec
    const startedMs = Date.now()
    const logStart = sizeOf(logFile)
    const log = openLog(logFile)
    // A process group of its own: the terminal's Ctrl-C reaches the launcher only.
    const child = spawn(command, args, { env, detached: true, stdio: ['pipe', log, log] })
    closeSync(log)
    child.stdin?.on('error', () => undefined)
    this.#child = child
    this.#deps.onPid(child.pid, undefined)
    this.#ended = new Promise((resolve) => {
      const end = (how: End) => {
        if (this.#child !== child) return
        this.#child = undefined
        this.#deps.onPid(undefined, child.pid)
        resolve()
        if (!this.#stopping) this.#died(how, Date.now() - startedMs, logStart)
      }
      child.once('exit', (code, signal) => end({ code, signal }))
      child.once('error', (error) => end({ code: null, signal: null, error }))
    })
  }

  #died(how: End, livedMs: number, logStart: number): void {
    if (how.code === 0 && this.spec.mayFinish) {
      this.#deps.say(`${this.spec.name} has finished`, 'note')
      return
    }
    const byItself = how.signal === null
    this.#quickDeaths = byItself && livedMs < quickMs ? this.#quickDeaths + 1 : 0
    const waitMs = Math.min(longestPauseMs, (this.#deps.restartAfterMs ?? 1000) * 2 ** Math.max(0, this.#quickDeaths - 1))
    const words = byItself ? lastWords(this.spec.logFile, logStart) : undefined
    const again = this.#quickDeaths > 1 ? `, ${this.#quickDeaths} times in a row` : ''
    this.#deps.say(
      `${this.spec.name} ${endSentence(how)} after ${(livedMs / 1000).toFixed(1)} s${again}${words ? `: ${words}` : ''}; starting it again in ${waitMs / 1000} s` +
        (this.#quickDeaths > 1 ? ` (log: ${this.spec.logFile})` : ''),
      'bad',
    )
    this.#restart = setTimeout(() => this.#again(), waitMs)
  }

  #again(): void {
    this.#spawn()
    const pid = this.pid
    // Other deaths meanwhile are told by their own lines.
    this.whenReady(AbortSignal.timeout(120_000), 120_000).then(
      () => this.pid === pid && this.#deps.say(`${this.spec.name} is back (pid ${pid})`, 'good'),
      () => undefined,
    )
  }
}

interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly error?: Error
}

function endSentence({ code, signal, error }: End): string {
  if (error) return `could not be started (${error.message})`
  return signal ? `was ended by ${signal}` : `ended with status ${code}`
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
