/**
 * The agent's commands: set it up, run it, look at it, hand it a file of flows, hash a device's password. Definitions only: main.ts runs them,
 * and the reference of commands is made from them. Exit statuses: shared/command-output.ts.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { crc32 } from 'node:zlib'
import { defineCommand } from 'citty'
import { systemClock } from '#shared/clock.ts'
import { loadConfig } from '#shared/config.ts'
import { fail } from '#shared/errors.ts'
import { families } from '#shared/families.ts'
import { createLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics.ts'
import { readIdentityKey } from '#shared/pseudonym.ts'
import { sleep } from '#shared/retry.ts'
import { runCommand, runService } from '#shared/service.ts'
import { hashPassword } from './adapters/mqtt-credentials.ts'
import { MqttForwarder } from './adapters/mqtt-forwarder.ts'
import { NdpiFile } from './adapters/ndpi-file.ts'
import { buffer } from './buffer-commands.ts'
import { bundle } from './bundle-command.ts'
import { name, sharedArgs } from './command-args.ts'
import { configSchema } from './config.ts'
import { doctor, top } from './doctor-command.ts'
import { init } from './init-command.ts'
import { type Agent, agentPipeline } from './pipeline.ts'
import { tryCommand } from './try-command.ts'
import { followTap } from './watch-tap.ts'

const { config, json } = sharedArgs

const run = defineCommand({
  meta: { name: 'run', description: 'Run the agent: take events, keep them, send them to the region' },
  args: { config, json },
  run: ({ args }) =>
    runCommand(name, async () => {
      const settings = loadConfig(configSchema, args.config)
      const log = createLog({ service: 'edge-agent', name: settings.agent, level: settings.log.level })
      const metrics = createMetrics('edge-agent')
      let agent: Agent | undefined
      await runService({
        name,
        log,
        build: async (_signal, die) => {
          agent = agentPipeline(settings, { clock: systemClock, log, metrics, die })
          return agent.components
        },
        started: () => log.info({ admin: agent?.adminUrl(), epoch: agent?.epoch }, 'events are taken'),
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
      print(args.json, { ok: true, config: settings, identityKey: kid }, `${args.config} is fine; identity key ${kid}`)
    }),
})

const tap = defineCommand({
  meta: { name: 'tap', description: 'Show what the running agent takes, decoded and pseudonymised, until interrupted' },
  args: {
    config,
    json,
    family: { type: 'string', description: `only this family: ${families.join(', ')}`, valueHint: families.join('|') },
    limit: { type: 'string', description: 'stop after so many events' },
  },
  run: ({ args }) =>
    runCommand(name, async () => {
      const { admin } = loadConfig(configSchema, args.config)
      const family = families.find((one) => one === args.family)
      if (args.family !== undefined && family === undefined)
        fail('input-invalid', `--family ${args.family}: there are ${families.join(', ')}`)
      const limit = args.limit === undefined ? Number.POSITIVE_INFINITY : Number(args.limit)
      if (!(limit > 0)) fail('input-invalid', '--limit: expected a number above 0')
      for await (const line of followTap(`http://${admin.host}:${admin.port}`, family, limit)) {
        process.stdout.write(`${args.json ? line : readable(line)}\n`)
      }
    }),
})

const followEveryMs = 1_000

const tapFiles = defineCommand({
  meta: {
    name: 'tap-files',
    description: 'Hand a file of flows to the running agent as it grows; a line handed over twice has no second effect',
  },
  args: {
    config,
    json,
    ndpi: { type: 'string', description: 'nDPI’s CSV file (ndpiReader -C)', required: true },
    cell: { type: 'string', description: 'cell its flows are counted to: MCC-MNC-identity', default: '' },
    once: { type: 'boolean', description: 'stop at the file’s present end, instead of following it', default: false },
    user: { type: 'string', description: 'user name, where the agent asks for one' },
    'password-file': { type: 'string', description: 'file with the password (or - for standard input)' },
  },
  run: ({ args }) =>
    runCommand(name, async () => {
      const { mqtt, agent, netflow, dataDir } = loadConfig(configSchema, args.config)
      const file = args['password-file']
      const cell = args.cell || netflow.cell
      if (cell === '') fail('input-invalid', 'nDPI names no cell, and neither --cell nor netflow.cell in the settings does: give one')
      const forwarder = new MqttForwarder({
        url: `${mqtt.tls === undefined ? 'mqtt' : 'mqtts'}://${mqtt.host}:${mqtt.port}`,
        clientId: `tap-files-${agent}`,
        username: args.user,
        password: file === undefined ? undefined : readSecret(file),
        connectTimeoutMs: 10_000,
      })
      await forwarder.connect()
      try {
        const report = {
          ndpiLineRefused: (_: string, reason: string) => process.stderr.write(`a line is no flow: ${reason}\n`),
          ndpiFileWaits: (_: string, reason: string) => fail('input-invalid', `--ndpi ${args.ndpi}: ${reason}`),
        }
        const options = {
          file: args.ndpi,
          cell,
          stateFile: `${dataDir}/tap-files-${crc32(resolve(args.ndpi)).toString(16)}.json`,
          pollMs: followEveryMs,
          once: true,
        }
        const ndpi = new NdpiFile(options, { intake: forwarder, report, nowMs: () => Date.now() })
        await ndpi.start()
        do {
          const flows = await ndpi.readToEnd()
          if (flows > 0 || args.once) print(args.json, { file: args.ndpi, flows }, `${flows} flows handed over and stored`)
          if (!args.once) await sleep(followEveryMs)
        } while (!args.once)
      } finally {
        await forwarder.close()
      }
    }),
})

const password = defineCommand({
  meta: { name: 'password', description: 'Hash a device’s password, read from standard input, for mqtt.users' },
  args: { json },
  run: ({ args }) =>
    runCommand(name, async () => {
      const secret = readSecret('-')
      if (secret.length < 8) fail('input-invalid', 'the password on standard input is shorter than 8 characters')
      const passwordHash = await hashPassword(secret)
      print(args.json, { passwordHash }, passwordHash)
    }),
})

export const agentCommand = defineCommand({
  meta: { name, description: 'Tributary’s agent: takes events at a site, keeps them, and sends them to its region' },
  subCommands: { init, run, doctor, check, try: tryCommand, tap, 'tap-files': tapFiles, top, buffer, bundle, password },
})

function readSecret(file: string): string {
  return readFileSync(file === '-' ? 0 : file, 'utf8').replace(/\r?\n$/, '')
}

function readable(line: string): string {
  const { time, family, verdict, eventType, source, cell, ...rest } = JSON.parse(line) as Record<string, unknown>
  const facts = Object.entries(rest).map(([key, value]) => `${key}=${value}`)
  return [time ?? '-', family ?? '-', eventType ?? '-', verdict ?? '-', source ?? '-', cell ?? '-', ...facts].join('  ')
}

function print(asJson: boolean, value: unknown, words: string): void {
  process.stdout.write(`${asJson ? JSON.stringify(value) : words}\n`)
}
