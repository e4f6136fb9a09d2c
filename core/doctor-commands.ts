/** `tributary-core doctor` and `top`: is the core well, and what happens in it now. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { defineCommand } from 'citty'
import { askRunning, metricOf } from '#shared/check-context.ts'
import { humanBytes } from '#shared/check-host.ts'
import { runDoctor, screen } from '#shared/command-output.ts'
import { loadConfig } from '#shared/config.ts'
import { fail } from '#shared/errors.ts'
import { liveScreen } from '#shared/live-screen.ts'
import { runCommand } from '#shared/service.ts'
import { SqliteKeys } from './adapters/sqlite-keys.ts'
import { configSchema } from './config.ts'
import { CoreCheckContext, coreChecks, trunkLag } from './core-checks.ts'

const name = 'tributary-core'
const config = { type: 'string', description: 'settings file (YAML)', default: 'core.yaml' } as const
const json = { type: 'boolean', description: 'answer as JSON', default: false } as const

export const doctor = defineCommand({
  meta: {
    name: 'doctor',
    description: `Look at everything the core depends on (${coreChecks.length} checks, under 10 s, offline too); exit status 0 pass, 1 warn, 2 fail, 3 cannot tell`,
  },
  args: { config, json, fix: { type: 'boolean', description: 'mend what can be mended without risk', default: false } },
  run: ({ args }) =>
    runCommand(name, async () => {
      process.exitCode = 3
      const context = new CoreCheckContext(args.config, { validKeys })
      process.exitCode = (
        await runDoctor({ service: 'core', checks: coreChecks, context, json: args.json, fix: args.fix, out: screen() })
      ).exit
    }),
})

export const top = defineCommand({
  meta: { name: 'top', description: 'The running core as a live screen: trunk, rows by record, requests' },
  args: { config, json, once: { type: 'boolean', description: 'once, not live; so it is without a terminal, too', default: false } },
  run: ({ args }) =>
    runCommand(name, async () => {
      const { admin } = loadConfig(configSchema, args.config)
      const out = screen()
      let before: { readonly atMs: number; readonly rows: number; readonly requests: number } | undefined
      const look = async () => {
        const running = await askRunning(`http://${admin.host}:${admin.port}`)
        if (running === undefined) return fail('service-silent', `no core at http://${admin.host}:${admin.port}`)
        const context = new CoreCheckContext(args.config)
        const lag = await trunkLag(context).catch(() => undefined)
        await context.close()
        const sum = (metric: string) => metricOf(running.metrics, metric) ?? 0
        const now = { atMs: Date.now(), rows: sum('tributary_core_rows_total'), requests: sum('tributary_core_requests_total') }
        const rate = (key: 'rows' | 'requests') =>
          before === undefined ? null : Math.round(((now[key] - before[key]) * 10_000) / Math.max(1, now.atMs - before.atMs)) / 10
        const facts = {
          schema: 1 as const,
          status: running.health.status,
          trunkLagFrames: lag ?? null,
          rowsPerS: rate('rows'),
          requestsPerS: rate('requests'),
          rows: Object.fromEntries(
            [...running.metrics.matchAll(/^tributary_core_rows_total\{record="([^"]+)"[^}]*\} (\d+)/gm)].map(([, record, count]) => [
              record!,
              Number(count),
            ]),
          ),
          requests: now.requests,
          hotSubscribers: sum('tributary_core_hot_subscribers'),
          memoryBytes: sum('process_resident_memory_bytes'),
          problems: running.health.checks.filter(({ verdict }) => verdict !== 'ok').map(({ id, words }) => `${id}: ${words}`),
        }
        before = now
        return facts
      }
      const paint = async () => {
        const now = await look()
        const colour = (code: number, text: string) => (out.colours ? `\u001b[${code}m${text}\u001b[0m` : text)
        const per = (value: number | null, unit: string) => (value === null ? '' : `, ${value} ${unit}/s`)
        return [
          `core: ${now.status === 'ok' ? colour(32, 'ok') : colour(33, now.status)}, ${humanBytes(now.memoryBytes)} memory, ${now.hotSubscribers} subscribers in hot state`,
          `trunk   ${now.trunkLagFrames ?? 'an unknown number of'} frames not stored yet${per(now.rowsPerS, 'rows')}`,
          `API     ${now.requests} requests since start${per(now.requestsPerS, 'requests')}`,
          '',
          'record                 rows since start',
          ...Object.entries(now.rows).map(([record, count]) => `${record.padEnd(20)} ${String(count).padStart(18)}`),
          ...(now.problems.length === 0 ? [] : ['', ...now.problems.map((words) => colour(33, `! ${words}`))]),
        ]
      }
      if (args.json) out.data(JSON.stringify(await look()))
      else await liveScreen({ everyMs: 1_000, once: args.once, paint })
    }),
})

function validKeys(dataDir: string): number | undefined {
  if (!existsSync(join(dataDir, 'keys.db'))) return undefined
  const keys = new SqliteKeys(dataDir)
  try {
    const nowMs = Date.now()
    return keys.list().filter(({ revokedMs, expiresMs }) => revokedMs === null && (expiresMs === null || expiresMs > nowMs)).length
  } finally {
    keys.close()
  }
}
