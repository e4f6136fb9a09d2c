/** The hub's commands: run it, check its settings and cell inventory, look at it. Definitions only: main.ts runs them. */
import { defineCommand } from 'citty'
import { systemClock } from '#shared/clock.ts'
import { loadConfig } from '#shared/config.ts'
import { createLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics.ts'
import { Pseudonymiser, readIdentityKey } from '#shared/pseudonym.ts'
import { runCommand, runService } from '#shared/service.ts'
import { auditCommand, userCommand } from './account-commands.ts'
import { configSchema } from './config.ts'
import { doctor, top } from './doctor-commands.ts'
import { createReport } from './events.ts'
import { type Hub, openHub } from './open-hub.ts'
import { readInventory } from './read-inventory.ts'

const name = 'tributary-hub'
const config = { type: 'string', description: 'settings file (YAML)', default: 'hub.yaml' } as const
const json = { type: 'boolean', description: 'answer as JSON', default: false } as const

const run = defineCommand({
  meta: { name: 'run', description: 'Run the hub of a region: inbox, detection, trunk, console' },
  args: { config, json },
  run: ({ args }) =>
    runCommand(name, async () => {
      const settings = loadConfig(configSchema, args.config)
      const pseudonyms = new Pseudonymiser(readIdentityKey(settings.identity.keyFile), 1_000)
      const log = createLog({ service: 'hub', name: settings.region, level: settings.log.level })
      const metrics = createMetrics('hub')
      let hub: Hub | undefined
      await runService({
        name,
        log,
        build: async (_signal, die) => {
          hub = openHub(settings, { clock: systemClock, metrics, report: createReport(log, metrics), pseudonyms, die })
          return hub.components
        },
        started: () => log.info({ api: hub?.apiUrl(), admin: hub?.admin.url }, 'the console answers'),
      })
    }),
})

const check = defineCommand({
  meta: { name: 'check', description: 'Check the settings, the identity key and the cell inventory; starts nothing' },
  args: { config, json },
  run: ({ args }) =>
    runCommand(name, async () => {
      const settings = loadConfig(configSchema, args.config)
      const { kid } = readIdentityKey(settings.identity.keyFile)
      const log = createLog({ service: 'hub', name: settings.region, level: 'silent' })
      const cells = readInventory(settings, createReport(log, createMetrics('hub', { processMetrics: false }))).length
      if (args.json) process.stdout.write(`${JSON.stringify({ ok: true, config: settings, identityKey: kid, cells })}\n`)
      else process.stdout.write(`${args.config} is fine; identity key ${kid}; ${cells} cells in the inventory\n`)
    }),
})

export const hubCommand = defineCommand({
  meta: { name, description: 'Tributary’s regional hub: one region’s inbox, detection, trunk and console' },
  subCommands: { run, doctor, check, top, user: userCommand, audit: auditCommand },
})
