/**
 * Plants what should be found: device swaps and toggles, SIM swaps, SIM boxes and clones, within a region or across two. Each plant has
 * its own people, made for this run, who are seen before, at and after the moment, and are not part of the town's population. Writes the
 * truth as it plants. A plant across regions moves between the two towns nearest to the border with a minute of silence between, so that
 * it is a swap and not also an impossible journey; a clone stands in towns more than 60 km apart.
 */
import { Agenda } from './agenda.ts'
import { type Coverage, newHearing } from './coverage.ts'
import { distanceM } from './geometry.ts'
import type { Happening, Reporter, Speaker } from './happenings.ts'
import { type Identity, plantedIdentity } from './population.ts'
import { type Random, randomFor } from './random.ts'
import type { PlantSpec } from './scenario.ts'
import type { PlantTruth, TruthSink } from './truth.ts'
import type { Town, World } from './world.ts'

/** A plant's people are introduced this long before its moment. */
const leadMs = 60_000
/** Still seen at these moments after it, and once a minute for ten minutes. */
const afterwardsS = [4, 12, 30, 63, 90, ...Array.from({ length: 8 }, (_, minute) => 150 + 60 * minute)]
const cloneApartM = 60_000

export interface PlantDeps {
  readonly world: World
  readonly coverage: Coverage
  readonly reporter: Reporter
  readonly truth?: TruthSink | undefined
  readonly seed: number
  readonly epochMs: number
}

type Scene = { readonly random: Random; readonly spec: PlantSpec; readonly atMs: number; readonly earliestMs: number }

export class Plants {
  readonly counts: Record<string, number> = {}
  readonly #deps: PlantDeps
  readonly #due = new Agenda<{ spec: PlantSpec; place: number; nth: number }>()
  readonly #script = new Agenda<() => Happening | undefined>()
  #serial = 0

  constructor(specs: readonly PlantSpec[], deps: PlantDeps) {
    this.#deps = deps
    for (const [place, spec] of specs.entries()) {
      if (spec.crossRegion && deps.world.regions.length < 2) continue
      this.#schedule(spec, place, 0)
    }
  }

  /** What the planted people report up to and including `timeMs`, in order. */
  *happenings(timeMs: number): Generator<Happening> {
    for (let due = this.#due.takeDue(timeMs); due !== undefined; due = this.#due.takeDue(timeMs)) {
      const { spec, place, nth } = due.item
      const atMs = this.#momentOf(spec, nth)
      const random = randomFor(this.#deps.seed, 'plant', this.#deps.epochMs, place, nth)
      this.#plant({ random, spec, atMs, earliestMs: due.timeMs })
      if (spec.everyS !== undefined && (spec.count === undefined || nth + 1 < spec.count)) this.#schedule(spec, place, nth + 1)
    }
    for (let next = this.#script.takeDue(timeMs); next !== undefined; next = this.#script.takeDue(timeMs)) {
      const happening = next.item()
      if (happening !== undefined) yield happening
    }
  }

  #momentOf(spec: PlantSpec, nth: number): number {
    return this.#deps.epochMs + Math.round((spec.atS + nth * (spec.everyS ?? 0)) * 1000)
  }

