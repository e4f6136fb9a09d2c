/** `run`: reads the options, makes the simulation, the connections and the run, and prints the summary when it ends. */
import { readFileSync, writeFileSync } from 'node:fs'
import { defineCommand } from 'citty'
import { createLog } from '#shared/log.ts'
import { runCommand, runService } from '#shared/service.ts'
import { MqttPublisher } from './adapters/mqtt-publisher.ts'
import { inventoryCsv, inventoryOf } from './cell-inventory.ts'
import { listOption, numberOption, parseTarget, refuseUnknown, repeatedOption, UsageError } from './command-line.ts'
import { Fleet, type Target } from './fleet.ts'
import { lastWords } from './last-words.ts'
import { EventLog, Run, type RunSummary } from './run.ts'
import { loadScenario } from './scenario.ts'
import { Simulation } from './simulation.ts'
import { TruthFile } from './truth.ts'

const maxInFlightPerConnection = 500
/** Where no time is given and nothing is sent, a log starts here: 2026-01-01T08:00Z. */
const logEpochMs = Date.UTC(2026, 0, 1, 8)

export const runSubcommand = defineCommand({
  meta: { name: 'run', description: 'Run a scenario against agents (MQTT, QoS 1), or into a log.' },
  args: {
    scenario: { type: 'positional', description: 'built-in scenario or path of a YAML file', required: false, default: 'quiet-town' },
    target: { type: 'string', description: 'region=NAME,mqtt=URL[,mqtt=URL]; once for each region' },
    regions: { type: 'string', description: 'regions of the world, where they differ from the targets’ (for --log-out)' },
    subscribers: { type: 'string', description: 'how many people (default: the scenario’s)' },
    rate: { type: 'string', description: 'events per second over all regions (default: the scenario’s)' },
    seed: { type: 'string', description: 'seed of everything (default: the scenario’s)' },
    duration: { type: 'string', description: 'seconds of the scenario; without it, until stopped' },
    speed: { type: 'string', description: 'scenario seconds per second; 0: as fast as possible', default: '1' },
    'epoch-ms': { type: 'string', description: 'time of the first event (default: now, or so that a faster run ends now)' },
    'cells-out': { type: 'string', description: 'write the cell inventory (OpenCellID CSV) here' },
    truth: { type: 'string', description: 'write the planted truth here (NDJSON, raw identities: never below a data folder)' },
    'log-out': { type: 'string', description: 'write every message here (NDJSON)' },
    array: { type: 'string', description: 'events per message; 1: single objects', default: '1' },
    connections: { type: 'string', description: 'connections per agent', default: '8' },
    hold: { type: 'string', description: 'events held for an agent that is away; more are dropped and counted', default: '200000' },
    user: { type: 'string', description: 'MQTT user' },
    'password-file': { type: 'string', description: 'file that holds the MQTT password' },
    json: { type: 'boolean', description: 'summary as one JSON object' },
  },
  run: ({ args, rawArgs }) =>
    runCommand('tributary-sim', async () => {
      refuseUnknown(rawArgs, runSubcommand)
      const scenario = loadScenario(args.scenario || 'quiet-town')
      scenario.seed = numberOption('seed', args.seed, { min: 0, whole: true }) ?? scenario.seed
      scenario.subscribers = numberOption('subscribers', args.subscribers, { min: 1, whole: true }) ?? scenario.subscribers
      scenario.ratePerS = numberOption('rate', args.rate, { min: 0.1 }) ?? scenario.ratePerS
      const durationS = numberOption('duration', args.duration, { min: 0.05 })
      const speed = numberOption('speed', args.speed, { min: 0 }) || Number.POSITIVE_INFINITY
      const targets = repeatedOption(rawArgs, 'target').map(parseTarget)
      const regions = args.regions === undefined ? regionsOf(targets) : listOption(args.regions)
      for (const { region } of targets) if (!regions.includes(region)) throw new UsageError(`--regions does not name ${region}`)
      if (targets.length === 0 && args['log-out'] === undefined) throw new UsageError('nowhere to send: give --target or --log-out')
      if (durationS === undefined && speed === Number.POSITIVE_INFINITY) throw new UsageError('--speed 0 needs --duration')
      const epochMs = numberOption('epoch-ms', args['epoch-ms'], { min: 0, whole: true }) ?? startOf(targets, durationS, speed)

      const log = createLog({ service: 'simulator', level: 'info' })
      const truth = args.truth === undefined ? undefined : new TruthFile(args.truth)
      const simulation = new Simulation({ scenario, regions, epochMs, truth })
      if (args['cells-out'] !== undefined) writeFileSync(args['cells-out'], inventoryCsv(inventoryOf(simulation.world)))
      const password = args['password-file'] === undefined ? undefined : readFileSync(args['password-file'], 'utf8').trimEnd()
      const connection = (agent: string) => (up: boolean, reason: string) => {
        if (up) log.info({ agent }, 'connected')
        else log.warn({ agent, reason }, 'connection lost; what is not acknowledged is sent again')
      }
      const fleet =
        targets.length === 0
          ? undefined
          : new Fleet(regions, targets, {
              connectionsPerAgent: numberOption('connections', args.connections, { min: 1, whole: true })!,
              holdPerAgent: numberOption('hold', args.hold, { min: 1, whole: true })!,
              arraySize: numberOption('array', args.array, { min: 1, whole: true })!,
              connect: (url, clientId) =>
                new MqttPublisher({
                  url,
                  clientId,
                  user: args.user,
                  password,
                  maxInFlight: maxInFlightPerConnection,
                  random: Math.random,
                  // One word per agent is enough.
                  ...(clientId.endsWith('-1') ? { onConnection: connection(clientId.slice(4, -2)) } : {}),
                }),
            })
      await runService({
        name: 'simulator',
        log,
        stopDeadlineMs: 4_500,
        build: async (_signal, die, finish) => {
          const run = new Run({
            simulation,
            fleet,
            log: args['log-out'] === undefined ? undefined : new EventLog(args['log-out'], regions),
            durationS,
            speed,
            finished: () => finish('the scenario is over'),
            failed: die,
            progress: ({ published, acknowledged, unacknowledged, dropped, behindMaxMs }) =>
              log.info({ published, acknowledged, unacknowledged, dropped, behindMaxMs }, 'a minute more'),
          })
          const say = () => {
            truth?.close()
            return args.json ? `${JSON.stringify(run.summary())}\n` : describe(run.summary())
          }
          return [lastWords(say), run]
        },
      })
    }),
})

