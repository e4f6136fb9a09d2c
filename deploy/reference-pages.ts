/**
 * The reference pages that are made from the code, so that they cannot differ from it: settings from each service's schema, events from the
 * families' table, records from the records' table. Pure: tables in, Markdown out.
 */
import { readFileSync } from 'node:fs'
import type { z } from 'zod'
import { eventTypes, type FieldSpec, families, fields, rats } from '#shared/families.ts'
import { bindingKinds, lanes, motions, recordKinds, recordSchemas, sightingReasons } from '#shared/records.ts'
import { environmentName, jsonSchema, leafSettings, settingsTable } from '#shared/settings-reference.ts'

const made = (from: string) => `<!-- Made from ${from} by \`npm run docs\`; edit that, not this. -->`

/** The page of one service's settings. */
export function settingsPage(service: string, short: string, schema: z.ZodType): string {
  const example = [...leafSettings(jsonSchema(schema))].find(({ path }) => path.length > 1)?.path ?? ['dataDir']
  return [
    made(`${service}/config.ts`),
    `# Settings of the ${service}`,
    '',
    `One YAML file (\`${short}.yaml\`), given with \`--config\`. Settings that are not in it have their default; one that does not exist is an error.`,
    `The environment has the last word: \`${example.join('.')}\` is \`${environmentName(example)}\`. Editors check the file against`,
    `[settings-${short}.schema.json](settings-${short}.schema.json).`,
    '',
    settingsTable(schema),
    '',
  ].join('\n')
}

export function settingsJsonSchema(schema: z.ZodType): string {
  return `${JSON.stringify(jsonSchema(schema), null, 2)}\n`
}

export function eventsPage(): string {
  const rows = fields.map((field) => row(`\`${field.name}\``, boundsOf(field), field.families.join(', '), field.meaning, field.clause))
  const types = families.map((family) => row(family, eventTypes[family].map((type) => `\`${type}\``).join(' ') || 'free'))
  return [
    made('shared/families.ts'),
    '# Events in, field by field',
    '',
    'Topic `tributary/v1/<family>/<source>`. Bounds are inclusive; a value outside of them rejects that one event, never its neighbours.',
    'A field in a family that does not have it is counted, named once in the log, and ignored.',
    '',
    '| field | bounds | families | meaning | follows |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    '## Event types known by name',
    '',
    'Another type is accepted and counted under its own name.',
    '',
    '| family | types |',
    '|---|---|',
    ...types,
    '',
  ].join('\n')
}

export function recordsPage(source = readFileSync(new URL('../shared/records.ts', import.meta.url), 'utf8')): string {
  const parts = recordKinds.flatMap((kind) => [
    `## ${kind}`,
    '',
    commentOf(source, kind),
    '',
    '| column | type |',
    '|---|---|',
    ...Object.entries(recordSchemas[kind]).map(([column, type]) => row(`\`${column}\``, type)),
    '',
  ])
  const codes = (name: string, values: readonly string[]) =>
    `- ${name}: ${values.map((value, code) => `${code} ${value || '(unknown)'}`).join(', ')}`
  return [
    made('shared/records.ts'),
    '# Records between the services',
    '',
    'A batch is columns found by name: an unknown column is ignored, a missing one is missing. Missing values: the largest value of `u8 u16 u32`,',
    'NaN of `f32 f64`, the empty text, all-zero words of `id64 id128`, no octets of `bytes`. Times are epoch milliseconds.',
    '',
    '## Codes',
    '',
    codes('lanes, highest first', lanes),
    codes('reasons of a sighting', sightingReasons),
    codes('motion', motions),
    codes('bindings', bindingKinds),
    codes('radio access technology', rats),
    codes('family', families),
    '',
    ...parts,
  ].join('\n')
}

/** The comment that stands above the record in the source is its description. */
function commentOf(source: string, kind: string): string {
  const name = /^[a-z]+$/.test(kind) ? kind : `'${kind}'`
  const at = source.search(new RegExp(`^  ${name}: \\{`, 'm'))
  const comment = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*$/.exec(source.slice(0, at))?.[1]
  if (at < 0 || comment === undefined) throw new Error(`shared/records.ts: record ${kind} has no comment that says what it is`)
  return comment
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trim())
    .filter((line) => line !== '')
    .join('\n')
}

function boundsOf({ kind, min, max, unit }: FieldSpec): string {
  const number = (value: number) =>
    Number.isInteger(Math.log2(value + 1)) && value > 2 ** 30 ? `2^${Math.log2(value + 1)}−1` : String(value)
  const range = `${number(min)}…${number(max)}${unit === '' ? '' : ` ${unit}`}`
  switch (kind) {
    case 'digits':
      return min === max ? `${min} digits` : `${min}–${max} digits`
    case 'cell':
      return 'MCC-MNC-identity, identity 0…2^36−1'
    case 'choice':
      return rats.filter((rat) => rat !== '').join(', ')
    case 'text':
      return `≤ ${max} characters`
    case 'time':
      return 'epoch ms or RFC 3339'
    case 'neighbours':
      return `≤ ${max} of {cell?, pci?, rsrp_dbm}`
    case 'integer':
      return `whole ${range}`
    default:
      return range
  }
}

function row(...cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
