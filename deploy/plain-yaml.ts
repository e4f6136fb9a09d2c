/** Writes the few shapes our configuration files have (maps, lists, strings, numbers, booleans) as YAML that every parser reads the same way. */
export type Plain = string | number | boolean | readonly Plain[] | { readonly [key: string]: Plain | undefined }

export function plainYaml(value: { readonly [key: string]: Plain | undefined }, note: string): string {
  return `# ${note}\n${map(value, '')}`
}

function map(value: { readonly [key: string]: Plain | undefined }, indent: string): string {
  return Object.entries(value)
    .filter((entry): entry is [string, Plain] => entry[1] !== undefined)
    .map(([key, item]) =>
      isMap(item) && Object.keys(item).length > 0 ? `${indent}${key}:\n${map(item, `${indent}  `)}` : `${indent}${key}: ${inline(item)}\n`,
    )
    .join('')
}

const isMap = (value: Plain): value is { readonly [key: string]: Plain | undefined } => typeof value === 'object' && !Array.isArray(value)

/** JSON is YAML: quoted strings need no rules about what looks like a number, a date or `no`. */
const inline = (value: Plain) => JSON.stringify(value)
