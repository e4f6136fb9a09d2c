/**
 * Five drive traces are replayed as phones report them (cells, radio values, no GPS); their tracks come back from the API and are compared with
 * the GPS of the traces. The cell inventory is learned from other traces only.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually, reference, root, run, startNetwork } from './network.ts'

interface Distances {
  readonly count: number
  readonly medianM: number
}
interface Score {
  readonly atReports: Distances & { readonly withinRadius: number }
  readonly servingCell: Distances
  readonly areaMean: Distances
}

const folder = join(reference, 'mobility')
const skip = existsSync(folder) ? false : 'the reference data (TRIBUTARY_REFERENCE) is not here'
const replayed = [
  'driving-2019.11.26_07.29.24',
  'driving-2019.11.26_09.53.40',
  'driving-2019.11.28_07.27.57',
  'driving-2019.12.02_07.26.15',
  'driving-2019.12.03_07.29.22',
]

test('tracks of five drives come back from the API', { skip }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'drives-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const cells = join(dir, 'cells.csv')
  const others = readdirSync(folder).filter((name) => !replayed.some((one) => name.startsWith(one)))
  await sim('learn-cells', ...others.map((name) => join(folder, name)), '--out', cells)
  const network = await startNetwork(t, { args: ['--no-simulator', '--regions', 'north', '--agents', '1', '--cells', cells] })
  const { mqtt } = network.agent('north-1')
  const { api, apiKey } = network.ready.core
  const medians: number[] = []
  for (const name of replayed) {
    const trace = join(folder, `${name}.csv.gz`)
    const said = JSON.parse(await sim('replay', trace, '--target', `mqtt=${mqtt}`, '--as-fast', '--shift-to-now', '--json')) as {
      shiftMs: number
    }
    const score = await eventually(
      'the track is in the API',
      async () => {
        const args = ['score-track', trace, '--api', api, '--key', apiKey, '--cells', cells, '--shift-ms', String(said.shiftMs), '--json']
        const judged = JSON.parse(await sim(...args)) as Score
        assert.ok(judged.atReports.count >= 20, `${judged.atReports.count} reports`)
        return judged
      },
      40_000,
      1000,
    )
    medians.push(score.atReports.medianM)
    t.diagnostic(`${name}: ${JSON.stringify(score)}`)
  }
  const median = medians.toSorted((a, b) => a - b)[2]!
  t.diagnostic(
    `median distance of the five drives: ${medians.map((one) => `${Math.round(one)} m`).join(', ')}; their median ${Math.round(median)} m`,
  )
  assert.ok(median < 2000, `a median of ${median} m is no position of a phone in a city`)
})

async function sim(...args: string[]): Promise<string> {
  return (await run(process.execPath, [join(root, 'simulators/main.ts'), ...args], { maxBuffer: 1 << 26 })).stdout
}
