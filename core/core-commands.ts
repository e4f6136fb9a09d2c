/**
 * The core's commands: run it, look at it, check its settings, and make, list and revoke API keys (while it runs, too). Definitions only: main.ts
 * runs them.
 */
import { readFileSync } from 'node:fs'
import { defineCommand } from 'citty'
import { systemClock } from '#shared/clock.ts'
import { loadConfig } from '#shared/config.ts'
import { fail } from '#shared/errors.ts'
import { createLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics.ts'
import { normaliseMsisdn, Pseudonymiser, readIdentityKey, wordsToHex } from '#shared/pseudonym.ts'
import { runCommand, runService } from '#shared/service.ts'
import { scopes as allScopes, makeSecret, parseScopes } from './access.ts'
import { SqliteKeys } from './adapters/sqlite-keys.ts'
import { configSchema } from './config.ts'
import { doctor, top } from './doctor-commands.ts'
import { report } from './events.ts'
import { type Core, corePipeline } from './pipeline.ts'

const name = 'tributary-core'
const config = { type: 'string', description: 'settings file (YAML)', default: 'core.yaml' } as const
const json = { type: 'boolean', description: 'answer as JSON', default: false } as const

const run = defineCommand({
  meta: { name: 'run', description: 'Run the core: trunk, history, API' },
  args: { config, json },
  run: ({ args }) =>
    runCommand(name, async () => {
      const settings = loadConfig(configSchema, args.config)
      const log = createLog({ service: 'core', level: settings.log.level })
      const metrics = createMetrics('core')
      let core: Core | undefined
      await runService({
        name,
        log,
        build: async (_signal, die) => {
          core = corePipeline(settings, { clock: systemClock, metrics, report: report(log, metrics), die })
          return core.components
        },
        started: () => log.info({ api: core?.apiUrl(), admin: core?.adminUrl() }, 'the API answers'),
      })
    }),
})

const check = defineCommand({
  meta: { name: 'check', description: 'Check the settings and the identity key; starts nothing' },
  args: { config, json },
  run: ({ args }) =>
    runCommand(name, async () => {
      const settings = loadConfig(configSchema, args.config)
      const { kid } = readIdentityKey(settings.identity.keyFile)
      print(args.json, { ok: true, config: settings, identityKey: kid }, [`${args.config} is fine; identity key ${kid}`])
    }),
})

const create = defineCommand({
  meta: { name: 'create', description: 'Make an API key; it is shown once and never again' },
  args: {
    config,
    json,
    tenant: { type: 'string', description: 'whose data it may read', default: 'default' },
    scopes: { type: 'string', description: `all, or names separated by commas: ${allScopes.join(', ')}`, required: true },
    name: { type: 'string', description: 'what it is for', default: '' },
    days: { type: 'string', description: 'how long it is valid; without it, until it is revoked' },
    'number-file': { type: 'string', description: 'file (or - for standard input) with the one phone number the key stands for' },
  },
  run: ({ args }) =>
    runCommand(name, async () => {
      const settings = loadConfig(configSchema, args.config)
      const { scopes, unknown } = parseScopes(args.scopes)
      if (unknown.length > 0) fail('input-invalid', `--scopes: ${unknown.join(', ')} not known; there are: ${allScopes.join(', ')}`)
      if (scopes.length === 0) fail('input-invalid', '--scopes: name at least one, or all')
      const days = args.days === undefined ? undefined : Number(args.days)
      if (days !== undefined && !(days > 0 && days <= 36_500)) fail('input-invalid', '--days: expected a number above 0')
      const number = args['number-file'] === undefined ? '' : numberPseudonym(args['number-file'], settings.identity.keyFile)
      const { id, secret } = makeSecret()
      const createdMs = systemClock.nowMs()
      const expiresMs = days === undefined ? null : createdMs + days * 24 * 3600_000
      withKeys(settings.dataDir, (keys) =>
        keys.create({ id, tenant: args.tenant, name: args.name, scopes, createdMs, expiresMs, number }, secret),
      )
      print(
        args.json,
        { id, key: secret, tenant: args.tenant, name: args.name, scopes, expires: expiresMs && new Date(expiresMs).toISOString() },
        [secret, `key ${id} of tenant ${args.tenant}; it is shown this once: scopes ${scopes.join(', ')}`],
      )
    }),
})

const list = defineCommand({
  meta: { name: 'list', description: 'List API keys (never the keys themselves)' },
  args: { config, json },
  run: ({ args }) =>
    runCommand(name, async () => {
      const settings = loadConfig(configSchema, args.config)
      const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
      const keys = withKeys(settings.dataDir, (store) => store.list()).map((key) => ({
        id: key.id,
        tenant: key.tenant,
        name: key.name,
        scopes: key.scopes,
        created: time(key.createdMs),
        expires: time(key.expiresMs),
        revoked: time(key.revokedMs),
        forOneNumber: key.number !== '',
      }))
      const words = keys.map(
        (key) => `${key.id}  ${key.tenant}  ${key.name}  ${key.scopes.join(',')}${key.revoked === null ? '' : '  revoked'}`,
      )
      print(args.json, keys, words.length === 0 ? ['there are no API keys yet'] : words)
    }),
})

const revoke = defineCommand({
  meta: { name: 'revoke', description: 'Revoke an API key; it holds from the next request on' },
  args: { config, json, id: { type: 'positional', description: 'the key’s id, as list shows it', required: true } },
  run: ({ args }) =>
    runCommand(name, async () => {
      const settings = loadConfig(configSchema, args.config)
      const found = withKeys(settings.dataDir, (keys) => keys.revoke(args.id, systemClock.nowMs()))
      if (!found) fail('input-invalid', `there is no API key ${args.id}`)
      print(args.json, { id: args.id, revoked: true }, [`key ${args.id} is revoked`])
    }),
})

const key = defineCommand({ meta: { name: 'key', description: 'API keys' }, subCommands: { create, list, revoke } })

export const coreCommand = defineCommand({
  meta: { name, description: 'Tributary’s core: stores what the regions send and answers one API' },
  subCommands: { run, doctor, check, top, key },
})

function withKeys<T>(dataDir: string, use: (keys: SqliteKeys) => T): T {
  const keys = new SqliteKeys(dataDir)
  try {
    return use(keys)
  } finally {
    keys.close()
  }
}

/** From a file or standard input, never from the command line, which every user of the machine can read. */
function numberPseudonym(file: string, keyFile: string): string {
  const text = readFileSync(file === '-' ? 0 : file, 'utf8').trim()
  if (!/^\+[1-9]\d{4,14}$/.test(text)) fail('input-invalid', '--number-file: expected one E.164 number with +')
  return wordsToHex(new Pseudonymiser(readIdentityKey(keyFile)).words('msisdn', normaliseMsisdn(text)))
}

function print(asJson: boolean, value: unknown, words: readonly string[]): void {
  process.stdout.write(asJson ? `${JSON.stringify(value)}\n` : `${words.join('\n')}\n`)
}
