/** `cells`: the world's cell inventory as an OpenCellID CSV. `schema`: the scenario file's JSON Schema. */
import { writeFileSync } from 'node:fs'
import { defineCommand } from 'citty'
import { runCommand } from '#shared/service.ts'
import { inventoryCsv, inventoryOf } from './cell-inventory.ts'
import { listOption, numberOption, refuseUnknown } from './command-line.ts'
import { loadScenario, scenarioJsonSchema } from './scenario.ts'
import { buildWorld } from './world.ts'

export const cellsCommand = defineCommand({
  meta: { name: 'cells', description: 'Write the cells of a scenario’s world as an OpenCellID CSV.' },
  args: {
    scenario: { type: 'positional', description: 'built-in scenario or path of a YAML file', required: false, default: 'quiet-town' },
    seed: { type: 'string', description: 'seed of the world (default: the scenario’s)' },
    regions: { type: 'string', description: 'region names', default: 'north,south' },
    out: { type: 'string', description: 'file to write; standard output without it' },
    json: { type: 'boolean', description: 'say what was written as JSON' },
  },
  run: ({ args, rawArgs }) =>
    runCommand('tributary-sim', async () => {
      refuseUnknown(rawArgs, cellsCommand)
      const scenario = loadScenario(args.scenario || 'quiet-town')
      const seed = numberOption('seed', args.seed, { min: 0, whole: true }) ?? scenario.seed
      const regions = listOption(args.regions)
      const world = buildWorld(regions, seed, scenario.world)
      const csv = inventoryCsv(inventoryOf(world))
      if (args.out === undefined) {
        process.stdout.write(csv)
        return
      }
      writeFileSync(args.out, csv)
      const said = { file: args.out, regions, sites: world.sites.length, cells: world.cells.length }
      process.stdout.write(args.json ? `${JSON.stringify(said)}\n` : `${said.cells} cells on ${said.sites} sites written to ${args.out}\n`)
    }),
})

export const schemaCommand = defineCommand({
  meta: { name: 'schema', description: 'Print the JSON Schema of scenario files.' },
  run: () => {
    process.stdout.write(scenarioJsonSchema())
  },
})
