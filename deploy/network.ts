/**
 * The running network: starts its processes kind by kind (what stands downstream first), keeps them, stops them in the reverse order.
 * Whoever wants to know of a new pid is told, and programs that do not watch our pipe are named to the guard.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Kind, kinds, type PlannedProcess } from './network-plan.ts'
import { SupervisedChild, type SupervisorDeps } from './supervise.ts'

const readyWithinMs = 120_000
const stopWithinMs = 15_000

export interface NetworkDeps {
  readonly planned: readonly PlannedProcess[]
  readonly node: string
  readonly say: SupervisorDeps['say']
  readonly onPids: (pids: ReadonlyMap<string, number>) => void
  readonly restartAfterMs?: number
}

export class Network {
  readonly pids = new Map<string, number>()
  readonly #children: { readonly process: PlannedProcess; readonly child: SupervisedChild }[]
  readonly #deps: NetworkDeps
  #guard: ChildProcess | undefined
  #stopping = false

  constructor(deps: NetworkDeps) {
    this.#deps = deps
    this.#children = deps.planned.map((process) => ({
      process,
      child: new SupervisedChild(process.spec, {
        say: deps.say,
        onPid: (pid, before) => this.#onPid(process, pid, before),
        restartAfterMs: deps.restartAfterMs,
      }),
    }))
  }

  /** Starts all processes of one kind side by side and resolves when they answer. */
  async start(kind: Kind, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (!this.#guard) this.#startGuard()
    const started = this.#children.filter(({ process }) => process.kind === kind)
    for (const { child } of started) child.start()
    await Promise.all(started.map(({ child }) => child.whenReady(signal, readyWithinMs)))
  }

  /** Kind by kind, upstream first; tells each kind before it waits for it. Safe twice and half started. */
  async stop(tell: (kind: Kind) => void): Promise<void> {
    this.#stopping = true
    for (const kind of kinds.toReversed()) {
      const running = this.#children.filter(({ process }) => process.kind === kind)
      if (running.some(({ child }) => child.pid !== undefined)) tell(kind)
      await Promise.all(running.map(({ child }) => child.stop(stopWithinMs)))
    }
    this.#guard?.stdin?.end()
  }

  #onPid(process: PlannedProcess, pid: number | undefined, before: number | undefined): void {
    // Between a death and the next start the old pid stays: whoever reads always finds a number, and a new one only with a new process.
    if (pid !== undefined) this.pids.set(process.id, pid)
    if (process.needsGuard) {
      if (before !== undefined) this.#tellGuard(`- ${before}`)
      if (pid !== undefined) this.#tellGuard(`+ ${pid}`)
    }
    if (!this.#stopping && pid !== undefined) this.#deps.onPids(this.pids)
  }

  #startGuard(): void {
    const guard = spawn(this.#deps.node, [fileURLToPath(new URL('./guard.ts', import.meta.url))], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    guard.stdin.on('error', () => undefined)
    guard.on('error', () => undefined)
    guard.on('exit', () => {
      if (!this.#stopping) setTimeout(() => !this.#stopping && this.#startGuard(), 1000)
    })
    this.#guard = guard
    for (const { process, child } of this.#children) if (process.needsGuard && child.pid !== undefined) this.#tellGuard(`+ ${child.pid}`)
  }

  #tellGuard(line: string): void {
    this.#guard?.stdin?.write(`${line}\n`)
  }
}
