/** How the results of checks are told: lines for people, one JSON object for programs, a page of documentation for each. Pure. */
import { type Check, type CheckResult, type CheckVerdict, exitStatusOf, worstOf } from './checks.ts'

const signs: Readonly<Record<CheckVerdict, { sign: string; colour: number; words: string }>> = {
  pass: { sign: '✓', colour: 32, words: 'pass' },
  warn: { sign: '!', colour: 33, words: 'warn' },
  fail: { sign: '✗', colour: 31, words: 'fail' },
  unknown: { sign: '?', colour: 36, words: 'cannot tell' },
}

export function checkLines({ id, verdict, words, fix, page, mended }: CheckResult, colours: boolean): string {
  const { sign, colour } = signs[verdict]
  const mark = colours ? `\u001b[${colour}m${sign}\u001b[0m` : sign
  const lines = [`${mark} ${id.padEnd(16)} ${words}`]
  if (mended !== undefined) lines.push(`${' '.repeat(19)}mended: ${mended}`)
  if (verdict !== 'pass' && fix !== undefined) lines.push(`${' '.repeat(19)}→ ${fix} (${page})`)
  return lines.join('\n')
}

/** All results for a person: what was not looked at is named once, with what stood in its way. */
export function reportLines(results: readonly CheckResult[], colours: boolean): string[] {
  const reasons = [...new Set(results.flatMap(({ because }) => because ?? []))]
  return [
    ...results.filter(({ because }) => because === undefined).map((one) => checkLines(one, colours)),
    ...reasons.map((reason) => {
      const ids = results.filter(({ because }) => because === reason).map(({ id }) => id)
      const { sign, colour } = signs.unknown
      return `${colours ? `\u001b[${colour}m${sign}\u001b[0m` : sign} not looked at because of ${reason}: ${ids.join(', ')}`
    }),
  ]
}

export function summaryLine(results: readonly CheckResult[], tookMs: number): string {
  const counts = (['pass', 'warn', 'fail', 'unknown'] as const)
    .map((verdict) => ({ verdict, count: results.filter((one) => one.verdict === verdict).length }))
    .filter(({ count }) => count > 0)
    .map(({ verdict, count }) => `${count} ${signs[verdict].words}`)
  return `${results.length} checks in ${(tookMs / 1000).toFixed(1)} s: ${counts.join(', ')}`
}

/** `{"schema":1, …}`: fields may be added to it, none changes its meaning without another number. */
export function checksJson(service: string, results: readonly CheckResult[], tookMs: number): object {
  const worst = worstOf(results)
  return {
    schema: 1,
    service,
    worst,
    exit: exitStatusOf[worst],
    tookMs: Math.round(tookMs),
    checks: results.map(({ fix, ...result }) => ({ ...result, fix: fix ?? null })),
  }
}

/** The page of one check, for `docs/doctor/<id>.md`; `commands` are those that run it. */
export function checkPage(
  check: Pick<Check<never>, 'id' | 'title' | 'about' | 'remedy' | 'after' | 'mend' | 'cheap'>,
  commands: readonly string[],
): string {
  const notes = [
    check.after === undefined || check.after.length === 0
      ? ''
      : `Not looked at unless ${check.after.map((id) => `[${id}](${id}.md)`).join(' and ')} passed.`,
    check.mend === undefined ? '' : '`doctor --fix` mends this by itself.',
    check.cheap === true ? 'The running service repeats this every minute; `/health` shows it.' : '',
  ].filter((line) => line !== '')
  return [
    '<!-- Made from the checks’ definitions by `npm run docs`; edit those, not this. -->',
    `# ${check.id}: ${check.title}`,
    '',
    `Looked at by ${commands.map((command) => `\`${command} doctor\``).join(', ')}.`,
    '',
    check.about,
    '',
    '## What to do',
    '',
    check.remedy,
    ...(notes.length === 0 ? [] : ['', ...notes]),
    '',
  ].join('\n')
}
