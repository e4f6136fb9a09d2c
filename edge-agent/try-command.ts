/**
 * `tributary-agent try`: takes in from the configured taps for some seconds, into a folder that is thrown away, and shows what would be sent and
 * how big it is. Sends nothing, touches no store. Devices that connect meanwhile are acknowledged as ever, and what they sent is thrown away
 * with the folder: for a site that is being set up. A running agent holds the ports, so that it cannot happen to one by accident.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineCommand } from 'citty'
import { decodeBatch } from '#shared/batch-codec.ts'
import { holderOf, holderWords, humanBytes } from '#shared/check-host.ts'
import { systemClock } from '#shared/clock.ts'
import { screen } from '#shared/command-output.ts'
import { loadConfig } from '#shared/config.ts'
import { fail } from '#shared/errors.ts'
import { createLog } from '#shared/log.ts'
import { createMetrics } from '#shared/metrics.ts'
import { runCommand, startAll, stopAll } from '#shared/service.ts'
import { readOutbox } from './adapters/read-stores.ts'
import { batchLines } from './batch-lines.ts'
import { name, sharedArgs } from './command-args.ts'
import { type AgentConfig, configSchema } from './config.ts'
import { agentPipeline } from './pipeline.ts'
import type { SiteSight } from './watch-site.ts'

/** Nobody listens there (discard's neighbour, reserved): the uplink looks for a server in vain, and nothing can leave. */
const nowhere = 'nats://127.0.0.1:1'

interface Sum {
  readonly lane: string
  readonly record: string
  batches: number
  rows: number
  bytes: number
}

export const tryCommand = defineCommand({
  meta: { name: 'try', description: 'Take in for some seconds and show what would be sent and its size; send nothing' },
  args: {
    ...sharedArgs,
    seconds: { type: 'string', description: 'how long', default: '10' },
    rows: { type: 'string', description: 'how many records to show', default: '20' },
    'mqtt-port': { type: 'string', description: 'another port for the broker, where a running agent holds the configured one' },
    'netflow-port': { type: 'string', description: 'another port for flows' },
  },
  run: ({ args }) =>
    runCommand(name, async () => {
      const seconds = wholeNumber('--seconds', args.seconds, 1, 3_600)
      const shown = wholeNumber('--rows', args.rows, 0, 100_000)
      const settings = loadConfig(configSchema, args.config)
      const dataDir = mkdtempSync(join(tmpdir(), 'tributary-try-'))
      const out = screen()
      try {
        const trial = trialOf(settings, dataDir, {
          mqtt: args['mqtt-port'] === undefined ? undefined : wholeNumber('--mqtt-port', args['mqtt-port'], 0, 65_535),
          netflow: args['netflow-port'] === undefined ? undefined : wholeNumber('--netflow-port', args['netflow-port'], 0, 65_535),
        })
        const site = await takeIn(trial, seconds, (words) => out.progress(words))
        out.progress('')
        tell(args.json, out, dataDir, site, { seconds, shown, skipped: settings.brokers.length })
      } finally {
        rmSync(dataDir, { recursive: true, force: true })
      }
    }),
})

/** Brokers on site are left out: their session is the real agent's, and what was taken from it here would be missing there. */
function trialOf(settings: AgentConfig, dataDir: string, ports: { mqtt?: number; netflow?: number }): AgentConfig {
  return {
    ...settings,
    dataDir,
    brokers: [],
    hub: { natsUrl: nowhere },
    admin: { host: '127.0.0.1', port: 0 },
    mqtt: { ...settings.mqtt, port: ports.mqtt ?? settings.mqtt.port },
    netflow: { ...settings.netflow, port: ports.netflow ?? settings.netflow.port },
    journal: { ...settings.journal, ballastBytes: 0 },
    outbox: { ...settings.outbox, ballastBytes: 0 },
  }
}

