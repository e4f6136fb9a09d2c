/**
 * The load that the agent's figures are measured with: mqttgen, a generator that is no bottleneck, when its binary or its source folder (built with
 * go) is named by TRIBUTARY_MQTTGEN or lies among the shared tools; else our own generator, and then the figure is a lower bound.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { type Generated, generate } from './mqtt-load.ts'

/** The agent gets processor 0 for itself, the generator processor 1. */
export const isPinned = cpus().length > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0

export function pinnedTo(processor: 0 | 1, command: readonly string[]): [program: string, args: string[]] {
  const [program, ...args] = isPinned ? ['taskset', '-c', String(processor), ...command] : command
  return [program!, args]
}

/** The binary, built into `dir` where only the source is there; undefined when there is neither. */
export function findMqttgen(dir: string): string | undefined {
  const path = process.env.TRIBUTARY_MQTTGEN ?? join(import.meta.dirname, '../../../shared/tools/mqttgen')
  if (!existsSync(path)) return undefined
  if (statSync(path).isFile()) return path
  const binary = join(dir, 'mqttgen')
  return spawnSync('go', ['build', '-o', binary, '.'], { cwd: path, stdio: 'inherit' }).status === 0 ? binary : undefined
}

/** Publishes with QoS 1 as fast as the agent acknowledges, `events` in each message. */
export function publishLoad(mqttgen: string | undefined, load: { port: number; events: number; seconds: number }): Promise<Generated> {
  if (mqttgen === undefined) return generate(load)
  const { port, events, seconds } = load
  const shape = ['-shape', 'tributary', '-pubs', '50', '-window', events === 1 ? '100' : '8', '-array', String(events), '-id', `b${events}`]
  const [program, args] = pinnedTo(1, [mqttgen, '-addr', `127.0.0.1:${port}`, ...shape, '-dur', `${seconds}s`])
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (part) => {
      text += part
    })
    child.on('error', reject)
    child.on('exit', (code) => {
      if (code !== 0) return reject(new Error(`mqttgen ended with status ${code}`))
      const { rate, ack_ms: ackMs } = JSON.parse(text) as { rate: number; ack_ms: Generated['ackMs'] }
      resolve({ rate: rate * events, ackMs: { p50: ackMs.p50, p99: ackMs.p99 } })
    })
  })
}
