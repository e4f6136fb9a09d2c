/**
 * `tributary-agent init`: six questions, each with a flag, a settings file with every setting explained, the difference to the one that is there,
 * then doctor, then the first event. Asks only on a terminal; elsewhere the flags and the defaults must do. Never asks for a secret.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cancel, confirm, intro, isCancel, text } from '@clack/prompts'
import { defineCommand } from 'citty'
import { askRunning } from '#shared/check-context.ts'
import { runDoctor, type Screen, screen } from '#shared/command-output.ts'
import { chosenIn, commentedYaml, lineDifference } from '#shared/commented-yaml.ts'
import { jsonSchema, loadConfig } from '#shared/config.ts'
import { namePattern } from '#shared/control.ts'
import { describeError, fail } from '#shared/errors.ts'
import { runCommand } from '#shared/service.ts'
import { agentChecks } from './agent-checks.ts'
import { name, sharedArgs } from './command-args.ts'
import { type AgentConfig, configSchema } from './config.ts'
import { doctorContext } from './doctor.ts'
import type { SiteSight } from './watch-site.ts'

interface Question {
  readonly flag: 'agent' | 'region' | 'hub' | 'data-dir' | 'key-file' | 'mqtt'
  readonly ask: string
  readonly standing: (config: AgentConfig | undefined) => string | undefined
  readonly problem: (answer: string) => string | undefined
}

const mustBeName = (answer: string) => (namePattern.test(answer) ? undefined : 'letters, digits, - and _, at most 64')
const mustBeAddress = (answer: string) =>
  /^\[?[\w.:-]+\]?:\d{1,5}$/.test(answer) ? undefined : 'expected host:port, such as 127.0.0.1:1883'

const questions: readonly Question[] = [
  {
    flag: 'agent',
    ask: 'Name of this agent, unique in its region',
    standing: (at) =>
      at?.agent ??
      hostname()
        .split('.')[0]
        ?.replace(/[^A-Za-z0-9_-]/g, '-'),
    problem: mustBeName,
  },
  { flag: 'region', ask: 'Name of its region', standing: (at) => at?.region, problem: mustBeName },
  {
    flag: 'hub',
    ask: 'Address of the region’s NATS server',
    standing: (at) => at?.hub.natsUrl ?? 'nats://127.0.0.1:4222',
    problem: (answer) =>
      /^(nats|tls):\/\/[^\s@]+$/.test(answer) ? undefined : 'expected nats://host:port or tls://host:port, without a password',
  },
  {
    flag: 'data-dir',
    ask: 'Folder for what is not yet delivered, on a local disk',
    standing: (at) => at?.dataDir ?? '/var/lib/tributary',
    problem: (answer) => (answer === '' ? 'name a folder' : undefined),
  },
  {
    flag: 'key-file',
    ask: 'File with the tenant’s identity key',
    standing: (at) => at?.identity.keyFile ?? '/etc/tributary/identity.key',
    problem: (answer) => (answer === '' ? 'name a file' : undefined),
  },
  {
    flag: 'mqtt',
    ask: 'Address devices publish to',
    standing: (at) => (at === undefined ? '127.0.0.1:1883' : `${at.mqtt.host}:${at.mqtt.port}`),
    problem: mustBeAddress,
  },
]

export const init = defineCommand({
  meta: { name: 'init', description: 'Set up this site: six questions (or flags), a commented settings file, doctor, the first event' },
  args: {
    ...sharedArgs,
    agent: { type: 'string', description: 'name of this agent; default: the machine’s' },
    region: { type: 'string', description: 'name of its region' },
    hub: { type: 'string', description: 'address of the region’s NATS server' },
    'data-dir': { type: 'string', description: 'folder for what is not yet delivered', valueHint: 'folder' },
    'key-file': { type: 'string', description: 'file with the tenant’s identity key' },
    mqtt: { type: 'string', description: 'address devices publish to, host:port' },
    yes: {
      type: 'boolean',
      description: 'ask nothing: take flags, then what the file says, then defaults; write without asking',
      default: false,
    },
    'dry-run': { type: 'boolean', description: 'show the difference and write nothing', default: false },
    wait: { type: 'string', description: 'seconds to wait for the first event of a running agent', default: '60' },
  },
  run: ({ args }) =>
    runCommand(name, async () => {
      const startedMs = performance.now()
      const out = screen()
      const asks = !args.yes && process.stdin.isTTY === true && process.stderr.isTTY === true
      const waitS = Number(args.wait)
      if (!(waitS >= 0 && waitS <= 3_600)) fail('input-invalid', `--wait ${args.wait}: expected seconds from 0 to 3600`)
      const standing = readStanding(args.config)
      if (asks) intro(`Setting up ${args.config}`, { output: process.stderr })
      const answers = new Map<Question['flag'], string>()
      for (const question of questions) answers.set(question.flag, await answer(question, args[question.flag], standing.config, asks))
      const file = settingsText(answers, standing.config)
      const difference = standing.text === '' ? newLines(file) : lineDifference(standing.text, file)
      for (const line of difference) process.stderr.write(`${line}\n`)
      if (difference.length === 0) process.stderr.write(`${args.config} stays as it is\n`)
      if (args['dry-run']) {
        if (args.json)
          out.data(JSON.stringify({ schema: 1, config: args.config, changed: difference.length > 0, written: false, text: file }))
        return
      }
      if (asks && difference.length > 0) {
        const sure = await confirm({ message: `Write ${args.config}?`, output: process.stderr })
        if (isCancel(sure) || !sure) fail('input-invalid', 'nothing was written')
      }
      if (difference.length > 0) write(args.config, file)
      await conclude(args.config, { json: args.json, waitS, startedMs, out, changed: difference.length > 0 })
    }),
})

async function conclude(
  config: string,
  { json, waitS, startedMs, out, changed }: { json: boolean; waitS: number; startedMs: number; out: Screen; changed: boolean },
) {
  const context = doctorContext({ configFile: config })
  const quiet: Screen = { ...out, data: (line) => process.stderr.write(`${line}\n`) }
  const { exit, results } = await runDoctor({ service: 'edge-agent', checks: agentChecks, context, json: false, fix: true, out: quiet })
  const { admin, mqtt, netflow } = loadConfig(configSchema, config)
  const firstEventS = await firstEvent(`http://${admin.host}:${admin.port}`, waitS, startedMs, (words) => out.progress(words))
  out.progress('')
  const send = `mosquitto_pub -h ${mqtt.host === '0.0.0.0' ? '127.0.0.1' : mqtt.host} -p ${mqtt.port} -q 1 -t tributary/v1/network/first -m '{"timestamp":${Date.now()},"event_type":"attach","payload":{"cell":"${netflow.cell === '' ? '001-01-1' : netflow.cell}"}}'`
  if (json) {
    out.data(
      JSON.stringify({
        schema: 1,
        config,
        changed,
        written: changed,
        doctor: results.map(({ id, verdict }) => ({ id, verdict })),
        firstEventS,
        send,
      }),
    )
  } else if (typeof firstEventS === 'number') out.data(`time to the first accepted event: ${firstEventS.toFixed(1)} s`)
  else if (firstEventS === 'not running')
    out.data(`next: start it (${name} run --config ${config}, or systemctl start tributary-agent), then send an event: ${send}`)
  else out.data(`no event came within ${waitS} s; send one: ${send}`)
  if (exit === 2) process.exitCode = 2
}

/** Seconds from the start of the command, measured when the running agent accepts one more event than it had. */
async function firstEvent(
  url: string,
  waitS: number,
  startedMs: number,
  progress: (words: string) => void,
): Promise<number | 'not running' | 'none'> {
  const untilMs = performance.now() + waitS * 1000
  const accepted = async () => ((await askRunning(url))?.site as SiteSight | undefined)?.taps.reduce((sum, one) => sum + one.accepted, 0)
  if ((await accepted()) === undefined) return 'not running'
  while (performance.now() < untilMs) {
    if (((await accepted()) ?? 0) > 0) return (performance.now() - startedMs) / 1000
    progress(`waiting for the first event, ${Math.ceil((untilMs - performance.now()) / 1000)} s more`)
    await sleep(200)
  }
  return 'none'
}

