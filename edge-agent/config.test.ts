import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadConfig } from '#shared/config.ts'
import { jsonSchema, leafSettings } from '#shared/settings-reference.ts'
import { configSchema } from './config.ts'

const dir = mkdtempSync(join(tmpdir(), 'agent-config-'))
after(() => rmSync(dir, { recursive: true, force: true }))

function load(text: string) {
  const file = join(dir, 'agent.yaml')
  writeFileSync(file, text)
  return loadConfig(configSchema, file, { environment: {} })
}

test('four lines are enough', () => {
  const config = load('agent: north-1\nregion: north\ndataDir: data\nidentity: { keyFile: key }\n')
  assert.deepEqual([config.mqtt.port, config.netflow.port, config.admin.port, config.tenant], [1883, 2055, 9101, 'default'])
  assert.ok(
    [config.mqtt.host, config.netflow.host, config.admin.host].every((host) => host === '127.0.0.1'),
    'loopback unless told otherwise',
  )
})

test('every mistake is told at once, each with its line and column', () => {
  assert.throws(
    () => load('agent: north 1\nregion: north\ndataDir: data\nidentity: { keyFile: key }\nmqtt:\n  prot: 1\nuplink: { maxInFlight: 0 }\n'),
    ({ message }: Error) =>
      ['agent.yaml:1:8', 'agent.yaml:6:3: mqtt.prot', 'did you mean port?', 'agent.yaml:7:24'].every((part) => message.includes(part)),
  )
})

test('every setting has a sentence', () => {
  const silent = [...leafSettings(jsonSchema(configSchema))]
    .filter(({ schema }) => (schema.description ?? '') === '')
    .map(({ path }) => path.join('.'))
  assert.deepEqual(silent, [])
})
