/**
 * The scenario file: one YAML document, judged by one schema. Every field has a default, a bound and a unit in its name, so the smallest
 * scenario is a name. The JSON Schema beside the built-in scenarios (for editors) is made from this file.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { z } from 'zod'

const share = (initial: number) => z.number().min(0).max(1).default(initial)

const plant = z.strictObject({
  kind: z.enum(['device-swap', 'sim-swap', 'sim-box', 'clone', 'device-toggle']).describe('what is planted'),
  atS: z.number().min(0).describe('first one, seconds after the start'),
  everyS: z.number().min(1).optional().describe('again every so many seconds'),
  count: z.number().int().min(1).optional().describe('how many in all; without it 1, or without end when everyS is given'),
  crossRegion: z.boolean().default(false).describe('from one region to another (left out where there is only one)'),
  sims: z.number().int().min(2).max(512).default(8).describe('sim-box: SIMs in the box'),
  overS: z.number().min(1).max(3600).default(45).describe('sim-box: they appear within; clone: both are on the air for'),
  backAfterS: z.number().min(5).default(90).describe('device-toggle: back in the old device after'),
  newDevice: z.boolean().default(false).describe('sim-swap: the number reappears in another device; clone: the copy is in another device'),
})
export type PlantSpec = z.infer<typeof plant>

export const scenarioSchema = z.strictObject({
  name: z.string().min(1).max(64),
  description: z.string().default(''),
  seed: z.number().int().min(0).default(1).describe('the world and all that happens in it follow from it'),
  subscribers: z.number().int().min(1).default(2000),
  ratePerS: z.number().min(0.1).default(500).describe('events per second, all families and regions together'),
  ramp: z
    .array(z.strictObject({ atS: z.number().min(0), factor: z.number().min(0) }))
    .default([])
    .describe('the rate is multiplied by a factor that runs straight from point to point; before the first and after the last it stays'),
  world: z
    .strictObject({
      citySites: z.number().int().min(1).default(24).describe('sites in each region’s city'),
      townSites: z.number().int().min(1).default(7).describe('sites in each of its towns'),
      roadSiteEveryM: z.number().min(1000).default(7000),
      missitedShare: share(0.02).describe('cells that stand elsewhere than the inventory says (median 471 m)'),
    })
    .prefault({}),
  phones: z
    .strictObject({
      travellingShare: share(0.85).describe('subscribers who travel at all; the others stay at home'),
      nrShare: share(0.6).describe('phones that can use NR'),
      boundaryShare: share(0.08).describe('resting phones on the edge between two cells'),
      gpsShare: share(0.15).describe('phones that report fixes'),
    })
    .prefault({}),
  mix: z
    .strictObject({
      measurement: z.number().min(0).default(52),
      flow: z.number().min(0).default(26),
      session: z.number().min(0).default(6),
      call: z.number().min(0).default(2),
      paging: z.number().min(0).default(4),
      subscriber: z.number().min(0).default(6),
      fix: z.number().min(0).default(3.5),
      interaction: z.number().min(0).default(0.5),
    })
    .prefault({})
    .describe('weights of what a phone reports when it is its turn; handovers, ends of calls and plants come on top, within the rate'),
  gaps: z
    .strictObject({
      imei: share(0.3).describe('radio events without IMEI'),
      neighbours: share(0.25).describe('measurements without neighbours'),
    })
    .prefault({}),
  traps: z
    .strictObject({
      lateShare: share(0.1),
      lateMaxS: z.number().min(0).default(5),
      veryLateShare: share(0.01),
      veryLateMaxS: z.number().min(0).default(300),
      duplicateShare: share(0.01).describe('sent again with the same event_id'),
      missingShare: share(0.005).describe('happened, never sent'),
    })
    .prefault({})
    .describe('how delivery goes wrong; planted events are spared so that the truth can be scored'),
  truth: z
    .strictObject({
      positionShare: share(0.05).describe('subscribers whose true position is written'),
      positionEveryS: z.number().min(1).default(10),
    })
    .prefault({}),
  plants: z.array(plant).default([]),
})
export type Scenario = z.infer<typeof scenarioSchema>

export class ScenarioInvalid extends Error {}

/** A built-in scenario by name, or any file by its path. */
export function loadScenario(nameOrPath: string): Scenario {
  const builtIn = join(import.meta.dirname, 'scenarios', `${nameOrPath}.yaml`)
  const file = !nameOrPath.includes('/') && existsSync(builtIn) ? builtIn : nameOrPath
  if (!existsSync(file)) throw new ScenarioInvalid(`${nameOrPath}: neither a built-in scenario nor a file`)
  return parseScenario(readFileSync(file, 'utf8'), file)
}

export function parseScenario(text: string, file = 'scenario'): Scenario {
  const document = parseDocument(text)
  if (document.errors.length > 0)
    throw new ScenarioInvalid(`${file}: not YAML: ${document.errors.map((error) => error.message).join('; ')}`)
  const result = scenarioSchema.safeParse(document.toJS())
  if (result.success) return result.data
  throw new ScenarioInvalid(
    result.error.issues.map((issue) => `${file}: ${issue.path.map(String).join('.') || '(top)'}: ${issue.message}`).join('\n'),
  )
}

/** For editors: `# yaml-language-server: $schema=scenario.schema.json`. */
export function scenarioJsonSchema(): string {
  return `${JSON.stringify({ title: 'Tributary scenario', ...z.toJSONSchema(scenarioSchema, { io: 'input' }) }, null, 2)}\n`
}