async function answer(question: Question, flag: string | undefined, config: AgentConfig | undefined, asks: boolean): Promise<string> {
  const standard = question.standing(config)
  if (flag !== undefined) {
    const problem = question.problem(flag)
    if (problem !== undefined) fail('input-invalid', `--${question.flag} ${flag}: ${problem}`)
    return flag
  }
  if (asks) {
    const said = await text({
      message: question.ask,
      ...(standard === undefined ? {} : { defaultValue: standard, placeholder: standard, initialValue: standard }),
      validate: (value) => question.problem(value === undefined || value === '' ? (standard ?? '') : value),
      output: process.stderr,
    })
    if (isCancel(said)) {
      cancel('nothing was written', { output: process.stderr })
      fail('input-invalid', 'it was broken off; nothing was written')
    }
    return said
  }
  if (standard === undefined) fail('input-invalid', `--${question.flag} is missing (${question.ask}), and there is no terminal to ask on`)
  const problem = question.problem(standard)
  if (problem !== undefined) fail('input-invalid', `--${question.flag} is missing, and ${standard} will not do: ${problem}`)
  return standard
}

function readStanding(file: string): { text: string; config: AgentConfig | undefined } {
  if (!existsSync(file)) return { text: '', config: undefined }
  const standing = readFileSync(file, 'utf8')
  try {
    return { text: standing, config: loadConfig(configSchema, file, { environment: {} }) }
  } catch (error) {
    return fail('config-invalid', `${describeError(error)} Correct it first, or name another file with --config`)
  }
}

/** Of a file that is new, what is set in it; the rest of it is comments. */
function newLines(file: string): string[] {
  return file
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trim().startsWith('#'))
    .map((line) => `+ ${line}`)
}

/** What the file had set otherwise stays. */
function settingsText(answers: ReadonlyMap<Question['flag'], string>, standing: AgentConfig | undefined): string {
  const schema = jsonSchema(configSchema)
  const address = answers.get('mqtt')!
  const colon = address.lastIndexOf(':')
  const chosen = {
    ...chosenIn(schema, standing),
    agent: answers.get('agent'),
    region: answers.get('region'),
    dataDir: answers.get('data-dir'),
    'identity.keyFile': answers.get('key-file'),
    'hub.natsUrl': answers.get('hub'),
    'mqtt.host': address.slice(0, colon).replace(/^\[|\]$/g, ''),
    'mqtt.port': Number(address.slice(colon + 1)),
  }
  const head = `Settings of a Tributary agent, written by “${name} init”. What is commented out has the value shown.\nCheck: ${name} check --config FILE. The environment has the last word (docs/settings-agent.md).`
  return commentedYaml(schema, chosen, head)
}

function write(file: string, content: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content, { mode: 0o640 })
  } catch (cause) {
    fail('config-unreadable', `${file} cannot be written: ${describeError(cause)}`, { cause })
  }
}
