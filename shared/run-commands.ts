/**
 * Runs a service's commands, with one more: `complete <shell>` prints what bash, zsh or fish need to complete them. A flag that does not exist is
 * refused with the one that was probably meant, so that a slip of the finger never runs with a default instead.
 */
import tab from '@bomb.sh/tab/citty'
import { type ArgsDef, type CommandDef, runMain } from 'citty'
import { fail } from './errors.ts'
import { nearest } from './nearest-name.ts'
import { runCommand } from './service.ts'

export async function runCommands(command: CommandDef<ArgsDef>): Promise<void> {
  const given = process.argv.slice(2)
  const { name = '' } = (await resolved(command.meta)) ?? {}
  await tab(command)
  let isRefused = false
  if (given[0] !== 'complete') {
    await runCommand(name, async () => {
      isRefused = true
      await refuseUnknown(command, given)
      isRefused = false
    })
  }
  if (!isRefused) await runMain(command)
}

async function refuseUnknown(command: CommandDef<ArgsDef>, given: readonly string[]): Promise<void> {
  let at = command
  let rest = given
  for (let next = rest[0]; next !== undefined && !next.startsWith('-'); next = rest[0]) {
    const inner = await resolved((await resolved(at.subCommands))?.[next])
    if (inner === undefined) break
    at = inner as CommandDef<ArgsDef>
    rest = rest.slice(1)
  }
  const known = ['help', 'version', ...Object.keys((await resolved(at.args)) ?? {})]
  for (const flag of rest) {
    if (flag === '--') return
    const name = /^--(?:no-)?([^=]+)/.exec(flag)?.[1]
    if (name === undefined || known.includes(name)) continue
    const meant = nearest(name, known)
    fail(
      'input-invalid',
      `there is no option ${flag.split('=')[0]}; ${meant === undefined ? `there are ${known.map((one) => `--${one}`).join(', ')}` : `did you mean --${meant}?`}`,
    )
  }
}

async function resolved<T>(value: T | Promise<T> | (() => T | Promise<T>) | undefined): Promise<T | undefined> {
  return typeof value === 'function' ? await (value as () => T | Promise<T>)() : await value
}