  #schedule(spec: PlantSpec, place: number, nth: number): void {
    this.#due.add(Math.max(this.#deps.epochMs, this.#momentOf(spec, nth) - leadMs), { spec, place, nth })
  }

  #plant(scene: Scene): void {
    const { kind } = scene.spec
    if (kind === 'device-swap' || kind === 'device-toggle') this.#swapDevice(scene)
    else if (kind === 'sim-swap') this.#swapSim(scene)
    else if (kind === 'sim-box') this.#runBox(scene)
    else this.#clone(scene)
  }

  #swapDevice(scene: Scene): void {
    const { spec, atMs } = scene
    const [from, to] = this.#placesOf(scene, 'near')
    const before = this.#person()
    const after = { ...before, imei: this.#person().imei }
    const old = this.#speaker(scene, before, from)
    const now = this.#speaker(scene, after, to)
    this.#introduce(old, scene, spec.crossRegion ? 45_000 : 6_000)
    this.#appear(now, atMs)
    const back = spec.kind === 'device-toggle' ? atMs + spec.backAfterS * 1000 : undefined
    this.#linger(now, atMs, back)
    if (back !== undefined) {
      this.#appear(old, back)
      this.#linger(old, back)
    }
    this.#note(scene, before, after, [old, now], back === undefined ? {} : { backMs: back })
  }

  #swapSim(scene: Scene): void {
    const { spec, atMs } = scene
    const [from, to] = this.#placesOf(scene, 'near')
    const before = this.#person()
    const fresh = this.#person()
    const after = { imsi: fresh.imsi, msisdn: before.msisdn, imei: spec.newDevice ? fresh.imei : before.imei }
    const old = this.#speaker(scene, before, from)
    const now = this.#speaker(scene, after, to)
    this.#introduce(old, scene, spec.crossRegion ? 45_000 : 6_000)
    this.#appear(now, atMs)
    this.#linger(now, atMs)
    this.#note(scene, before, after, [old, now], spec.newDevice ? { also: ['swap-combo'] } : {})
  }

  /** Many SIMs take turns in one device that never moves. */
  #runBox(scene: Scene): void {
    const { spec, atMs, random } = scene
    const [town] = this.#placesOf({ ...scene, spec: { ...spec, crossRegion: false } }, 'near')
    const box = this.#person()
    const speaker = this.#speaker(scene, box, town)
    const imsis: string[] = []
    for (let sim = 0; sim < spec.sims; sim++) {
      const identity = { ...this.#person(), imei: box.imei }
      imsis.push(identity.imsi)
      const voice = { ...speaker, identity }
      const onMs = atMs + Math.round((sim * spec.overS * 1000) / spec.sims)
      this.#appear(voice, onMs)
      for (let call = 0; call < 5; call++) {
        const callMs = onMs + 3_000 + call * 60_000 + random.integer(20_000)
        const durationMs = 5_000 + random.integer(30_000)
        this.#radio(voice, callMs, 'call_start')
        this.#radio(voice, callMs + durationMs, 'call_end', { duration_ms: durationMs, cause: 'normal' })
      }
    }
    this.#note(scene, { ...box, imsi: imsis[0]! }, { ...box, imsi: imsis.at(-1)! }, [speaker], { imsis })
  }

  /** One SIM on the air in two towns at once. */
  #clone(scene: Scene): void {
    const { spec, atMs } = scene
    const [here, there] = this.#placesOf(scene, 'far')
    const identity = this.#person()
    const copyIdentity = spec.newDevice ? { ...identity, imei: this.#person().imei } : identity
    const original = this.#speaker(scene, identity, here)
    const copy = this.#speaker(scene, copyIdentity, there)
    this.#introduce(original, scene, 6_000)
    this.#appear(copy, atMs)
    for (let at = 3_000; at <= spec.overS * 1000; at += 10_000) {
      this.#radio(original, atMs + at, 'measurement')
      this.#radio(copy, atMs + at + 5_000, 'measurement')
    }
    this.#linger(original, atMs + spec.overS * 1000 + 600_000)
    this.#note(scene, identity, copyIdentity, [original, copy], spec.newDevice ? { also: ['device-swap', 'device-toggle'] } : {})
  }

  #person(): Identity {
    return plantedIdentity(this.#deps.seed, this.#deps.epochMs, this.#serial++)
  }

  /** Two towns: the same twice or a border pair (`near`), or two that are far apart (`far`). */
  #placesOf(scene: Scene, how: 'near' | 'far'): [Town, Town] {
    const { towns, regions } = this.#deps.world
    const { random, spec } = scene
    const home = random.integer(regions.length)
    const away = spec.crossRegion ? (home + 1 + random.integer(regions.length - 1)) % regions.length : home
    const mine = towns.filter((town) => town.region === home)
    if (how === 'near' && !spec.crossRegion) {
      const town = random.pick(mine)
      return [town, town]
    }
    const pairs = mine.flatMap((a) => towns.filter((b) => b.region === away).map((b) => ({ a, b, far: distanceM(a, b) })))
    pairs.sort((one, other) => one.far - other.far)
    const { a, b } = how === 'near' ? pairs[0]! : random.pick(pairs.filter((pair) => pair.far > cloneApartM + 5_000))
    return [a, b]
  }

  /** Somebody standing in a town, within reach of one of its sites. */
  #speaker(scene: Scene, identity: Identity, town: Town): Speaker {
    const { coverage } = this.#deps
    const { random } = scene
    const x = town.x + 0.3 * town.radiusM * random.normal()
    const y = town.y + 0.3 * town.radiusM * random.normal()
    const hearing = newHearing()
    coverage.listen(x, y, false, hearing)
    return { identity, random, x, y, hearing, serving: hearing.cells[0]!, speedMps: 0, courseDeg: 0 }
  }

  /** Seen as they were, well before; the last time `quietMs` before the moment. */
  #introduce(speaker: Speaker, scene: Scene, quietMs: number): void {
    const lastMs = Math.max(scene.earliestMs + 1_500, scene.atMs - quietMs)
    this.#core(speaker, Math.max(scene.earliestMs + 500, lastMs - 8_000), 'registration')
    this.#radio(speaker, Math.max(scene.earliestMs + 1_000, lastMs - 4_000), 'measurement')
    this.#radio(speaker, lastMs, 'measurement')
  }

  #appear(speaker: Speaker, atMs: number): void {
    this.#radio(speaker, atMs, 'attach')
    this.#core(speaker, atMs + 300, 'registration')
  }

  #linger(speaker: Speaker, fromMs: number, untilMs = Number.POSITIVE_INFINITY): void {
    for (const afterS of afterwardsS)
      if (fromMs + afterS * 1000 < untilMs - 2_000) this.#radio(speaker, fromMs + afterS * 1000, 'measurement')
  }

  #radio(speaker: Speaker, timeMs: number, type: string, extra?: Readonly<Record<string, unknown>>): void {
    this.#script.add(timeMs, () => this.#deps.reporter.radio(speaker, timeMs, type, extra, true))
  }

  #core(speaker: Speaker, timeMs: number, type: string): void {
    this.#script.add(timeMs, () => this.#deps.reporter.subscriber(speaker, timeMs, type))
  }

  /** Counted and written when it happens, not when it is planned: a run that ends before has not planted it. */
  #note(scene: Scene, before: Identity, after: Identity, speakers: readonly Speaker[], more: Partial<PlantTruth>): void {
    const { truth, coverage, world } = this.#deps
    const { kind } = scene.spec
    const cells = [...new Set(speakers.map((speaker) => speaker.serving))].map((index) => coverage.cell(index))
    this.#script.add(scene.atMs, () => {
      this.counts[kind] = (this.counts[kind] ?? 0) + 1
      truth?.write({
        kind,
        atMs: scene.atMs,
        before,
        after,
        cells: cells.map((cell) => cell.id),
        regions: [...new Set(cells.map((cell) => world.regions[cell.region]!))],
        ...more,
      })
      return undefined
    })
  }
}
