/** `tributary-hub doctor` and `top`: is the region well, and what happens in it now. */
import { defineCommand } from 'citty'
import { askRunning, metricOf } from '#shared/check-context.ts'
import { humanBytes } from '#shared/check-host.ts'
import { runDoctor, screen } from '#shared/command-output.ts'
import { loadConfig } from '#shared/config.ts'
import { fail } from '#shared/errors.ts'
import { liveScreen } from '#shared/live-screen.ts'
import { runCommand } from '#shared/service.ts'
import { configSchema } from './config.ts'
import { askHub, type HubAgent, type HubStatus, hubCheckContext, hubChecks } from './hub-checks.ts'

const name = 'tributary-hub'
const config = { type: 'string', description: 'settings file (YAML)', default: 'hub.yaml' } as const
const json = { type: 'boolean', description: 'answer as JSON', default: false } as const

export const doctor = defineCommand({
  meta: {
    name: 'doctor',
    description: `Look at everything a region depends on (${hubChecks.length} checks, under 10 s, offline too); exit status 0 pass, 1 warn, 2 fail, 3 cannot tell`,
  },
  args: { config, json, fix: { type: 'boolean', description: 'mend what can be mended without risk', default: false } },
  run: ({ args }) =>
    runCommand(name, async () => {
      process.exitCode = 3
      const context = hubCheckContext(args.config)
      process.exitCode = (
        await runDoctor({ service: 'hub', checks: hubChecks, context, json: args.json, fix: args.fix, out: screen() })
      ).exit
    }),
})

export const top = defineCommand({
  meta: { name: 'top', description: 'The running hub as a live screen: agents, backlog, trunk, alerts' },
  args: { config, json, once: { type: 'boolean', description: 'once, not live; so it is without a terminal, too', default: false } },
  run: ({ args }) =>
    runCommand(name, async () => {
      const settings = loadConfig(configSchema, args.config)
      const out = screen()
      let before: { readonly atMs: number; readonly rows: number } | undefined
      const look = async () => {
        const signal = AbortSignal.timeout(3_000)
        const [running, status, agents] = await Promise.all([
          askRunning(`http://${settings.admin.host}:${settings.admin.port}`),
          askHub<HubStatus>(settings, 'status', signal),
          askHub<{ items: readonly HubAgent[] }>(settings, 'agents', signal),
        ])
        if (running === undefined || status === undefined || agents === undefined) {
          return fail(
            'service-silent',
            `no hub at ${settings.admin.host}:${settings.admin.port} and ${settings.api.host}:${settings.api.port}`,
          )
        }
        const rowsPerS =
          before === undefined ? null : Math.round(((status.rowsTaken - before.rows) * 1000) / Math.max(1, status.timeMs - before.atMs))
        before = { atMs: status.timeMs, rows: status.rowsTaken }
        const problems = running.health.checks.filter(({ verdict }) => verdict !== 'ok').map(({ id, words }) => `${id}: ${words}`)
        return {
          schema: 1 as const,
          status: running.health.status,
          rowsPerS,
          memoryBytes: metricOf(running.metrics, 'process_resident_memory_bytes') ?? 0,
          ...status,
          agents: agents.items.map(({ agent, isSilent, enrolled, lastSeenMs, completeThroughMs, missing, received, backlog }) => ({
            agent,
            enrolled,
            isSilent,
            lastSeenS: lastSeenMs === null ? null : Math.round((status.timeMs - lastSeenMs) / 1000),
            completeS: completeThroughMs === null ? null : Math.round((status.timeMs - completeThroughMs) / 1000),
            missing,
            received,
            waiting: backlog.reduce((sum, { batches }) => sum + batches, 0),
          })),
          problems,
        }
      }
      const paint = async () => {
        const now = await look()
        const colour = (code: number, text: string) => (out.colours ? `\u001b[${code}m${text}\u001b[0m` : text)
        const state = now.status === 'ok' ? colour(32, 'ok') : colour(33, now.status)
        const alerts =
          Object.entries(now.openAlerts)
            .map(([severity, count]) => `${count} ${severity}`)
            .join(', ') || 'none'
        return [
          `region ${now.region}: ${state}, ${humanBytes(now.memoryBytes)} memory, ${now.subscribers} subscribers, ${now.cells} cells${now.rowsPerS === null ? '' : `, ${now.rowsPerS} rows/s`}`,
          `trunk   ${now.trunk.waitingBatches} batches wait (${humanBytes(now.trunk.waitingBytes)}); ${now.claimsWaiting} claims wait`,
          `alerts  open: ${alerts}`,
          '',
          'agent                 heard   complete through   missing   waiting   rows',
          ...now.agents.map((one) => {
            const heard = one.lastSeenS === null ? 'never' : `${one.lastSeenS} s`
            const through = one.completeS === null ? '-' : `${one.completeS} s ago`
            const line = `${one.agent.padEnd(20)} ${heard.padStart(6)} ${through.padStart(18)} ${String(one.missing).padStart(9)} ${String(one.waiting).padStart(9)}   ${one.received}`
            return one.isSilent ? colour(31, `${line}  silent`) : line
          }),
          ...(now.problems.length === 0 ? [] : ['', ...now.problems.map((words) => colour(33, `! ${words}`))]),
        ]
      }
      if (args.json) out.data(JSON.stringify(await look()))
      else await liveScreen({ everyMs: 1_000, once: args.once, paint })
    }),
})
