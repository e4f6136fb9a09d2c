/**
 * Every threshold of detection: default, unit and a sentence for the person who turns it. Nothing in the rules has a number of its own.
 */
import { z } from 'zod'

const count = (fallback: number, about: string) => z.number().int().positive().default(fallback).describe(about)
const amount = (fallback: number, about: string) => z.number().nonnegative().default(fallback).describe(about)
const share = (fallback: number, about: string) => z.number().min(0).max(1).default(fallback).describe(about)

const minuteMs = 60_000
const hourMs = 3_600_000
const dayMs = 24 * hourMs

export const cellSchema = z.strictObject({
  sigmaShare: amount(0.5, 'σ of a phone about its cell as a share of the cell’s range'),
  sigmaFloorM: amount(100, 'metres: σ of a cell is never smaller'),
  reachFactor: amount(1.5, 'R, the distance that holds a cell’s phones (p99.9), as a multiple of its range'),
  reachFloorM: amount(2000, 'metres: R is never smaller'),
  defaultRangeM: amount(3000, 'metres: range of a cell whose inventory row has none'),
  siteM: amount(50, 'metres: cells nearer to each other than this are one site'),
  timingAdvanceM: amount(78.12, 'metres of distance in one step of timing advance (LTE; TS 36.213 §4.2.3)'),
})

export const locateSchema = z.strictObject({
  stillMps2: amount(0.05, 'm/s²: how much a phone at rest is allowed to accelerate in the motion filter'),
  walkingMps2: amount(0.5, 'm/s²: the same for a walker'),
  vehicleMps2: amount(3, 'm/s²: the same for a vehicle'),
  gateChi2: amount(13.8, 'χ² with two degrees of freedom above which a measurement is set aside (0.1 %)'),
  restartAfterRejects: count(3, 'measurements set aside in a row after which the filter starts anew'),
  fixFloorM: amount(10, 'metres: a GPS fix is never believed better than this'),
  pingPongMs: amount(10_000, 'ms: back at the previous cell within this is ping-pong, not motion'),
  boundaryAlternations: count(3, 'alternations of two cells that make them a boundary pair'),
  boundaryMs: amount(120_000, 'ms within which they must happen'),
  lateMs: amount(10_000, 'ms: a sighting older than the newest by at most this still moves the position'),
  moveFloorM: amount(50, 'metres: a smaller move is not told as a new position (nor one smaller than σ/2)'),
  repeatMs: amount(60_000, 'ms after which a position is told again even without a move'),
  walkingMps: amount(1, 'm/s: slower is still'),
  vehicleMps: amount(3.5, 'm/s: faster for long enough is a vehicle'),
  vehicleHoldMs: amount(60_000, 'ms a speed must hold to change the class of motion'),
})

export const simSchema = z.strictObject({
  latenessMs: amount(dayMs, 'ms: how late a sighting may come and still lead to the same alerts'),
  bucketMs: amount(15 * minuteMs, 'ms: of one cell and device in one such slice of time, history keeps the first and the last sighting'),
  numberBucketMs: amount(6 * hourMs, 'ms: the same for the history of a phone number'),
  deviceBucketMs: amount(3 * hourMs, 'ms: the same for the history of a device'),
  confirmMs: amount(minuteMs, 'ms: a change that stands this long, or is seen twice, is confirmed'),
  toggleMs: amount(dayMs, 'ms: back within this, a change was a toggle and no swap'),
  comboMs: amount(dayMs, 'ms: a number on a new SIM in a new device within this is a swap-combo'),
  keepMs: amount(3 * dayMs, 'ms: how long changes stay open to correction; older alerts are final'),
})

export const simBoxSchema = z.strictObject({
  windows: z
    .array(z.strictObject({ sims: count(3, 'distinct SIMs'), windowMs: amount(hourMs, 'ms') }))
    .default([
      { sims: 3, windowMs: hourMs },
      { sims: 5, windowMs: dayMs },
      { sims: 10, windowMs: 7 * dayMs },
    ])
    .describe('so many distinct SIMs in one device within so long'),
  sameSiteShare: share(0.8, 'share of the device’s sightings that must be at one site'),
  allowedModels: z.array(z.number().int()).default([]).describe('TACs of modems, test and repair equipment that may carry many SIMs'),
  distantM: amount(10_000, 'metres beyond both reaches at which two sites are distant'),
  distantSites: count(2, 'more distant sites than this at once: the IMEI is a duplicate, not a SIM box'),
  keepMs: amount(8 * dayMs, 'ms of history of a device with several SIMs'),
})

export const cloneSchema = z.strictObject({
  slackM: amount(2000, 'metres taken off a distance beside both cells’ reach'),
  slackMs: amount(5000, 'ms added to a time difference: clocks of sites disagree'),
  speedKmh: amount(1000, 'km/h: what moves faster is two'),
  interleaveM: amount(5000, 'metres beyond both reaches at which two places are clusters of their own'),
  interleaveAlternations: count(3, 'alternations between two clusters'),
  interleaveMs: amount(30 * minuteMs, 'ms within which they must happen'),
  concurrentAlternations: count(3, 'alternations of one SIM between two devices'),
  concurrentMs: amount(5 * minuteMs, 'ms within which they must happen'),
  overlapMs: amount(10_000, 'ms both devices must have been in use side by side'),
  mapErrorSims: count(20, 'distinct SIMs that jump between the same two cells in a day: then the map is wrong, not the SIMs'),
})

export const claimSchema = z.strictObject({
  sharedMs: amount(10 * minuteMs, 'ms a SIM stays shared by two regions after flips at the border'),
  flips: count(3, 'changes of region within that time that make it shared'),
  intervalMs: amount(minuteMs, 'ms between claims of one SIM while it is shared'),
  refreshMs: amount(dayMs, 'ms after which an owned key is claimed again, so that the directory forgets nobody'),
})

export const fenceSchema = z.strictObject({
  enter: share(0.8, 'probability of being inside at which a fence is entered'),
  leave: share(0.2, 'probability of being inside below which it is left'),
  fixes: count(2, 'positions in a row that must agree'),
  holdMs: amount(30_000, 'ms after which one position is enough'),
})

export const detectionSchema = z.strictObject({
  cells: cellSchema.prefault({}).describe('What a cell says about where its phones are'),
  locate: locateSchema.prefault({}).describe('Positions and motion'),
  sim: simSchema.prefault({}).describe('SIM and device changes'),
  simBox: simBoxSchema.prefault({}).describe('SIM boxes'),
  clone: cloneSchema.prefault({}).describe('Cloned SIMs'),
  claims: claimSchema.prefault({}).describe('SIMs that move between regions'),
  fences: fenceSchema.prefault({}).describe('Geofences'),
})

export type DetectionConfig = z.output<typeof detectionSchema>

/** The defaults. */
export function defaultDetection(): DetectionConfig {
  return detectionSchema.parse({})
}
