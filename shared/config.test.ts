import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { z } from 'zod'
import { ConfigError, jsonSchema, loadConfig, settingsTable } from './config.ts'

const dir = mkdtempSync(join(tmpdir(), 'config-'))
after(() => rmSync(dir, { recursive: true }))

const schema = z.object({
  agent: z
    .string()
    .regex(/^[a-z0-9-]+$/)
    .describe('Name of this agent.'),
  identity: z.object({ keyFile: z.string().describe('Key file of the tenant.') }),
  mqtt: z
    .object({
      enabled: z.boolean().default(true).describe('Whether devices may connect.'),
      port: z.int().min(1).max(65535).default(1883).describe('TCP port.'),
    })
    .prefault({}),
  ndpi: z
    .array(z.object({ file: z.string().describe('CSV file.'), cell: z.string().describe('Cell of the tap.') }))
    .default([])
    .describe('Files to follow.'),
  log: z.object({ level: z.enum(['info', 'debug']).default('info').describe('What is logged.') }).prefault({}),
  retentionDays: z.number().positive().default(7).meta({ description: 'How long rows are kept.', unit: 'days' }),
})

test('a short file is enough, the rest is defaults; the environment has the last word', () => {
  const file = write('agent: north-1\nidentity:\n  keyFile: /etc/key\nmqtt:\n')
  assert.deepEqual(loadConfig(schema, file, { environment: {} }), {
    agent: 'north-1',
    identity: { keyFile: '/etc/key' },
    mqtt: { enabled: true, port: 1883 },
    ndpi: [],
    log: { level: 'info' },
    retentionDays: 7,
  })
  const environment = { TRIBUTARY_IDENTITY_KEY_FILE: '123', TRIBUTARY_MQTT_PORT: '99', TRIBUTARY_MQTT_ENABLED: 'false' }
  const config = loadConfig(schema, file, { environment })
  assert.equal(config.identity.keyFile, '123')
  assert.deepEqual(config.mqtt, { enabled: false, port: 99 })
})

test('all problems are told at once, each with its place', () => {
  const file = write('agent: North 1\nmqtt:\n  prot: 99\n  port: 700000\nlog:\n  level: infos\nndpi:\n  - fille: x\n')
  const error = refusal(file, { TRIBUTARY_RETENTION_DAYS: '-1' })
  const told = error.problems.map(({ where, path, words }) => `${where.replace(file, 'FILE')} ${path}: ${words}`)
  assert.deepEqual(told, [
    'FILE:3:3 mqtt.prot: there is no such setting; did you mean port?',
    'FILE:8:5 ndpi.0.fille: there is no such setting; did you mean file?',
    'FILE:1:8 agent: "North 1" stands there, expected something like /^[a-z0-9-]+$/ (Name of this agent)',
    'FILE:1:1 identity.keyFile: missing (Key file of the tenant); there is no default',
    'FILE:4:9 mqtt.port: 700000 stands there, expected at most 65535 (TCP port)',
    'FILE:8:5 ndpi.0.file: missing (CSV file); there is no default',
    'FILE:8:5 ndpi.0.cell: missing (Cell of the tap); there is no default',
    'FILE:6:10 log.level: "infos" stands there, allowed: info, debug; did you mean info?',
    'environment variable TRIBUTARY_RETENTION_DAYS retentionDays: -1 stands there, expected more than 0 (How long rows are kept)',
  ])
  for (const { words } of error.problems) assert.ok(error.message.includes(words))
})

test('a file that is no YAML, no settings, or not there', () => {
  assert.match(refusal(write('agent: [1, 2\nx')).message, /:\d+:\d+: /)
  assert.match(refusal(write('- a\n- b\n')).message, /:1:1: expected settings/)
  assert.match(refusal(write('agent: a\nagent: b\n')).message, /:2:1: .*unique/i)
  assert.match(refusal(write('')).message, /agent: missing/)
  assert.throws(() => loadConfig(schema, join(dir, 'absent.yaml')), /absent\.yaml: ENOENT.*--config/)
})

test('the reference has each setting with its type, default, bounds and meaning', () => {
  const table = settingsTable(schema)
  assert.match(table, /\| `mqtt\.port` \| integer \| `1883` \| 1…65535 \| TCP port\. \|/)
  assert.match(table, /\| `identity\.keyFile` \| string \| required \|/)
  assert.match(table, /\| `retentionDays` \| number \| `7` \| > 0 days \|/)
  assert.match(table, /\| `ndpi\[\]\.cell` \|/)
  assert.deepEqual(jsonSchema(schema).required, ['agent', 'identity'])
})

function write(text: string): string {
  const file = join(dir, 'settings.yaml')
  writeFileSync(file, text)
  return file
}

function refusal(file: string, environment: Record<string, string> = {}): ConfigError {
  try {
    loadConfig(schema, file, { environment })
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('the file was accepted')
}
