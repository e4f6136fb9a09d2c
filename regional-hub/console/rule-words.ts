/** The rule behind an alert and its figures, in words a night shift understands. */
import type { LiveAlert } from '../console-api.ts'
import { evidenceOf } from './map-marks.ts'
import { metres, span } from './words.ts'

const rules: Readonly<Record<string, string>> = {
  DEVICE_SWAP: 'One SIM was seen in two different devices.',
  DEVICE_TOGGLE: 'A SIM left its device and came back to it within a day.',
  SIM_SWAP: 'One phone number moved to another SIM.',
  SWAP_COMBO: 'Number, SIM and device changed within a day, or far from home: a known pattern of account theft.',
  SIM_BOX: 'Many SIMs use one device at one place: calls may be passed through it.',
  SIM_BOX_COHORT: 'Many SIMs move as one: devices may hide their identity.',
  CLONE_A: 'Nobody can travel so fast: two copies of one SIM are in use.',
  CLONE_B: 'The SIM jumps to and fro between places too far apart.',
  CLONE_C: 'The SIM is in use at two places at the same time.',
}

const fields: Readonly<Record<string, readonly [name: string, words: (value: number) => string]>> = {
  gapMs: ['Between the two', span],
  distanceM: ['Distance between the cells', metres],
  beyondReachM: ['Beyond what both cells reach', metres],
  speedKmh: ['Speed needed', (value) => `${Math.round(value).toLocaleString('en-GB')} km/h`],
  alternations: ['Jumps to and fro', String],
  sims: ['SIMs in it', String],
  insideProbability: ['Certainty of being inside', (value) => `${Math.round(value * 100)} %`],
  radiusM: ['Known within', metres],
  dwellS: ['Stayed', (value) => span(value * 1000)],
}

const limits: Readonly<Record<string, readonly [name: string, words: (value: number) => string]>> = {
  confirmMs: ['Counts as confirmed after', span],
  toggleMs: ['Counts as a mere change and back within', span],
  speedKmh: ['Limit of speed', (value) => `${value} km/h`],
  maxSpeedKmh: ['Limit of speed', (value) => `${value} km/h`],
}

export function ruleWords(alert: LiveAlert): [name: string, value: string][] {
  const evidence = evidenceOf(alert) as Readonly<Record<string, unknown>> & ReturnType<typeof evidenceOf>
  const said: [string, string][] = []
  if (evidence.rule !== undefined) said.push(['Rule', rules[evidence.rule] ?? evidence.rule.toLowerCase().replaceAll('_', ' ')])
  if (evidence.confirmed === false) said.push(['Certainty', 'provisional: seen once so far'])
  if (evidence.confirmed === true) said.push(['Certainty', 'confirmed by a second sighting'])
  for (const [name, value] of Object.entries(evidence)) {
    if (typeof value !== 'number') continue
    const [label, words] = fields[name] ?? [spoken(name), String]
    said.push([label, words(value)])
  }
  for (const [name, value] of Object.entries(evidence.thresholds ?? {})) {
    if (typeof value !== 'number') continue
    const [label, words] = limits[name] ?? [
      `Limit: ${spoken(name)}`,
      (given: number) => (name.endsWith('Ms') ? span(given) : name.endsWith('M') ? metres(given) : String(given)),
    ]
    said.push([label, words(value)])
  }
  return said
}

function spoken(name: string): string {
  return name
    .replace(/(Ms|M|S)$/, '')
    .replaceAll(/([A-Z])/g, ' $1')
    .toLowerCase()
    .trim()
}
