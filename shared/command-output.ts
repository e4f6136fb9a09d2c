/**
 * How commands speak: data on standard output, progress and questions on standard error, colour only where a person reads it and did not
 * ask otherwise (`NO_COLOR`, `TERM=dumb`). And the exit statuses that all of them share.
 */

import { checksJson, reportLines, summaryLine } from './check-report.ts'
import type { CheckResult, RunOptions } from './checks.ts'
import { type Check, exitStatusOf, runChecks, worstOf } from './checks.ts'
import { environment } from './service.ts'

export const exitStatuses = [
  { status: 0, commands: 'all', meaning: 'done; for `doctor` and `buffer verify`: everything passed' },
  {
    status: 1,
    commands: 'all but doctor',
    meaning: 'it failed, and the last line on standard error (with `--json` the object on standard output) says why and what to do',
  },
  { status: 1, commands: 'doctor', meaning: 'the worst verdict is warn' },
  { status: 2, commands: 'doctor, buffer verify', meaning: 'the worst verdict is fail' },
  { status: 3, commands: 'doctor', meaning: 'the worst verdict is “cannot tell”; also when doctor itself could not run' },
] as const

export interface Screen {
  readonly colours: boolean
  readonly isTerminal: boolean
  data(text: string): void
  progress(text: string): void
}

export function screen(variables = environment()): Screen {
  const { stdout, stderr } = process
  stdout.on('error', () => undefined) // `doctor | head` closes the pipe
  const plain = Boolean(variables.NO_COLOR) || variables.TERM === 'dumb'
  return {
    colours: stdout.isTTY === true && !plain,
    isTerminal: stdout.isTTY === true,
    data: (text) => stdout.write(`${text}\n`),
    progress: (text) => {
      if (stderr.isTTY === true) stderr.write(plain ? `${text}\n` : `\r\u001b[K${text}`)
    },
  }
}

export interface DoctorOptions<C> {
  readonly service: string
  readonly checks: readonly Check<C>[]
  readonly context: C & { close(): Promise<void> }
  readonly json: boolean
  readonly fix: boolean
  readonly out: Screen
}

/** Runs the checks, tells them, and returns the exit status. */
export async function runDoctor<C>({
  service,
  checks,
  context,
  json,
  fix,
  out,
}: DoctorOptions<C>): Promise<{ exit: number; results: readonly CheckResult[] }> {
  const startedMs = performance.now()
  const options: RunOptions = { mend: fix, onResult: (_, done, of) => out.progress(done === of ? '' : `looking … ${done} of ${of}`) }
  const results = await runChecks(checks, context, options)
  await context.close()
  const tookMs = performance.now() - startedMs
  if (json) out.data(JSON.stringify(checksJson(service, results, tookMs)))
  else {
    for (const line of reportLines(results, out.colours)) out.data(line)
    out.data(summaryLine(results, tookMs))
  }
  return { exit: exitStatusOf[worstOf(results)], results }
}
