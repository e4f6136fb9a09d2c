/** `score`: asks the core's API for alerts and holds them against a truth file. */
import { defineCommand } from 'citty'
import { Pseudonymiser, readIdentityKey } from '#shared/pseudonym.ts'
import { runCommand } from '#shared/service.ts'
import { numberOption, refuseUnknown, UsageError } from './command-line.ts'
import { readAlerts } from './core-api.ts'
import { type Alert, scoreAlerts } from './score.ts'
import { type PlantTruth, readTruth } from './truth.ts'

export const scoreCommand = defineCommand({
  meta: { name: 'score', description: 'Precision, recall and delay of alerts against a truth file.' },
  args: {
    truth: { type: 'positional', required: true, description: 'truth file of a run' },
    api: { type: 'string', description: 'the core’s API, http://…', required: true },
    key: { type: 'string', description: 'API key', required: true },
    'key-file': { type: 'string', description: 'the tenant’s identity key file, to know people behind their pseudonyms', required: true },
    'settle-s': { type: 'string', description: 'plants younger than this are not judged yet', default: '90' },
    'min-recall': { type: 'string', description: 'exit status 1 when any kind is found less often' },
    json: { type: 'boolean', description: 'the score as JSON' },
  },
  run: ({ args, rawArgs }) =>
    runCommand('tributary-sim', async () => {
      refuseUnknown(rawArgs, scoreCommand)
      const settledMs = Date.now() - numberOption('settle-s', args['settle-s'], { min: 0 })! * 1000
      const plants = readTruth(args.truth).filter((line): line is PlantTruth => line.kind !== 'position' && line.atMs <= settledMs)
      if (plants.length === 0) throw new UsageError(`${args.truth}: nothing was planted, or all of it too lately to judge`)
      const fromMs = Math.min(...plants.map(({ atMs }) => atMs)) - 120_000
      const alerts = await readAlerts<Alert>({ url: args.api, key: args.key }, fromMs, Date.now() + 120_000)
      // What was planted after the last judged plant may have raised alerts already: those are no false alarms.
      const all = readTruth(args.truth).filter((line): line is PlantTruth => line.kind !== 'position')
      const pseudonymiser = new Pseudonymiser(readIdentityKey(args['key-file']))
      const score = { kinds: scoreAlerts(plants, alerts, pseudonymiser).kinds, types: scoreAlerts(all, alerts, pseudonymiser).types }
      const percent = (value: number) => `${(value * 100).toFixed(1)} %`
      const text = [
        ...score.kinds.map(
          ({ kind, recall, delayS, missed }) =>
            `${kind}: found ${recall.found} of ${recall.of}, recall ${percent(recall.share)} (${percent(recall.low)}…${percent(recall.high)})${
              delayS === undefined ? '' : `, after ${delayS.median.toFixed(1)} s (p95 ${delayS.p95.toFixed(1)} s)`
            }${missed.length === 0 ? '' : `; missed: ${missed.slice(0, 5).join(', ')}`}`,
        ),
        ...score.types.map(
          ({ type, precision, unfounded }) =>
            `${type} alerts: ${precision.found} of ${precision.of} founded, precision ${percent(precision.share)} (${percent(precision.low)}…${percent(precision.high)})${
              unfounded.length === 0 ? '' : `; unfounded: ${unfounded.slice(0, 5).join(', ')}`
            }`,
        ),
        '',
      ]
      process.stdout.write(args.json ? `${JSON.stringify(score)}\n` : text.join('\n'))
      const floor = numberOption('min-recall', args['min-recall'], { min: 0 })
      if (floor !== undefined && score.kinds.some(({ recall }) => recall.share < floor)) process.exitCode = 1
    }),
})
