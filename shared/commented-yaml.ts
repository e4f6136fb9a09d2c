/**
 * A settings file as a person wants to find it: every setting with its sentence, what was chosen in clear, every default as a comment. Made
 * from the schema, so that it cannot name a setting that does not exist. Also the difference of two texts, line by line. Pure.
 */
import { type JsonSchema, leafSettings } from './settings-reference.ts'

export interface ChosenSettings {
  /** Dotted path → value. */
  readonly [path: string]: unknown
}

const wrapAt = 100

/** `chosen` stands in clear; the rest is there as comments with its default. */
export function commentedYaml(schema: JsonSchema, chosen: ChosenSettings, head: string): string {
  const lines = head.split('\n').map((line) => `# ${line}`)
  let open: readonly string[] = []
  const stands = (section: readonly string[]) =>
    Object.keys(chosen).some((key) => key.startsWith(`${section.join('.')}.`) && chosen[key] !== undefined)
  const settings = [...leafSettings(schema)]
  for (const { path, schema: one, required } of settings) {
    const section = path.slice(0, -1)
    const common = section.findIndex((part, at) => part !== open[at])
    const from = common < 0 ? section.length : common
    if (section.length > 0 && (from < section.length || open.length > section.length)) {
      for (let at = Math.min(from, section.length); at < section.length; at++) {
        if (at === 0) lines.push('')
        lines.push(`${'  '.repeat(at)}${stands(section.slice(0, at + 1)) ? '' : '# '}${section[at]}:`)
      }
    } else if (section.length === 0) lines.push('')
    open = section
    const indent = '  '.repeat(section.length)
    for (const line of wrapped(one.description ?? '', wrapAt - indent.length)) lines.push(`${indent}# ${line}`)
    const key = path.join('.')
    const value = chosen[key]
    if (value !== undefined) lines.push(`${indent}${path.at(-1)}: ${JSON.stringify(value)}`)
    else if (required && one.default === undefined && (section.length === 0 || stands(section))) lines.push(`${indent}${path.at(-1)}:`)
    else lines.push(`${indent}# ${path.at(-1)}: ${one.default === undefined ? '' : JSON.stringify(one.default)}`.trimEnd())
  }
  return `${lines.join('\n')}\n`
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return line === '' ? lines : [...lines, line]
}

/** `-` gone, `+` new, ` ` the same; lines that are the same far from a change are left out. */
export function lineDifference(before: string, after: string, around = 2): string[] {
  const [a, b] = [before.split('\n'), after.split('\n')]
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1))
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i]![j] = a[i] === b[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!)
  }
  const lines: string[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(`  ${a[i]}`)
      i++
      j++
    } else if (i < a.length && (j >= b.length || lengths[i + 1]![j]! >= lengths[i]![j + 1]!)) lines.push(`- ${a[i++]}`)
    else lines.push(`+ ${b[j++]}`)
  }
  const changed = lines.map((line) => !line.startsWith('  '))
  return lines.filter((_, at) => changed.slice(Math.max(0, at - around), at + around + 1).some(Boolean))
}

/** Every setting that a file sets to something else than its default, by dotted path. `value` is the file as it was read. */
export function chosenIn(schema: JsonSchema, value: unknown): ChosenSettings {
  const chosen: Record<string, unknown> = {}
  for (const { path, schema: one } of leafSettings(schema)) {
    let at: unknown = value
    for (const part of path) at = (at as Record<string, unknown> | undefined)?.[part]
    if (at !== undefined && JSON.stringify(at) !== JSON.stringify(one.default)) chosen[path.join('.')] = at
  }
  return chosen
}
