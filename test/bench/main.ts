/**
 * `npm run bench`: every measurement, one after the other, and the figures into test/bench/RESULTS.md with machine, versions and spread.
 * Machines are shared and noisy: what is comparable is processor time an event and the ratios of one run. `--quick` measures shorter, once.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'

const quick = process.argv.includes('--quick')
const rounds = quick ? 1 : 3
const results = join(import.meta.dirname, 'RESULTS.md')

type Figures = Record<string, unknown>

const measured = {
  agent: gather('whole-agent.ts', [quick ? '5' : '10'], rounds),
  latency: gather('latency.ts', ['2000', quick ? '20' : '60'], rounds),
  hub: gather('hub.ts', quick ? ['200000', '1000000'] : [], quick ? 1 : 2),
}
const stages = text('agent.ts', [quick ? '3' : '6'])
const cutting = text('cut-stages.ts', [])

writeFileSync(results, page())
console.log(`written to ${results}`)

function gather(file: string, args: string[], times: number): Figures[][] {
  return Array.from({ length: times }, (_, round) => {
    console.error(`${file} (${round + 1} of ${times}) …`)
    return text(file, args)
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Figures)
  })
}

function text(file: string, args: string[]): string {
  const { stdout, status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, file), ...args], {
    encoding: 'utf8',
    timeout: 900_000,
  })
  if (status !== 0) throw new Error(`${file} failed:\n${stderr}`)
  return stdout
}

/** One table a bench: a row for each line it printed, each figure as median and, of several rounds, minimum to maximum. */
function table(rounds: Figures[][]): string {
  const lines: string[] = []
  for (let line = 0; line < rounds[0]!.length; line++) {
    const names = Object.keys(rounds[0]![line]!)
    lines.push('', '| figure | value |', '|---|---|')
    for (const name of names) lines.push(`| ${name} | ${spread(rounds.map((round) => round[line]![name]))} |`)
  }
  return lines.join('\n')
}

function spread(values: unknown[]): string {
  if (values.every((value) => typeof value === 'number')) {
    const sorted = (values as number[]).toSorted((a, b) => a - b)
    const median = sorted[Math.floor(sorted.length / 2)]!
    const shown = (value: number) => value.toLocaleString('en')
    return sorted.length === 1 || sorted[0] === sorted.at(-1)
      ? shown(median)
      : `${shown(median)} (${shown(sorted[0]!)} to ${shown(sorted.at(-1)!)})`
  }
  return values[0] !== null && typeof values[0] === 'object' ? values.map((value) => JSON.stringify(value)).join(' · ') : String(values[0])
}

function page(): string {
  const version = (JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string }).version
  return `# Results

Written by \`npm run bench${quick ? ' -- --quick' : ''}\` on ${new Date().toISOString().slice(0, 10)}: Tributary ${version}, Node ${process.versions.node}, ${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores,
${Math.round(totalmem() / 2 ** 30)} GiB, load average ${loadavg()
    .map((one) => one.toFixed(1))
    .join(
      ' ',
    )} at the end. Each figure is the median of ${rounds} rounds with its spread. The machine is shared: compare processor time an event and ratios, not absolutes.

First marks: the agent ≥ 80,000 single QoS 1 messages/s and ≥ 400,000 events/s from arrays of 100 on one core, durable; the hub ≥ 1,000,000 events/s on one core.

## The whole agent, one process on one core (\`test/bench/whole-agent.ts\`)

MQTT or UDP in, pseudonymised, journaled with an fsync before PUBACK, cut, outbox, sent to nats-server and freed by watermark.
${table(measured.agent)}

## From the device to the core's API (\`test/bench/latency.ts\`)

A SIM in another phone, published among a steady load, until the alert is in the core's answer.
${table(measured.latency)}

## The hub's detection on one core (\`test/bench/hub.ts\`)
${table(measured.hub)}

## Where the agent's time goes (\`test/bench/agent.ts\`, front half)

\`\`\`
${stages.trim()}
\`\`\`

Cutting, behind the journal (\`test/bench/cut-stages.ts\`):

\`\`\`
${cutting.trim()}
\`\`\`
`
}
