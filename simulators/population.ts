/**
 * Who lives in the world: identities, homes, work places, habits. A subscriber is drawn from their own generator, so the thousandth is
 * the same person in a world of a thousand or a million. Planted subscribers have number ranges of their own and never collide.
 */

import type { Errand } from './itinerary.ts'
import { hashText, randomFor } from './random.ts'
import type { Scenario } from './scenario.ts'
import { mcc, mnc, type World } from './world.ts'

export interface Identity {
  readonly imsi: string
  readonly msisdn: string
  /** 14 digits: what is compared. How it is written on the wire differs (`writeImei`). */
  readonly imei: string
}

export interface Habits extends Errand {
  readonly travels: boolean
  readonly canNr: boolean
  readonly hasGps: boolean
  readonly onBoundary: boolean
}

/** Type allocation codes: 8 digits that name the model. */
const tacs =
  '35320711 35693803 35391109 35824005 35455120 86473504 35216810 35909206 35674812 86120105 35332811 35405513 35781209 86832304'.split(' ')
const plantedTacs = '35161510 35539709 35982311 86018905 35260112 35874010'.split(' ')
/** Coprime with the powers of ten, so that counting in steps of it meets every number once. */
const stride = 7919

export function identityOf(seed: number, subscriber: number): Identity {
  return {
    imsi: imsi(hashText(`${seed}/imsi`) % 9e9, subscriber, 0, 9e9),
    msisdn: `+35385${digits((hashText(`${seed}/msisdn`) + subscriber * stride) % 1e7, 7)}`,
    imei: imei(tacs, seed, subscriber),
  }
}

/** Identities for plants: `run` tells one run from the next, so that a second start does not undo what the first one planted. */
export function plantedIdentity(seed: number, run: number, serial: number): Identity {
  const name = `${seed}/${run}/planted`
  return {
    imsi: imsi(hashText(`${name}/imsi`) % 1e9, serial, 9e9, 1e9),
    msisdn: `+35386${digits((hashText(`${name}/msisdn`) + serial * stride) % 1e7, 7)}`,
    imei: imei(plantedTacs, hashText(name), serial),
  }
}

function imsi(start: number, index: number, from: number, span: number): string {
  return `${mcc}${digits(mnc, 2)}${digits(from + ((start + index * stride) % span), 10)}`
}

function imei(models: readonly string[], seed: number, index: number): string {
  const serial = (hashText(`${seed}/imei`) + Math.floor(index / models.length) * stride) % 1e6
  return `${models[index % models.length]!}${digits(serial, 6)}`
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0')
}

/** One device in the three ways networks write it: 14 digits, with the check digit (15), with the software version (IMEISV, 16). */
export function writeImei(imei14: string, form: number): string {
  if (form < 0.15) return imei14
  if (form < 0.6) return `${imei14}${checkDigit(imei14)}`
  return `${imei14}${form < 0.8 ? '17' : '18'}`
}

/** Luhn, TS 23.003 annex B. */
export function checkDigit(imei14: string): number {
  let sum = 0
  for (let at = 0; at < 14; at++) {
    const doubled = (imei14.charCodeAt(at) - 48) * (at % 2 === 1 ? 2 : 1)
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return (10 - (sum % 10)) % 10
}

export function habitsOf(world: World, phones: Scenario['phones'], seed: number, subscriber: number): Habits {
  const random = randomFor(seed, 'habits', subscriber)
  const perRegion = world.towns.length / world.regions.length
  // Half of a region lives in its city, the rest in its towns.
  const region = random.integer(world.regions.length)
  const townIn = (of: number) => of * perRegion + (random.chance(0.5) ? 0 : 1 + random.integer(perRegion - 1))
  const homeTown = townIn(region)
  const where = random.unit()
  let workTown = homeTown
  if (where > 0.93) workTown = townIn(random.integer(world.regions.length))
  else if (where > 0.65) workTown = region * perRegion
  const near = (town: number) => {
    const { x, y, radiusM } = world.towns[town]!
    return { x: x + random.normal() * radiusM * 0.45, y: y + random.normal() * radiusM * 0.45 }
  }
  return {
    home: near(homeTown),
    homeTown,
    work: near(workTown),
    workTown,
    takesTrain: random.chance(0.4),
    travels: random.chance(phones.travellingShare),
    canNr: random.chance(phones.nrShare),
    hasGps: random.chance(phones.gpsShare),
    onBoundary: random.chance(phones.boundaryShare),
  }
}
