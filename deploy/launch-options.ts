/** The options of `npm start`: what they are, their defaults and bounds, and the sentence for each that is wrong. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { namePattern } from '#shared/control.ts'
import { defaultPortBase, mostPorts, portsNeeded } from './port-plan.ts'

export interface LaunchOptions {
  readonly regions: readonly string[]
  readonly agentsPerRegion: number
  readonly subscribers: number
  /** Simulated events per second over the whole network. */
  readonly ratePerS: number
  readonly seed: number
  /** Undefined: no simulator. */
  readonly scenario: string | undefined
  readonly dataDir: string
  readonly fresh: boolean
  readonly portBase: number
  readonly portBaseGiven: boolean
  readonly readyFile: string | undefined
  readonly cellsFile: string | undefined
  /** Where the simulator writes what really happened; it holds raw identities, so it never lies in the data folder by itself. */
  readonly truthFile: string | undefined
}

export const usage = `npm start -- [options]        a whole network on this machine, on loopback only

  --regions north,south    region names
  --agents 2               agents per region, named <region>-1, <region>-2 …
  --subscribers 2000       people of the simulated world
  --rate 500               simulated events per second, over the whole network
  --seed 1                 the same seed gives the same world
  --scenario quiet-town    which world; a name or a file
  --no-simulator           no simulated world: only what you send in
  --data DIR               where everything is stored (.tributary)
  --fresh                  begin anew: what is stored in --data is deleted first
  --port-base N            consecutive ports from N (${defaultPortBase}); at most ${mostPorts}, TCP and UDP
  --ready-file F           once everything answers, write addresses and pids as JSON to F
  --cells FILE             cell inventory, OpenCellID CSV (plain or .gz)
  --truth FILE             the simulator writes what really happened to FILE, for scoring; it holds raw identities
  --help

Ctrl-C stops everything, in order. A second start continues from what is stored.`

/** What was asked for, or every sentence about what is wrong with it. Relative paths are taken from `cwd`; the default data folder lies in `root`. */
export function parseLaunchOptions(argv: readonly string[], cwd: string, root: string): LaunchOptions | { problems: string[] } | 'help' {
  const problems: string[] = []
  let values: Record<string, string | boolean | undefined>
  try {
    values = parseArgs({
      args: [...argv],
      options: {
        regions: { type: 'string', default: 'north,south' },
        agents: { type: 'string', default: '2' },
        subscribers: { type: 'string', default: '2000' },
        rate: { type: 'string', default: '500' },
        seed: { type: 'string', default: '1' },
        scenario: { type: 'string', default: 'quiet-town' },
        'no-simulator': { type: 'boolean', default: false },
        data: { type: 'string' },
        fresh: { type: 'boolean', default: false },
        'port-base': { type: 'string' },
        'ready-file': { type: 'string' },
        cells: { type: 'string' },
        truth: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    return { problems: [error instanceof Error ? (error.message.split('. ')[0] ?? error.message) : String(error)] }
  }
  if (values.help) return 'help'

  const text = (name: string) => (typeof values[name] === 'string' ? (values[name] as string) : undefined)
  const path = (name: string) => {
    const given = text(name)
    if (given === '') problems.push(`--${name} needs a path`)
    return given ? resolve(cwd, given) : undefined
  }
  const whole = (name: string, least: number, most: number) => {
    const given = text(name) ?? ''
    const value = /^\d+$/.test(given) ? Number(given) : Number.NaN
    if (value >= least && value <= most) return value
    problems.push(`--${name} is ${JSON.stringify(given)}, and must be a whole number from ${least} to ${most}`)
    return least
  }

  const regions = (text('regions') ?? '').split(',').map((name) => name.trim())
  for (const region of regions)
    if (!namePattern.test(region)) problems.push(`--regions: ${JSON.stringify(region)} is no name (letters, digits, - and _, at most 64)`)
  if (regions.includes('core')) problems.push('--regions: a region cannot be named core')
  if (new Set(regions).size !== regions.length) problems.push('--regions: each name once')

  const agentsPerRegion = whole('agents', 1, 20)
  const subscribers = whole('subscribers', 1, 10_000_000)
  const ratePerS = whole('rate', 1, 1_000_000)
  const seed = whole('seed', 0, 2 ** 31 - 1)
  const needed = portsNeeded(regions.length, agentsPerRegion)
  if (needed > mostPorts)
    problems.push(
      `${regions.length} regions with ${agentsPerRegion} agents need ${needed} ports, at most ${mostPorts} are used: fewer --regions or --agents`,
    )
  const portBaseGiven = values['port-base'] !== undefined
  const portBase = portBaseGiven ? whole('port-base', 1024, 65_535 - needed + 1) : defaultPortBase

  const options: LaunchOptions = {
    regions,
    agentsPerRegion,
    subscribers,
    ratePerS,
    seed,
    scenario: values['no-simulator'] ? undefined : text('scenario'),
    dataDir: path('data') ?? resolve(root, '.tributary'),
    fresh: values.fresh === true,
    portBase,
    portBaseGiven,
    readyFile: path('ready-file'),
    cellsFile: path('cells'),
    truthFile: path('truth'),
  }
  return problems.length > 0 ? { problems } : options
}
