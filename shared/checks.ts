/**
 * The one implementation of checks: what `doctor` runs for the agent, the hub and the core, and what their `/health` repeats in the background.
 *
 * A check looks at one thing, changes nothing, and answers with a verdict, what it measured, and what to do. "Cannot tell" (`unknown`) is an
 * answer: offline, without rights or without a running service nothing is called broken that was merely not seen. Checks that need others
 * (`after`) wait for them and are not looked at when one of those did not pass far enough. Each has a deadline, all together have one too.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { HealthCheck } from './admin.ts'
import { describeError } from './errors.ts'

export type CheckVerdict = 'pass' | 'warn' | 'fail' | 'unknown'

/** What was found. `value` is the measured thing itself, `words` say what it means, `fix` what to do (absent when nothing is to be done). */
export interface Finding {
  readonly verdict: CheckVerdict
  readonly value: string | number | boolean | null
  readonly words: string
  readonly fix?: string
  /** It could not be looked at, because of what this other check found. */
  readonly because?: string
}

export interface Check<C> {
  /** Kebab-case; the name of its page, docs/doctor/<id>.md. The same id means the same thing in every service. */
  readonly id: string
  readonly title: string
  /** What is looked at and why it matters: the first paragraph of its page. */
  readonly about: string
  /** What to do when it does not pass: the second. */
  readonly remedy: string
  /** Not looked at unless these passed or warned. */
  readonly after?: readonly string[]
  /** Begins when these have ended, whatever they found: one measurement must not disturb another. */
  readonly waitsFor?: readonly string[]
  readonly deadlineMs?: number
  /** Costs next to nothing: `/health` of the running service repeats it. */
  readonly cheap?: boolean
  run(context: C, signal: AbortSignal): Finding | Promise<Finding>
  /** Mends what can be mended without risk; returns what was done. Only `--fix` calls it, only when the check did not pass. */
  mend?(context: C): string | Promise<string>
}

export interface CheckResult extends Finding {
  readonly id: string
  readonly title: string
  readonly page: string
  readonly tookMs: number
  /** What `--fix` did before the verdict was taken again. */
  readonly mended?: string
}

export interface RunOptions {
  readonly signal?: AbortSignal
  /** All checks together. */
  readonly deadlineMs?: number
  readonly mend?: boolean
  /** Told as each ends, in the order in which they end. */
  readonly onResult?: (result: CheckResult, done: number, of: number) => void
}

const standardDeadlineMs = 3_000
const allDeadlineMs = 9_000

export const pageOf = (id: string) => `docs/doctor/${id}.md`

export const pass = (value: Finding['value'], words: string): Finding => ({ verdict: 'pass', value, words })
export const warn = (value: Finding['value'], words: string, fix: string): Finding => ({ verdict: 'warn', value, words, fix })
export const bad = (value: Finding['value'], words: string, fix: string): Finding => ({ verdict: 'fail', value, words, fix })
export const cannotTell = (words: string, fix?: string): Finding => ({
  verdict: 'unknown',
  value: null,
  words,
  ...(fix === undefined ? {} : { fix }),
})

/** For what can only be seen in a running service. */
export const notRunning: Finding = { ...cannotTell('the service does not run'), because: 'running' }

/** Results in the order of `checks`, whatever order they end in. Never throws. */
export async function runChecks<C>(checks: readonly Check<C>[], context: C, options: RunOptions = {}): Promise<readonly CheckResult[]> {
  const { signal, deadlineMs = allDeadlineMs, mend = false, onResult } = options
  const all = AbortSignal.any([AbortSignal.timeout(deadlineMs), ...(signal === undefined ? [] : [signal])])
  const running = new Map<string, Promise<CheckResult>>()
  let done = 0
  for (const check of checks) {
    const before = (check.after ?? []).flatMap((id) => running.get(id) ?? [])
    const disturbing = (check.waitsFor ?? []).flatMap((id) => running.get(id) ?? [])
    const result = Promise.all([Promise.all(before), Promise.all(disturbing)]).then(async ([needed]) => {
      const missing = needed.find(({ verdict }) => verdict === 'fail' || verdict === 'unknown')
      const one = missing === undefined ? await runOne(check, context, all, mend) : notLookedAt(check, missing)
      done++
      onResult?.(one, done, checks.length)
      return one
    })
    running.set(check.id, result)
  }
  return Promise.all(running.values())
}

async function runOne<C>(check: Check<C>, context: C, all: AbortSignal, mend: boolean): Promise<CheckResult> {
  const startedMs = performance.now()
  let finding = await look(check, context, all)
  let mended: string | undefined
  if (mend && check.mend !== undefined && (finding.verdict === 'fail' || finding.verdict === 'warn')) {
    try {
      mended = await check.mend(context)
      finding = await look(check, context, all)
    } catch (error) {
      mended = `could not be mended: ${describeError(error)}`
    }
  }
  const tookMs = Math.round(performance.now() - startedMs)
  return { id: check.id, title: check.title, ...finding, page: pageOf(check.id), tookMs, ...(mended === undefined ? {} : { mended }) }
}

async function look<C>(check: Check<C>, context: C, all: AbortSignal): Promise<Finding> {
  const deadlineMs = check.deadlineMs ?? standardDeadlineMs
  const ended = new AbortController()
  const signal = AbortSignal.any([all, AbortSignal.timeout(deadlineMs)])
  const late = sleep(deadlineMs + 100, undefined, { signal: AbortSignal.any([all, ended.signal]) }).then(
    () => cannotTell(`no answer within ${deadlineMs / 1000} s`, check.remedy),
    () => cannotTell('there was no time left to look at it', check.remedy),
  )
  try {
    const work = (async () => check.run(context, signal))()
    return await Promise.race([work, late])
  } catch (error) {
    return cannotTell(
      signal.aborted ? `no answer within ${deadlineMs / 1000} s` : `could not be looked at: ${describeError(error)}`,
      check.remedy,
    )
  } finally {
    ended.abort()
  }
}

function notLookedAt<C>({ id, title }: Check<C>, needed: CheckResult): CheckResult {
  const because = needed.because ?? needed.id
  return { id, title, ...cannotTell(`not looked at, because of ${because}`), page: pageOf(id), tookMs: 0, because }
}

/**
 * As monitoring systems know them from their plugins: 0 pass, 1 warn, 2 fail, 3 cannot tell. The worst counts: fail before warn before
 * unknown before pass.
 */
export const exitStatusOf = { pass: 0, warn: 1, fail: 2, unknown: 3 } as const satisfies Record<CheckVerdict, number>

export function worstOf(results: readonly Pick<CheckResult, 'verdict'>[]): CheckVerdict {
  const worstFirst = ['fail', 'warn', 'unknown'] as const
  return worstFirst.find((verdict) => results.some((one) => one.verdict === verdict)) ?? 'pass'
}

/** As `/health` says it. A host that is not as it should be makes a service degraded, never failed: it still does its work. */
export function asHealth(results: readonly CheckResult[]): HealthCheck[] {
  return results.map(({ id, verdict, value, words }) => ({
    id: `host.${id}`,
    verdict: verdict === 'fail' ? 'degraded' : 'ok',
    value,
    words: verdict === 'warn' ? `warning: ${words}` : verdict === 'unknown' ? `cannot tell: ${words}` : words,
  }))
}
