/**
 * Settings of a service: one zod schema, one YAML file, environment overrides on top; read once at the start.
 *
 * Promise: every problem of the file is told at once, each with its line and column, what stands there, what may stand there, and for a
 * key that does not exist the one that was probably meant. Nothing in the file is ignored silently. The settings reference is made from the same schema.
 *
 * An override is named after the path: `admin.port` is TRIBUTARY_ADMIN_PORT, `identity.keyFile` TRIBUTARY_IDENTITY_KEY_FILE.
 */
import { readFileSync } from 'node:fs'
import { type Document, isCollection, isMap, isScalar, LineCounter, type ParsedNode, parseDocument, parse as parseYaml } from 'yaml'
import type { z } from 'zod'
import { errorTable, TributaryError } from './errors.ts'
import { nearest } from './nearest-name.ts'
import { environmentName, type JsonSchema, jsonSchema, leafSettings, sectionOf } from './settings-reference.ts'

export { jsonSchema, settingsTable } from './settings-reference.ts'

export interface ConfigProblem {
  /** file:line:column, or the environment variable. */
  readonly where: string
  /** The setting, dotted; '' for the whole file. */
  readonly path: string
  readonly words: string
}

export class ConfigError extends TributaryError {
  readonly problems: readonly ConfigProblem[]

  constructor(file: string, problems: readonly ConfigProblem[], options?: ErrorOptions) {
    super('config-invalid', file, options)
    const { sentence, remedy } = errorTable['config-invalid']
    const lines = problems.map(({ where, path, words }) => `  ${where}: ${path === '' ? '' : `${path}: `}${words}`)
    this.message = [
      `${file}: ${sentence} ${problems.length === 1 ? 'One problem' : `${problems.length} problems`}:`,
      ...lines,
      remedy,
    ].join('\n')
    this.name = 'ConfigError'
    this.problems = problems
  }
}

export interface ConfigOptions {
  /** Default: the process's environment. */
  readonly environment?: Readonly<Record<string, string | undefined>>
}

type Path = readonly (string | number)[]

export function loadConfig<S extends z.ZodType>(schema: S, file: string, options: ConfigOptions = {}): z.output<S> {
  const source = new Source(file, readText(file))
  const shape = jsonSchema(schema)
  const problems: ConfigProblem[] = [...source.syntaxProblems]
  if (problems.length > 0) throw new ConfigError(file, problems)
  const value = fillSections(source.value ?? {}, shape)
  const overridden = applyEnvironment(value, shape, options.environment ?? process.env, source)
  const unknown = unknownKeys(value, shape)
  for (const { path, words } of unknown) problems.push({ where: source.where(path, true), path: path.join('.'), words })
  const result = schema.safeParse(value)
  if (result.success && problems.length === 0) return result.data
  for (const issue of result.error?.issues ?? []) {
    const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))
    if (issue.code === 'unrecognized_keys' && issue.keys.every((key) => unknown.some((one) => samePath(one.path, [...path, key])))) continue
    const dotted = path.join('.')
    const variable = overridden.get(dotted)
    const where = variable === undefined ? source.where(path, false) : `environment variable ${variable}`
    problems.push({ where, path: dotted, words: wordsFor(issue, valueAt(value, path), schemaAt(shape, path)) })
  }
  throw new ConfigError(file, problems)
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new TributaryError('config-unreadable', `${file}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, { cause })
  }
}

/** The file with the position of everything in it. */
class Source {
  readonly #file: string
  readonly #lines = new LineCounter()
  readonly #document: Document.Parsed<ParsedNode>
  readonly value: unknown
  readonly syntaxProblems: readonly ConfigProblem[]

  constructor(file: string, text: string) {
    this.#file = file
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false })
    const broken = this.#document.errors.map((error) => ({ where: this.#at(error.pos[0]), path: '', words: error.message }))
    const value: unknown = broken.length > 0 ? undefined : this.#document.toJS()
    const fine = value === null || value === undefined || isRecord(value)
    this.value = fine ? value : undefined
    this.syntaxProblems = fine ? broken : [{ where: this.#at(0), path: '', words: 'expected settings as `name: value` lines' }]
  }

  /** Where a path stands; for one that is absent, the nearest that is there. */
  where(path: Path, keyItself: boolean): string {
    const parent = path.length === 0 ? undefined : this.#document.getIn(path.slice(0, -1), true)
    if (keyItself && isMap(parent)) {
      const pair = parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1))
      if (isScalar(pair?.key) && pair.key.range) return this.#at(pair.key.range[0])
    }
    for (let length = path.length; length >= 0; length--) {
      const node = length === 0 ? this.#document.contents : this.#document.getIn(path.slice(0, length), true)
      if ((isScalar(node) || isCollection(node)) && node.range) return this.#at(node.range[0])
    }
    return this.#at(0)
  }

  #at(offset: number): string {
    const { line, col } = this.#lines.linePos(offset)
    return `${this.#file}:${Math.max(1, line)}:${Math.max(1, col)}`
  }
}

