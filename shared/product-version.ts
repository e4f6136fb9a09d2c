/** The version in package.json: what a support archive and a doctor's report say they are about. */
import { readFileSync } from 'node:fs'

export function productVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
