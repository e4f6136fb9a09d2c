/**
 * How fast the front half of the agent is: broker → decode → repeats → journal with its fsync, in a process of its own on one core.
 *
 *   node24 test/bench/agent.ts [seconds]
 *
 * Events come from mqttgen when TRIBUTARY_MQTTGEN names its binary or its source folder (built with go), else from a generator in here,
 * which is slower than the agent: then the figure is a lower bound, and it is said. The table of stages is measured in this process, in
 * processor time, so that other work on the machine does not stand in it.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { measureStages } from './agent-stages.ts'
import { type Generated, generate } from './mqtt-load.ts'

const seconds = Number(process.argv[2] ?? 10)
const dir = mkdtempSync(join(tmpdir(), 'bench-agent-'))
const mqttgen = findMqttgen(process.env.TRIBUTARY_MQTTGEN)
const pinned = spawnSync('taskset', ['-c', '0', 'true']).status === 0 && cpus().length > 1

try {
  console.log(
    `${cpus()[0]?.model ?? 'processor'}, ${cpus().length} cores, Node ${process.versions.node}, ${mqttgen === undefined ? 'own generator (a lower bound)' : 'mqttgen'}`,
  )
  for (const events of [1, 100]) {
    const { rate, ackMs, cpuMs, rows, rssBytes } = await run(events)
    const perEvent = ((cpuMs * 1e6) / rows).toFixed(0)
    console.log(
      `${events === 1 ? 'single messages ' : `arrays of ${events}   `} ${Math.round(rate).toLocaleString('en')} events/s acknowledged, PUBACK p50 ${ackMs.p50} p99 ${ackMs.p99} ms, ${perEvent} ns processor time an event (start-up included), RSS ${(rssBytes / 2 ** 20).toFixed(0)} MiB`,
    )
  }
  for (const events of [1, 100]) {
    console.log(`\nns an event by stage, ${events === 1 ? 'single messages' : `arrays of ${events}`}`)
    for (const [stage, ns] of Object.entries(measureStages(join(dir, `stages-${events}`), events)))
      console.log(`  ${stage.padEnd(34)} ${ns.toFixed(0).padStart(6)}`)
  }
} finally {
  rmSync(dir, { recursive: true, force: true })
}

async function run(events: number): Promise<Generated & { rows: number; cpuMs: number; rssBytes: number }> {
  const agentFile = join(import.meta.dirname, '../rigs/agent-front-process.ts')
  const command = [process.execPath, '--max-semi-space-size=64', agentFile, join(dir, `journal-${events}`), '0', 'release']
  const agent = pinned
    ? spawn('taskset', ['-c', '0', ...command], { stdio: ['ignore', 'pipe', 'inherit'] })
    : spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [hello] = (await once(agent.stdout!, 'data')) as [Buffer]
    const { port } = JSON.parse(String(hello)) as { port: number }
    const load = mqttgen === undefined ? await generate({ port, events, seconds }) : runMqttgen(mqttgen, port, events)
    const farewell = once(agent.stdout!, 'data') as Promise<[Buffer]>
    agent.kill('SIGTERM')
    const [last] = await farewell
    const { rows, cpuMs, rssBytes } = JSON.parse(String(last)) as { rows: number; cpuMs: number; rssBytes: number }
    await once(agent, 'exit')
    return { ...load, rows, cpuMs, rssBytes }
  } finally {
    agent.kill('SIGKILL')
  }
}

function runMqttgen(binary: string, port: number, events: number): Generated {
  const flags = [
    '-addr',
    `127.0.0.1:${port}`,
    '-shape',
    'tributary',
    '-pubs',
    '50',
    '-window',
    events === 1 ? '100' : '8',
    '-array',
    String(events),
    '-dur',
    `${seconds}s`,
    '-id',
    `b${events}`,
  ]
  const command = pinned ? ['taskset', '-c', '1', binary, ...flags] : [binary, ...flags]
  const { stdout } = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8', timeout: (seconds + 60) * 1000 })
  const result = JSON.parse(stdout) as { rate: number; ack_ms: { p50: number; p99: number } }
  return { rate: result.rate * events, ackMs: result.ack_ms }
}

function findMqttgen(path: string | undefined): string | undefined {
  if (path === undefined || !existsSync(path)) return undefined
  if (statSync(path).isFile()) return path
  const binary = join(dir, 'mqttgen')
  return spawnSync('go', ['build', '-o', binary, '.'], { cwd: path, stdio: 'inherit' }).status === 0 ? binary : undefined
}