/** A required section that is absent counts as empty, so that the settings missing in it are named one by one. */
function fillSections(value: unknown, shape: JsonSchema): unknown {
  const properties = sectionOf(shape)
  if (!isRecord(value) || properties === undefined) return value
  for (const [key, inner] of Object.entries(properties)) {
    const required = shape.required?.includes(key) ?? false
    if ((value[key] === undefined || value[key] === null) && required && sectionOf(inner)) value[key] = {}
    if (value[key] === null) delete value[key] // `key:` with nothing behind it means: the default
    fillSections(value[key], inner)
  }
  return value
}

function applyEnvironment(
  value: unknown,
  shape: JsonSchema,
  environment: Readonly<Record<string, string | undefined>>,
  source: Source,
): ReadonlyMap<string, string> {
  const overridden = new Map<string, string>()
  for (const { path, schema } of leafSettings(shape)) {
    const variable = environmentName(path)
    const text = environment[variable]
    if (text === undefined || text === '') continue
    let at = value as Record<string, unknown>
    for (const part of path.slice(0, -1)) {
      if (!isRecord(at[part])) at[part] = {}
      at = at[part] as Record<string, unknown>
    }
    at[path.at(-1)!] = schema.type === 'string' ? text : parseOverride(text, variable, source)
    overridden.set(path.join('.'), variable)
  }
  return overridden
}

function parseOverride(text: string, variable: string, source: Source): unknown {
  try {
    return parseYaml(text)
  } catch (cause) {
    const problem = { where: `environment variable ${variable}`, path: '', words: `not a YAML value: ${(cause as Error).message}` }
    throw new ConfigError(source.where([], false).replace(/:\d+:\d+$/, ''), [problem], { cause })
  }
}

function unknownKeys(value: unknown, shape: JsonSchema, path: Path = []): { path: Path; words: string }[] {
  if (Array.isArray(value) && shape.items) return value.flatMap((one, at) => unknownKeys(one, shape.items!, [...path, at]))
  const properties = sectionOf(shape)
  if (!isRecord(value) || properties === undefined) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const known = properties[key]
    if (known !== undefined) return unknownKeys(inner, known, [...path, key])
    const meant = nearest(key, Object.keys(properties))
    const hint = meant === undefined ? `known here: ${Object.keys(properties).join(', ')}` : `did you mean ${meant}?`
    return [{ path: [...path, key], words: `there is no such setting; ${hint}` }]
  })
}

function wordsFor(issue: z.core.$ZodIssue, found: unknown, shape: JsonSchema | undefined): string {
  const meaning = shape?.description === undefined ? '' : ` (${shape.description.replace(/\.$/, '')})`
  if (found === undefined && issue.code !== 'custom') return `missing${meaning}; there is no default`
  const shown = JSON.stringify(found) ?? String(found)
  const stands = `${shown.length > 60 ? `${shown.slice(0, 57)}…` : shown} stands there`
  switch (issue.code) {
    case 'invalid_type':
      return `${stands}, expected ${issue.expected}${meaning}`
    case 'invalid_value': {
      const meant = nearest(String(found), issue.values.map(String))
      return `${stands}, allowed: ${issue.values.map(String).join(', ')}${meant === undefined ? '' : `; did you mean ${meant}?`}`
    }
    case 'too_small':
      return `${stands}, expected ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${issue.origin === 'string' ? ' characters' : ''}${meaning}`
    case 'too_big':
      return `${stands}, expected ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${issue.origin === 'string' ? ' characters' : ''}${meaning}`
    case 'unrecognized_keys':
      return `there are no such settings: ${issue.keys.join(', ')}`
    case 'invalid_format':
      return `${stands}, expected ${issue.pattern === undefined ? issue.format : `something like ${issue.pattern}`}${meaning}`
    default:
      return `${stands}: ${issue.message}${meaning}`
  }
}

function schemaAt(shape: JsonSchema, path: Path): JsonSchema | undefined {
  let at: JsonSchema | undefined = shape
  for (const part of path) at = typeof part === 'number' ? at?.items : at && sectionOf(at)?.[part]
  return at
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, part) => (at === null || typeof at !== 'object' ? undefined : (at as Record<string | number, unknown>)[part]),
    value,
  )
}

function samePath(a: Path, b: Path): boolean {
  return a.length === b.length && a.every((part, at) => part === b[at])
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
