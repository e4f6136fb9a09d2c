import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { loadConfig } from '#shared/config.ts'
import { configSchema as coreSchema } from '../core/config.ts'
import { configSchema as agentSchema } from '../edge-agent/config.ts'
import { configSchema as hubSchema } from '../regional-hub/config.ts'
import { planPorts } from './port-plan.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const root = join(folder, '..')

interface ComposedService {
  readonly image: string
  readonly command: string[]
  readonly environment?: Record<string, string>
  readonly volumes?: string[]
  readonly ports?: string[]
  readonly depends_on?: string[] | Record<string, unknown>
}
const composed = parse(readFileSync(join(folder, 'compose.yaml'), 'utf8'), { merge: true }) as {
  services: Record<string, ComposedService>
  volumes: Record<string, unknown>
}
const services = Object.entries(composed.services)

test('every composed service starts a program that is there, with files, volumes and services that are there', () => {
  for (const [name, service] of services) {
    const main = service.command[0] ?? ''
    if (service.image === 'tributary' && main !== '-e') assert.ok(existsSync(join(root, main)), `${name}: ${main}`)
    for (const volume of service.volumes ?? []) {
      const source = volume.split(':')[0] ?? ''
      assert.ok(source.startsWith('./') ? existsSync(join(folder, source)) : source in composed.volumes, `${name}: ${source}`)
    }
    const needed = service.depends_on ?? []
    for (const other of Array.isArray(needed) ? needed : Object.keys(needed)) assert.ok(other in composed.services, `${name}: ${other}`)
  }
})

test('the composed network is reached where npm start is, and from this machine only', () => {
  const planned = new Set(planPorts(14_200, ['north', 'south'], 2).all.map((port) => `${port.number}/${port.protocol}`))
  for (const [name, service] of services)
    for (const port of service.ports ?? []) {
      const [, published, protocol] = /^127\.0\.0\.1:(\d+):\d+(\/udp)?$/.exec(port) ?? []
      assert.ok(published, `${name}: ${port} is open to others`)
      assert.ok(planned.has(`${published}/${protocol ? 'udp' : 'tcp'}`), `${name}: ${port}`)
    }
})

test('each composed service takes its settings', () => {
  const schemas = { 'core/main.ts': coreSchema, 'regional-hub/main.ts': hubSchema, 'edge-agent/main.ts': agentSchema }
  let checked = 0
  for (const [name, service] of services) {
    const schema = schemas[(service.command[0] ?? '') as keyof typeof schemas]
    if (!schema) continue
    const file = service.volumes?.[0]?.split(':')[0] ?? ''
    assert.doesNotThrow(() => loadConfig(schema, join(folder, file), { environment: service.environment ?? {} }), name)
    checked++
  }
  assert.equal(checked, 7)
})

test('the image copies what the checkout has', () => {
  const copies = readFileSync(join(folder, 'Dockerfile'), 'utf8').matchAll(/^COPY (?!--from)(.+) \S+$/gm)
  for (const [, sources = ''] of copies) for (const source of sources.split(' ')) assert.ok(existsSync(join(root, source)), source)
})

test('nats-server takes the composed configuration', () => {
  const server = process.env.TRIBUTARY_NATS_SERVER
  assert.ok(server, 'npm test sets TRIBUTARY_NATS_SERVER')
  for (const file of ['nats-core.conf', 'nats-region.conf'])
    execFileSync(server, ['-t', '--config', join(folder, 'compose', file)], { env: { REGION: 'north' }, stdio: 'pipe' })
})
