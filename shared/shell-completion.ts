/**
 * Completion scripts for bash, zsh and fish, made from a program's commands. They hold everything themselves: a press of Tab starts no process,
 * which on a site's small processor would take a second, and nothing else needs to be installed. Pure: commands in, a script out.
 */

export interface CompletedOption {
  readonly name: string
  readonly description: string
  /** Undefined: it takes no value. `file`, `folder`, a list of values, or [] for a free one. */
  readonly value?: 'file' | 'folder' | readonly string[]
}

export interface CompletedCommand {
  /** Words that lead here: [], ['buffer'], ['buffer', 'ls']. */
  readonly path: readonly string[]
  readonly commands: readonly { readonly name: string; readonly description: string }[]
  readonly options: readonly CompletedOption[]
}

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

export function completionScript(shell: Shell, program: string, commands: readonly CompletedCommand[]): string {
  const script = { bash, zsh, fish }[shell]
  return script(program, commands)
}

const identifier = (program: string) => `_${program.replace(/[^A-Za-z0-9]/g, '_')}`
/** A word in single quotes, for every shell. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
const pathOf = ({ path }: CompletedCommand) => path.join(' ')

/** Follows the words that are commands; what is behind an option that takes a value is none. */
function walk(commands: readonly CompletedCommand[], indent: string): string {
  const valued = [
    ...new Set(commands.flatMap(({ options }) => options.filter(({ value }) => value !== undefined).map(({ name }) => `--${name}`))),
  ]
  const known = commands.filter(({ path }) => path.length > 0).map((one) => quoted(pathOf(one)))
  return [
    `case "$previous" in ${valued.join('|')}) previous="$word"; continue ;; esac`,
    'previous="$word"',
    `case "$at\${at:+ }$word" in ${known.join('|')}) at="$at\${at:+ }$word" ;; esac`,
  ]
    .map((line) => indent + line)
    .join('\n')
}

function bash(program: string, commands: readonly CompletedCommand[]): string {
  const values = commands.flatMap((one) =>
    one.options.flatMap(({ name, value }) => {
      if (value === undefined) return []
      const reply = value === 'file' ? 'compgen -f' : value === 'folder' ? 'compgen -d' : `compgen -W ${quoted(value.join(' '))}`
      return [`    ${quoted(`${pathOf(one)}|--${name}`)}) mapfile -t COMPREPLY < <(${reply} -- "$current"); return ;;`]
    }),
  )
  const words = commands.map((one) => {
    const all = [...one.commands.map(({ name }) => name), ...one.options.map(({ name }) => `--${name}`)]
    return `    ${quoted(pathOf(one))}) words=${quoted(all.join(' '))} ;;`
  })
  const name = identifier(program)
  return `# Completion of ${program} for bash: put it where bash-completion looks, or source it.
${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous='' at='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
${walk(commands, '    ')}
  done
  compopt -o filenames 2>/dev/null
  case "$at|$previous" in
${values.join('\n')}
  esac
  compopt +o filenames 2>/dev/null
  case "$at" in
${words.join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F ${name} ${program}
`
}

function zsh(program: string, commands: readonly CompletedCommand[]): string {
  const described = (name: string, description: string) => quoted(`${name.replaceAll(':', '\\:')}:${description}`)
  const values = commands.flatMap((one) =>
    one.options.flatMap(({ name, value }) => {
      if (value === undefined) return []
      const reply =
        value === 'file' ? '_files' : value === 'folder' ? '_files -/' : value.length === 0 ? ':' : `compadd -- ${value.join(' ')}`
      return [`    ${quoted(`${pathOf(one)}|--${name}`)}) ${reply}; return ;;`]
    }),
  )
  const words = commands.map((one) => {
    const all = [
      ...one.commands.map((inner) => described(inner.name, inner.description)),
      ...one.options.map((option) => described(`--${option.name}`, option.description)),
    ]
    return `    ${quoted(pathOf(one))}) found=(${all.join(' ')}) ;;`
  })
  const name = identifier(program)
  return `#compdef ${program}
${name}() {
  local previous='' at='' word
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
${walk(commands, '    ')}
  done
  case "$at|$previous" in
${values.join('\n')}
  esac
  case "$at" in
${words.join('\n')}
  esac
  _describe ${quoted(program)} found
}
if [[ "\${funcstack[1]}" == ${quoted(name)} ]]; then ${name} "$@"; else compdef ${name} ${program}; fi
`
}

function fish(program: string, commands: readonly CompletedCommand[]): string {
  const name = `_${identifier(program)}_at`
  const valued = [
    ...new Set(commands.flatMap(({ options }) => options.filter(({ value }) => value !== undefined).map((one) => `--${one.name}`))),
  ]
  const known = commands.filter(({ path }) => path.length > 0).map((one) => quoted(pathOf(one)))
  const at = (one: CompletedCommand) => `-n ${quoted(`test "$(${name})" = "${pathOf(one)}"`)}`
  const lines = commands.flatMap((one) => [
    ...one.commands.map((inner) => `complete -c ${program} ${at(one)} -a ${inner.name} -d ${quoted(inner.description)}`),
    ...one.options.map(({ name: option, description, value }) => {
      const takes = value === undefined ? '' : value === 'file' || value === 'folder' ? ' -r -F' : ` -x -a ${quoted(value.join(' '))}`
      return `complete -c ${program} ${at(one)} -l ${option}${takes} -d ${quoted(description)}`
    }),
  ])
  return `# Completion of ${program} for fish.
function ${name}
    set -l at ''
    set -l previous ''
    for word in (commandline -opc)[2..-1]
        if contains -- "$previous" ${valued.join(' ')}
            set previous $word
            continue
        end
        set previous $word
        set -l next (string trim -- "$at $word")
        contains -- "$next" ${known.join(' ')}; and set at $next
    end
    echo $at
end
complete -c ${program} -f
${lines.join('\n')}
`
}
