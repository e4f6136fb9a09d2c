/**
 * How fast the front half of the agent is: broker → decode → repeats → journal with its fsync, in a process of its own on one core.
 *
 *   node24 test/bench/agent.ts [seconds]
 *
 * The load is that of mqttgen.ts. The table of stages is measured in this process, in
 * processor time, so that other work on the machine does not stand in it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { measureStages } from './agent-stages.ts'
import type { Generated } from './mqtt-load.ts'
import { findMqttgen, pinnedTo, publishLoad } from './mqttgen.ts'

const seconds = Number(process.argv[2] ?? 10)
const dir = mkdtempSync(join(tmpdir(), 'bench-agent-'))
const mqttgen = findMqttgen(dir)

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
  const [program, args] = pinnedTo(0, [
    process.execPath,
    '--max-semi-space-size=64',
    agentFile,
    join(dir, `journal-${events}`),
    '0',
    'release',
  ])
  const agent = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [hello] = (await once(agent.stdout!, 'data')) as [Buffer]
    const { port } = JSON.parse(String(hello)) as { port: number }
    const load = await publishLoad(mqttgen, { port, events, seconds })
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
