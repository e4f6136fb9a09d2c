/**
 * The reference of commands and of checks, made from their definitions: a page for each service's commands, a page for each check, and the table
 * of exit statuses. Definitions in, Markdown out.
 */
import type { ArgDef, ArgsDef, CommandDef } from 'citty'
import { checkPage } from '#shared/check-report.ts'
import type { Check } from '#shared/checks.ts'
import { exitStatuses } from '#shared/command-output.ts'

const made = (from: string) => `<!-- Made from ${from} by \`npm run docs\`; edit that, not this. -->`

/** Every command of a program with its options, in the order in which `--help` has them. */
export async function commandsPage(from: string, command: CommandDef<ArgsDef>, checks: readonly Check<never>[]): Promise<string> {
  const { name = '', description = '' } = (await resolved(command.meta)) ?? {}
  return [
    made(from),
    `# Commands of ${name}`,
    '',
    `${description}.`,
    '',
    'Data goes to standard output, progress and questions to standard error. Questions are asked on a terminal only, and each has a flag. No secret is',
    'ever given by a flag: passwords come from files or from standard input. `NO_COLOR` is obeyed. A flag that does not exist is refused.',
    '',
    ...(await sections(command, name)),
    `## ${name} complete SHELL`,
    '',
    'Prints the completion script of `bash`, `zsh` or `fish`:',
    '',
    '```sh',
    `${name} complete bash > /etc/bash_completion.d/${name}`,
    `${name} complete zsh > "\${fpath[1]}/_${name}"`,
    `${name} complete fish > ~/.config/fish/completions/${name}.fish`,
    '```',
    '',
    '## Exit statuses',
    '',
    '| status | of | meaning |',
    '|---|---|---|',
    ...exitStatuses.map(({ status, commands, meaning }) => row(String(status), commands, meaning)),
    '',
    '`doctor` speaks as monitoring systems know it from their plugins, and can be one. `--json` answers `{"schema":1,"service","worst","exit","tookMs",',
    '"checks":[{"id","title","verdict","value","words","fix","page","tookMs"}]}`; `verdict` is `pass`, `warn`, `fail` or `unknown` (“cannot tell”).',
    '',
    '## What doctor looks at',
    '',
    '| check | title |',
    '|---|---|',
    ...checks.map(({ id, title }) => row(`[${id}](doctor/${id}.md)`, title)),
    '',
  ].join('\n')
}

/** A page for each check of the lists, by its path; the same check in several programs has one page. */
export function checkPages(
  lists: readonly { readonly command: string; readonly checks: readonly Check<never>[] }[],
): ReadonlyMap<string, string> {
  const pages = new Map<string, string>()
  for (const check of lists.flatMap(({ checks }) => checks)) {
    const path = `docs/doctor/${check.id}.md`
    if (pages.has(path)) continue
    const commands = lists.filter(({ checks }) => checks.some(({ id }) => id === check.id)).map(({ command }) => command)
    pages.set(path, checkPage(check, commands))
  }
  return pages
}

async function sections(command: CommandDef<ArgsDef>, path: string): Promise<string[]> {
  const lines: string[] = []
  for (const [name, lazy] of Object.entries((await resolved(command.subCommands)) ?? {})) {
    if (name === 'complete') continue
    const inner = (await resolved(lazy)) as CommandDef<ArgsDef>
    const meta = await resolved(inner.meta)
    const here = `${path} ${name}`
    if (inner.subCommands !== undefined) {
      lines.push(...(await sections(inner, here)))
      continue
    }
    const args = Object.entries((await resolved(inner.args)) ?? {})
    const positional = args.filter(([, arg]) => arg.type === 'positional').map(([one]) => ` ${one.toUpperCase()}`)
    lines.push(`## ${here}${positional.join('')}`, '', `${meta?.description ?? ''}.`, '')
    if (args.length > 0) lines.push('| option | meaning | default |', '|---|---|---|', ...args.map(([one, arg]) => optionRow(one, arg)), '')
  }
  return lines
}

function optionRow(name: string, arg: ArgDef): string {
  const shown = arg.type === 'positional' ? name.toUpperCase() : arg.type === 'boolean' ? `--${name}` : `--${name} …`
  const standard =
    arg.default === undefined || arg.default === false || arg.default === '' ? (arg.required ? 'required' : '') : `\`${arg.default}\``
  return row(`\`${shown}\``, arg.description ?? '', standard)
}

function row(...cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

async function resolved<T>(value: T | Promise<T> | (() => T | Promise<T>) | undefined): Promise<T | undefined> {
  return typeof value === 'function' ? await (value as () => T | Promise<T>)() : await value
}