async function takeIn(config: AgentConfig, seconds: number, progress: (words: string) => void): Promise<SiteSight> {
  const log = createLog({ service: 'edge-agent', name: config.agent, level: 'silent' })
  let failure: unknown
  const ended = new AbortController()
  const agent = agentPipeline(config, {
    clock: systemClock,
    log,
    metrics: createMetrics('edge-agent', { processMetrics: false }),
    die: (error) => {
      failure = error
      ended.abort()
    },
  })
  try {
    await startAll(agent.components, ended.signal)
  } catch (error) {
    const held = heldPorts(config)
    if (held === '') throw error
    fail(
      'port-taken',
      `${held}. If it is this site’s own agent, look at it with “${name} tap”; or try on other ports: --mqtt-port, --netflow-port`,
    )
  }
  try {
    for (let left = seconds; left > 0 && !ended.signal.aborted; left--) {
      progress(`taking in on mqtt ${agent.mqttPort()}, netflow ${agent.netflowPort()}; ${left} s left`)
      await sleep(1_000, undefined, { signal: ended.signal }).catch(() => {}) // a failure ends it early
    }
    await sleep(config.windows.graceMs + config.sightings.cutMs) // what came last is cut into records
    const site = (await (await fetch(`${agent.adminUrl()}/site`)).json()) as SiteSight
    if (failure !== undefined) throw failure
    return site
  } finally {
    await stopAll(agent.components, 3_000)
  }
}

/** Who holds the ports that are needed, in words; '' when nobody does. */
function heldPorts({ mqtt, netflow }: AgentConfig): string {
  const needs = [
    { setting: 'mqtt.port', port: mqtt.port, kind: 'tcp', on: mqtt.enabled },
    { setting: 'netflow.port', port: netflow.port, kind: 'udp', on: netflow.enabled },
  ] as const
  return needs
    .flatMap(({ setting, port, kind, on }) => {
      const holder = on && port !== 0 ? holderOf(port, kind) : undefined
      return holder === undefined ? [] : [`${setting} ${port} is held by ${holderWords(holder)}`]
    })
    .join('; ')
}

function tell(
  json: boolean,
  out: ReturnType<typeof screen>,
  dataDir: string,
  site: SiteSight,
  { seconds, shown, skipped }: { seconds: number; shown: number; skipped: number },
): void {
  const sums = new Map<string, Sum>()
  const samples: Record<string, unknown>[] = []
  let oldestMs = Number.POSITIVE_INFINITY
  for (const { lane, record, rows, frame, createdMs } of readOutbox(dataDir)) {
    const key = `${lane} ${record}`
    const sum = sums.get(key) ?? { lane, record, batches: 0, rows: 0, bytes: 0 }
    sums.set(key, sum)
    sum.batches++
    sum.rows += rows
    sum.bytes += frame.length
    oldestMs = Math.min(oldestMs, createdMs)
    if (samples.length < shown) samples.push(...[...batchLines(decodeBatch(frame))].slice(0, shown - samples.length))
  }
  const total = [...sums.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  const taps = site.taps.map(({ tap, accepted, rejected, duplicate, reasons }) => ({ tap, accepted, rejected, duplicate, reasons }))
  if (json) {
    out.data(
      JSON.stringify({
        schema: 1,
        seconds,
        taps,
        wouldSend: [...sums.values()],
        bytes: total,
        bytesPerSecond: Math.round(total / seconds),
        records: samples,
      }),
    )
    return
  }
  for (const sample of samples) out.data(JSON.stringify(sample))
  out.data(
    `in ${seconds} s came: ${taps.map(({ tap, accepted, rejected, duplicate }) => `${tap} ${accepted} accepted, ${rejected} rejected, ${duplicate} repeated`).join('; ') || 'nothing'}`,
  )
  for (const { tap, reasons } of taps)
    for (const [reason, count] of Object.entries(reasons)) out.data(`  ${tap}: ${count} rejected: ${reason}`)
  out.data('would be sent: lane, record, batches, rows, size')
  for (const { lane, record, batches, rows, bytes } of sums.values())
    out.data(`  ${lane}  ${record}  ${batches}  ${rows}  ${humanBytes(bytes)}`)
  out.data(`together ${humanBytes(total)}, ${humanBytes(total / seconds)}/s; nothing was sent, and nothing is kept`)
  if (skipped > 0) out.data(`${skipped} brokers on site were left out: what is taken from them here would be missing to the agent`)
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > most)
    fail('input-invalid', `${flag} ${text}: expected a whole number from ${least} to ${most}`)
  return value
}
