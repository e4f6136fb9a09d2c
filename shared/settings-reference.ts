/**
 * What a settings schema says, for people and for editors: a table of all settings, and a JSON Schema. Both come from the zod schema
 * that the service loads its file with, so they cannot differ from it.
 */
import { z } from 'zod'

/** The part of JSON Schema that zod writes and we read. */
export interface JsonSchema {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly additionalProperties?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly pattern?: string
  readonly format?: string
  readonly unit?: string
}

/** What may stand in the file (defaults need not). */
export function jsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
}

export interface Setting {
  readonly path: readonly string[]
  readonly schema: JsonSchema
  readonly required: boolean
}

/** Every setting that holds a value, in the schema's order; sections are walked, lists are one setting. */
export function* leafSettings(schema: JsonSchema, path: readonly string[] = []): Iterable<Setting> {
  for (const [key, inner] of Object.entries(sectionOf(schema) ?? {})) {
    const here = [...path, key]
    if (sectionOf(inner)) yield* leafSettings(inner, here)
    else yield { path: here, schema: inner, required: schema.required?.includes(key) ?? false }
  }
}

/** The settings of a section; undefined for a value, a list, or a map with free keys. */
export function sectionOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> | undefined {
  return schema.type === 'object' && schema.properties !== undefined ? schema.properties : undefined
}

export function environmentName(path: readonly string[]): string {
  return ['tributary', ...path].map((part) => part.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()).join('_')
}

/** Rows of a Markdown table: name, type, default, bounds and unit, what it means. */
export function settingsTable(schema: z.ZodType): string {
  const rows = [...leafSettings(jsonSchema(schema))].flatMap(settingRows)
  return ['| setting | type | default | bounds | meaning |', '|---|---|---|---|---|', ...rows].join('\n')
}

function settingRows({ path, schema, required }: Setting): string[] {
  const name = path.join('.')
  const standard = schema.default === undefined ? (required ? 'required' : '–') : `\`${JSON.stringify(schema.default)}\``
  const row = (label: string, one: JsonSchema, initial: string) =>
    `| \`${label}\` | ${cell(typeOf(one))} | ${cell(initial)} | ${cell(boundsOf(one))} | ${cell(one.description ?? '')} |`
  const inner = schema.items && sectionOf(schema.items)
  const nested = inner
    ? [...leafSettings(schema.items!)].map((one) =>
        row(
          `${name}[].${one.path.join('.')}`,
          one.schema,
          one.schema.default === undefined ? (one.required ? 'required' : '–') : `\`${JSON.stringify(one.schema.default)}\``,
        ),
      )
    : []
  return [row(name, schema, standard), ...nested]
}

function typeOf(schema: JsonSchema): string {
  if (schema.enum !== undefined) return schema.enum.map((one) => `\`${one}\``).join(', ')
  if (schema.const !== undefined) return `\`${schema.const}\``
  if (schema.type === 'array')
    return schema.items === undefined ? 'list' : sectionOf(schema.items) ? 'list of entries' : `list of ${typeOf(schema.items)}`
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeOf))].join(' or ')
  return schema.type === undefined ? 'any' : schema.type === 'object' ? 'section' : schema.type
}

function boundsOf(schema: JsonSchema): string {
  const safe = (bound: number | undefined) => (bound === undefined || Math.abs(bound) >= Number.MAX_SAFE_INTEGER ? undefined : bound)
  const atLeast = schema.minLength === 1 ? undefined : schema.minLength // "not empty" goes without saying
  const low = safe(schema.minimum) ?? atLeast ?? schema.minItems
  const high = safe(schema.maximum) ?? schema.maxLength ?? schema.maxItems
  const unit = schema.unit ?? (schema.type === 'string' && (low ?? high) !== undefined ? 'characters' : '')
  const above = schema.exclusiveMinimum === undefined ? '' : `> ${schema.exclusiveMinimum}`
  const range = low === undefined && high === undefined ? above : `${low ?? above}…${high ?? ''}`
  const pattern = schema.pattern === undefined ? '' : `\`${schema.pattern}\``
  return [range, unit, pattern].filter((part) => part !== '').join(' ')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
