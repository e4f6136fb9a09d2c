import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { checksJson, reportLines } from './check-report.ts'
import { bad, type Check, cannotTell, exitStatusOf, notRunning, pass, runChecks, warn, worstOf } from './checks.ts'

const check = (id: string, run: Check<object>['run'], more: Partial<Check<object>> = {}): Check<object> => ({
  id,
  title: id,
  about: '',
  remedy: 'mend it',
  run,
  ...more,
})

test('results stand in the order of the list, and a check waits for those it needs', async () => {
  const seen: string[] = []
  const results = await runChecks(
    [
      check('slow', async () => {
        await sleep(30)
        seen.push('slow')
        return pass(1, 'fine')
      }),
      check(
        'after-slow',
        () => {
          seen.push('after-slow')
          return warn(2, 'so so', 'do')
        },
        { after: ['slow'] },
      ),
      check('quick', () => {
        seen.push('quick')
        return pass(3, 'fine')
      }),
    ],
    {},
  )
  assert.deepEqual(
    results.map(({ id }) => id),
    ['slow', 'after-slow', 'quick'],
  )
  assert.deepEqual(seen, ['quick', 'slow', 'after-slow'])
})

test('what depends on a failed check is not looked at, and names what stood in the way first of all', async () => {
  const never = () => assert.fail('it was looked at')
  const results = await runChecks(
    [
      check('config', () => bad(null, 'broken', 'correct it')),
      check('dns', never, { after: ['config'] }),
      check('tcp', never, { after: ['dns'] }),
    ],
    {},
  )
  assert.deepEqual(
    results.map(({ verdict, because }) => [verdict, because]),
    [
      ['fail', undefined],
      ['unknown', 'config'],
      ['unknown', 'config'],
    ],
  )
  const lines = reportLines(results, false)
  assert.equal(lines.length, 2)
  assert.match(lines[1]!, /not looked at because of config: dns, tcp/)
})

test('a warning lets others be looked at', async () => {
  const results = await runChecks([check('a', () => warn(1, 'hm', 'do')), check('b', () => pass(1, 'fine'), { after: ['a'] })], {})
  assert.equal(results[1]!.verdict, 'pass')
})

test('one that hangs, throws or outlives the whole is “cannot tell”, and holds up nobody', async () => {
  const startedMs = performance.now()
  const hangs = () => new Promise<never>(() => {})
  const results = await runChecks(
    [
      check('hangs', hangs, { deadlineMs: 50 }),
      check('throws', () => {
        throw new Error('out of order')
      }),
      check('outlives', hangs, { deadlineMs: 60_000 }),
      check('fine', () => pass(1, 'fine')),
    ],
    {},
    { deadlineMs: 300 },
  )
  assert.ok(performance.now() - startedMs < 2_000)
  assert.deepEqual(
    results.map(({ verdict }) => verdict),
    ['unknown', 'unknown', 'unknown', 'pass'],
  )
  assert.match(results[1]!.words, /out of order/)
})

test('--fix mends and looks again; what cannot be mended says so', async () => {
  let mode = 0o644
  const mends = check('mode', () => (mode === 0o600 ? pass('0600', 'closed') : bad('0644', 'open', 'chmod')), {
    mend: () => {
      mode = 0o600
      return 'chmod 600'
    },
  })
  const stubborn = check('stubborn', () => bad(1, 'bad', 'do'), {
    mend: () => {
      throw new Error('not allowed')
    },
  })
  assert.deepEqual(
    (await runChecks([mends], {})).map(({ verdict, mended }) => [verdict, mended]),
    [['fail', undefined]],
  )
  const [first, second] = await runChecks([mends, stubborn], {}, { mend: true })
  assert.deepEqual([first!.verdict, first!.mended], ['pass', 'chmod 600'])
  assert.deepEqual([second!.verdict, second!.mended], ['fail', 'could not be mended: not allowed'])
})

test('the worst verdict is the exit status: fail before warn before cannot tell', async () => {
  const of = (...verdicts: ('pass' | 'warn' | 'fail' | 'unknown')[]) => exitStatusOf[worstOf(verdicts.map((verdict) => ({ verdict })))]
  assert.deepEqual([of('pass'), of('pass', 'unknown'), of('unknown', 'warn'), of('warn', 'fail', 'unknown'), of()], [0, 3, 1, 2, 0])
})

test('the JSON is the published shape', async () => {
  const results = await runChecks(
    [check('a', () => warn(1.5, 'hm', 'do')), check('b', () => cannotTell('off line')), check('c', () => notRunning)],
    {},
  )
  const { schema, checks, exit } = checksJson('edge-agent', results, 12) as {
    schema: number
    exit: number
    checks: Record<string, unknown>[]
  }
  assert.deepEqual([schema, exit], [1, 1])
  for (const one of checks) for (const key of ['id', 'verdict', 'value', 'fix', 'page']) assert.ok(key in one, key)
  assert.deepEqual(
    { verdict: checks[0]!.verdict, value: checks[0]!.value, fix: checks[0]!.fix, page: checks[0]!.page },
    { verdict: 'warn', value: 1.5, fix: 'do', page: 'docs/doctor/a.md' },
  )
  assert.equal(checks[2]!.because, 'running')
})
