/**
 * The simulated country: regions one below the other, each with a city and four towns, roads and rails between them, sites along all of
 * it and cells on the sites. Made once from the seed; every site draws from its own generator, so one more changes no other.
 * The places are plausible, not real: the network is operator 272-01 in the island's midlands.
 */
import { distanceM, type Point } from './geometry.ts'
import { hashText, type Random, randomFor } from './random.ts'
import type { Scenario } from './scenario.ts'

export interface Town extends Point {
  readonly name: string
  readonly region: number
  readonly radiusM: number
  readonly city: boolean
}

export interface Way {
  readonly kind: 'road' | 'rail'
  readonly from: number
  readonly to: number
  /** From the one town to the other, ends included. */
  readonly points: readonly Point[]
}

export interface Cell extends Point {
  readonly index: number
  /** Canonical: MCC-MNC-identity. */
  readonly id: string
  readonly identity: number
  readonly rat: 'LTE' | 'NR'
  readonly trackingArea: number
  readonly pci: number
  readonly site: number
  readonly region: number
  readonly azimuthDeg: number
  /** Path loss at 1 km and per decade. */
  readonly lossAt1KmDb: number
  readonly lossPerDecadeDb: number
  /** What the cell adds to every distance it measures. */
  readonly advanceBiasM: number
  /** Where the inventory believes it is, relative to where it is. */
  readonly missited: Point
}

export interface Site extends Point {
  readonly index: number
  readonly name: string
  readonly region: number
  readonly urban: boolean
  readonly shadowSeed: number
  readonly cells: readonly Cell[]
}

export interface World {
  readonly regions: readonly string[]
  readonly towns: readonly Town[]
  readonly ways: readonly Way[]
  readonly sites: readonly Site[]
  readonly cells: readonly Cell[]
}

export const mcc = 272
export const mnc = 1

/** Regions stand 60 km apart from north to south, four to a column; the two that `npm start` has keep their places whatever the order. */
const fixedSlots: Readonly<Record<string, number>> = { north: 0, south: 1 }
const slotHeightM = 60_000
const columnWidthM = 110_000

/** Where towns stand in a region. The last two are near its borders, 12 km from the neighbour's: people do cross. */
const townPlan = [
  { name: 'city', x: -4_000, y: 1_500, radiusM: 4_500 },
  { name: 'west', x: -37_000, y: -5_000, radiusM: 2_000 },
  { name: 'east', x: 37_500, y: 6_000, radiusM: 2_200 },
  { name: 'upper', x: 6_000, y: 24_000, radiusM: 1_800 },
  { name: 'lower', x: 5_000, y: -24_000, radiusM: 1_800 },
] as const

export function buildWorld(regions: readonly string[], seed: number, plan: Scenario['world']): World {
  const slots = placeRegions(regions)
  const towns = regions.flatMap((name, region) => placeTowns(name, region, slots[region]!, seed))
  const ways = layWays(towns, slots, seed)
  const sites: Site[] = []
  const cells: Cell[] = []
  const raise = (name: string, region: number, at: Point, kind: 'city' | 'town' | 'road') => {
    sites.push(raiseSite({ name, region, slot: slots[region]!, at, kind, seed, plan, index: sites.length, cells }))
  }
  for (const town of towns) {
    const count = town.city ? plan.citySites : plan.townSites
    // A sunflower: even spacing at any count, denser towards the middle by the exponent.
    for (let at = 0; at < count; at++) {
      const random = randomFor(seed, 'site-place', town.name, at)
      const radius = town.radiusM * ((at + 0.5) / count) ** 0.6
      const angle = at * 2.399963 + random.between(-0.2, 0.2)
      const place = { x: town.x + radius * Math.cos(angle), y: town.y + radius * Math.sin(angle) }
      raise(`${town.name}-${String(at + 1).padStart(2, '0')}`, town.region, place, town.city ? 'city' : 'town')
    }
  }
  for (const way of ways) {
    if (way.kind === 'rail') continue
    const name = `${towns[way.from]!.name}-${towns[way.to]!.name}`
    for (const [at, place] of placesAlong(way.points, plan.roadSiteEveryM).entries()) {
      const random = randomFor(seed, 'site-place', name, at)
      const region = distanceM(place, towns[way.from]!) < distanceM(place, towns[way.to]!) ? towns[way.from]!.region : towns[way.to]!.region
      raise(`${name}-${at + 1}`, region, { x: place.x + random.between(-400, 400), y: place.y + random.between(-400, 400) }, 'road')
    }
  }
  return { regions, towns, ways, sites, cells }
}

function placeRegions(regions: readonly string[]): number[] {
  const taken = new Set(regions.flatMap((name) => fixedSlots[name] ?? []))
  let next = 0
  return regions.map((name) => {
    const fixed = fixedSlots[name]
    if (fixed !== undefined) return fixed
    while (taken.has(next)) next++
    taken.add(next)
    return next
  })
}

function placeTowns(regionName: string, region: number, slot: number, seed: number): Town[] {
  const x = Math.floor(slot / 4) * columnWidthM
  const y = slotHeightM / 2 - (slot % 4) * slotHeightM
  return townPlan.map((town) => {
    const random = randomFor(seed, 'town', regionName, town.name)
    return {
      name: `${regionName}-${town.name}`,
      region,
      x: x + town.x + random.between(-800, 800),
      y: y + town.y + random.between(-800, 800),
      radiusM: town.radiusM,
      city: town.name === 'city',
    }
  })
}

