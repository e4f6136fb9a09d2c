/**
 * `npm run docs`: writes the reference pages in docs/ from the code; with `--check` writes nothing and fails when one is stale.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { z } from 'zod'
import { coreChecks } from '../core/core-checks.ts'
import { coreCommand } from '../core/core-commands.ts'
import { agentChecks } from '../edge-agent/agent-checks.ts'
import { agentCommand } from '../edge-agent/agent-commands.ts'
import { hubChecks } from '../regional-hub/hub-checks.ts'
import { hubCommand } from '../regional-hub/hub-commands.ts'
import { checkPages, commandsPage } from './command-pages.ts'
import { eventsPage, recordsPage, settingsJsonSchema, settingsPage } from './reference-pages.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const services = [
  { service: 'edge-agent', short: 'agent' },
  { service: 'regional-hub', short: 'hub' },
  { service: 'core', short: 'core' },
]

/** All pages by their path in the repository. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  const pages = new Map([
    ['docs/events.md', eventsPage()],
    ['docs/records.md', recordsPage()],
  ])
  for (const { service, short } of services) {
    const config = join(root, service, 'config.ts')
    if (!existsSync(config)) continue
    const { configSchema } = (await import(pathToFileURL(config).href)) as { configSchema?: z.ZodType }
    if (configSchema === undefined) throw new Error(`${service}/config.ts: expected an export named configSchema`)
    pages.set(`docs/settings-${short}.md`, settingsPage(service, short, configSchema))
    pages.set(`docs/settings-${short}.schema.json`, settingsJsonSchema(configSchema))
  }
  const programs = [
    { short: 'agent', from: 'edge-agent/*-command*.ts', command: agentCommand, checks: agentChecks },
    { short: 'hub', from: 'regional-hub/*-commands.ts', command: hubCommand, checks: hubChecks },
    { short: 'core', from: 'core/*-commands.ts', command: coreCommand, checks: coreChecks },
  ]
  for (const { short, from, command, checks } of programs) pages.set(`docs/commands-${short}.md`, await commandsPage(from, command, checks))
  for (const [path, text] of checkPages(programs.map(({ short, checks }) => ({ command: `tributary-${short}`, checks }))))
    pages.set(path, text)
  return pages
}

/** Paths of the pages that differ from what the code says. */
export async function stalePages(): Promise<readonly string[]> {
  const pages = await referencePages()
  return [...pages].filter(([path, text]) => textOf(join(root, path)) !== text).map(([path]) => path)
}

function textOf(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

async function writePages(): Promise<void> {
  for (const [path, text] of await referencePages()) {
    const file = join(root, path)
    mkdirSync(dirname(file), { recursive: true })
    if (textOf(file) === text) continue
    writeFileSync(file, text)
    process.stdout.write(`wrote ${path}\n`)
  }
}

if (import.meta.main) {
  if (process.argv.includes('--check')) {
    const stale = await stalePages()
    for (const path of stale) process.stderr.write(`${path} is not what the code says; run: npm run docs\n`)
    process.exitCode = stale.length === 0 ? 0 : 1
  } else {
    await writePages()
  }
}