function regionsOf(targets: readonly Target[]): string[] {
  return targets.length === 0 ? ['north', 'south'] : [...new Set(targets.map((target) => target.region))]
}

/** Events of a run that is faster than time must not lie in the future: it starts early enough to end now. */
function startOf(targets: readonly Target[], durationS: number | undefined, speed: number): number {
  if (targets.length === 0) return logEpochMs
  if (speed <= 1) return Date.now()
  if (durationS === undefined) throw new UsageError('--speed above 1 needs --duration (or --epoch-ms): events must not lie in the future')
  return Math.round(Date.now() - durationS * 1000 * (speed === Number.POSITIVE_INFINITY ? 1 : 1 - 1 / speed))
}

function describe(summary: RunSummary): string {
  const list = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none'
  return [
    `${summary.virtualS.toFixed(0)} s simulated: ${summary.happened} events happened, ${summary.missing} of them never sent, ${summary.late} late, ${summary.duplicates} repeated, ${summary.notYetDue} cut off by the end`,
    `published ${summary.published} (${summary.distinct} different), acknowledged ${summary.acknowledged}, unanswered ${summary.unacknowledged}, dropped ${summary.dropped}, resent ${summary.resent}; at most ${summary.behindMaxMs} ms behind`,
    `families: ${list(summary.byFamily)}`,
    `planted: ${list(summary.plants)}`,
    '',
  ].join('\n')
}