function layWays(towns: readonly Town[], slots: readonly number[], seed: number): Way[] {
  const ways: Way[] = []
  const lay = (from: number, to: number) => {
    const random = randomFor(seed, 'way', towns[from]!.name, towns[to]!.name)
    ways.push({ kind: 'road', from, to, points: wind(towns[from]!, towns[to]!, random) })
    // Trains run north and south only, straighter than the road.
    if (Math.abs(towns[from]!.y - towns[to]!.y) > Math.abs(towns[from]!.x - towns[to]!.x)) {
      ways.push({ kind: 'rail', from, to, points: [towns[from]!, towns[to]!] })
    }
  }
  for (let region = 0; region < slots.length; region++) {
    const city = region * townPlan.length
    for (let town = 1; town < townPlan.length; town++) lay(city, city + town)
    const below = slots.indexOf(slots[region]! + 1)
    if (below >= 0 && slots[region]! % 4 !== 3) lay(city + 4, below * townPlan.length + 3)
  }
  return ways
}

/** A road is no straight line: a bend every 3 km or so. */
function wind(from: Point, to: Point, random: Random): Point[] {
  const length = distanceM(from, to)
  const bends = Math.max(1, Math.round(length / 3_000))
  const points: Point[] = [from]
  for (let bend = 1; bend < bends; bend++) {
    const share = bend / bends
    const aside = random.between(-500, 500)
    const x = from.x + (to.x - from.x) * share - ((to.y - from.y) / length) * aside
    const y = from.y + (to.y - from.y) * share + ((to.x - from.x) / length) * aside
    points.push({ x, y })
  }
  points.push(to)
  return points
}

function placesAlong(points: readonly Point[], everyM: number): Point[] {
  const places: Point[] = []
  let untilNext = everyM * 0.7
  for (let at = 1; at < points.length; at++) {
    const from = points[at - 1]!
    const to = points[at]!
    const length = distanceM(from, to)
    let done = 0
    while (length - done >= untilNext) {
      done += untilNext
      untilNext = everyM
      places.push({ x: from.x + ((to.x - from.x) * done) / length, y: from.y + ((to.y - from.y) * done) / length })
    }
    untilNext -= length - done
  }
  return places
}

interface SiteOrder {
  readonly name: string
  readonly region: number
  readonly slot: number
  readonly at: Point
  readonly kind: 'city' | 'town' | 'road'
  readonly seed: number
  readonly plan: Scenario['world']
  readonly index: number
  /** The site's cells are appended. */
  readonly cells: Cell[]
}

const radio = {
  // 3GPP TR 36.942 §4.5: 2 GHz urban macro, 900 MHz rural; towns lie between. NR at 3.5 GHz loses 5 dB more.
  city: { lossAt1KmDb: 128.1, lossPerDecadeDb: 37.6 },
  town: { lossAt1KmDb: 122, lossPerDecadeDb: 36.5 },
  road: { lossAt1KmDb: 104, lossPerDecadeDb: 34.1 },
} as const

function raiseSite(order: SiteOrder): Site {
  const { name, region, at, kind, seed, cells } = order
  const random = randomFor(seed, 'site', name)
  // The node's number comes from its name, so that it stays when sites are added; 14 bits per slot, probed on the rare collision.
  let node = hashText(name, 7) & 0x3fff
  const base = 0x48000 + order.slot * 0x4000
  const used = (id: number) => cells.some((cell) => cell.rat === 'LTE' && Math.floor(cell.identity / 256) === id)
  while (used(base + node)) node = (node + 1) & 0x3fff
  const turn = random.between(0, 120)
  const pci = random.integer(168) * 3
  const own: Cell[] = []
  const add = (rat: 'LTE' | 'NR', sector: number) => {
    const identity = rat === 'LTE' ? (base + node) * 256 + sector + 1 : (base + node) * 4096 + sector + 65
    const draw = randomFor(seed, 'cell', name, rat, sector)
    const missited = draw.chance(order.plan.missitedShare) ? Math.min(3_200, 471 * Math.exp(0.8 * draw.normal())) : 0
    const direction = draw.between(0, 2 * Math.PI)
    const cell: Cell = {
      index: cells.length,
      id: `${mcc}-${String(mnc).padStart(2, '0')}-${identity}`,
      identity,
      rat,
      trackingArea: 1000 + order.slot * 16 + (kind === 'city' ? 0 : 1),
      pci: (pci + sector) % (rat === 'LTE' ? 504 : 1008),
      site: order.index,
      region,
      ...at,
      azimuthDeg: (turn + sector * 120) % 360,
      lossAt1KmDb: radio[kind].lossAt1KmDb + (rat === 'NR' ? 5 : 0),
      lossPerDecadeDb: radio[kind].lossPerDecadeDb,
      advanceBiasM: 150 + 100 * draw.normal(),
      missited: { x: missited * Math.cos(direction), y: missited * Math.sin(direction) },
    }
    cells.push(cell)
    own.push(cell)
  }
  for (let sector = 0; sector < 3; sector++) add('LTE', sector)
  if (kind === 'city') for (let sector = 0; sector < 3; sector++) add('NR', sector)
  return { index: order.index, name, region, ...at, urban: kind === 'city', shadowSeed: hashText(`${seed}/${name}`, 11), cells: own }
}
