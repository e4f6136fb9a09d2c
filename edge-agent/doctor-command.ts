/** `tributary-agent doctor`: is everything as it must be, and if not, what to do. And `top`, the running agent as a live screen. */
import { defineCommand } from 'citty'
import { askRunning } from '#shared/check-context.ts'
import { spaceOf } from '#shared/check-host.ts'
import { runDoctor, screen } from '#shared/command-output.ts'
import { loadConfig } from '#shared/config.ts'
import { fail } from '#shared/errors.ts'
import { liveScreen } from '#shared/live-screen.ts'
import { runCommand } from '#shared/service.ts'
import { agentChecks } from './agent-checks.ts'
import { name, sharedArgs } from './command-args.ts'
import { configSchema } from './config.ts'
import { doctorContext } from './doctor.ts'
import { type TopFacts, type TopSight, topFacts, topLines } from './top-screen.ts'
import type { SiteSight } from './watch-site.ts'

export const doctor = defineCommand({
  meta: {
    name: 'doctor',
    description: `Look at everything a site depends on (${agentChecks.length} checks, under 10 s, offline too); exit status 0 pass, 1 warn, 2 fail, 3 cannot tell`,
  },
  args: {
    ...sharedArgs,
    fix: {
      type: 'boolean',
      description: 'mend what can be mended without risk: make the data folder, close key and folder to others',
      default: false,
    },
    user: { type: 'string', description: 'a device’s user name, where the broker asks for one' },
    'password-file': { type: 'string', description: 'file with its password (or - for standard input)' },
  },
  run: ({ args }) =>
    runCommand(name, async () => {
      process.exitCode = 3
      const context = doctorContext({ configFile: args.config, user: args.user, passwordFile: args['password-file'] })
      const { exit } = await runDoctor({
        service: 'edge-agent',
        checks: agentChecks,
        context,
        json: args.json,
        fix: args.fix,
        out: screen(),
      })
      process.exitCode = exit
    }),
})

export const top = defineCommand({
  meta: { name: 'top', description: 'The running agent as a live screen: taps, lanes, backlog, link, disk, budgets' },
  args: {
    ...sharedArgs,
    once: { type: 'boolean', description: 'once, not live; so it is without a terminal, too', default: false },
  },
  run: ({ args }) =>
    runCommand(name, async () => {
      const { admin, dataDir } = loadConfig(configSchema, args.config)
      const url = `http://${admin.host}:${admin.port}`
      const out = screen()
      let before: TopSight | undefined
      const look = async (): Promise<TopFacts> => {
        const running = await askRunning(url)
        if (running?.site === undefined) fail('service-silent', `no agent at ${url}, the admin address in ${args.config}`)
        const now = { ...running, site: running.site as SiteSight, freeBytes: (await spaceOf(dataDir)).freeBytes }
        const facts = topFacts(now, before)
        before = now
        return facts
      }
      if (args.json) out.data(JSON.stringify(await look()))
      else await liveScreen({ everyMs: 1_000, once: args.once, paint: async () => topLines(await look(), out.colours) })
    }),
})
