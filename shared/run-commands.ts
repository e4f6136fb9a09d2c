/**
 * Runs a service's commands, with one more: `complete <shell>` prints what bash, zsh or fish need to complete them. A flag that does not exist is
 * refused with the one that was probably meant, so that a slip of the finger never runs with a default instead.
 */
import { type ArgDef, type ArgsDef, type CommandDef, defineCommand, runMain } from 'citty'
import { fail } from './errors.ts'
import { nearest } from './nearest-name.ts'
import { runCommand } from './service.ts'
import { type CompletedCommand, type CompletedOption, completionScript, shells } from './shell-completion.ts'

export async function runCommands(command: CommandDef<ArgsDef>): Promise<void> {
  const { name = '' } = (await resolved(command.meta)) ?? {}
  const all = { ...command, subCommands: { ...(await resolved(command.subCommands)), complete: completeCommand(name, command) } }
  let isRefused = true
  await runCommand(name, async () => {
    await refuseUnknown(all, process.argv.slice(2))
    isRefused = false
  })
  if (!isRefused) await runMain(all)
}

function completeCommand(name: string, command: CommandDef<ArgsDef>): CommandDef<ArgsDef> {
  return defineCommand({
    meta: { name: 'complete', description: `Print the completion script of a shell: ${shells.join(', ')}` },
    args: { shell: { type: 'positional', description: shells.join(', '), required: true } },
    run: ({ args }) =>
      runCommand(name, async () => {
        const shell = shells.find((one) => one === args.shell)
        if (shell === undefined) fail('input-invalid', `${args.shell}: there are ${shells.join(', ')}`)
        process.stdout.write(completionScript(shell, name, await completedCommands(command)))
      }),
  }) as CommandDef<ArgsDef>
}

/** The tree of commands as a list, the program itself first. */
export async function completedCommands(command: CommandDef<ArgsDef>, path: readonly string[] = []): Promise<CompletedCommand[]> {
  const inner = Object.entries((await resolved(command.subCommands)) ?? {})
  const commands: { name: string; description: string }[] = []
  const below: CompletedCommand[] = []
  for (const [name, lazy] of inner) {
    const one = (await resolved(lazy)) as CommandDef<ArgsDef>
    commands.push({ name, description: (await resolved(one.meta))?.description ?? '' })
    below.push(...(await completedCommands(one, [...path, name])))
  }
  if (path.length === 0) {
    commands.push({ name: 'complete', description: `Print the completion script of a shell: ${shells.join(', ')}` })
    below.push({ path: ['complete'], commands: shells.map((name) => ({ name, description: '' })), options: [] })
  }
  const options = Object.entries((await resolved(command.args)) ?? {}).flatMap(([name, arg]) =>
    arg.type === 'positional' ? [] : [optionOf(name, arg)],
  )
  return [{ path, commands, options: [...options, { name: 'help', description: 'what this is and what it takes' }] }, ...below]
}

function optionOf(name: string, arg: ArgDef): CompletedOption {
  const description = arg.description ?? ''
  if (arg.type === 'boolean') return { name, description }
  const hint = arg.valueHint ?? (/^(config|.*-file|log|out|ndpi)$/.test(name) ? 'file' : '')
  return { name, description, value: hint === 'file' || hint === 'folder' ? hint : hint.split('|').filter((one) => one !== '') }
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
