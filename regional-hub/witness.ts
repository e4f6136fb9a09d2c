/**
 * What a row, an event or another region says of SIM, number and device, taken into their histories; and which keys the rules must look at,
 * and which the directory must hear of, because of it.
 *
 * A number without its SIM is resolved by the binding valid at that time; until there is one, the number's own pseudonym stands in for a SIM.
 */
import type { Notice } from '#shared/control.ts'
import { hexToWords } from '#shared/pseudonym.ts'
import type { Borders } from './borders.ts'
import type { Claims } from './claims.ts'
import { beyondReachM, isJump } from './clone.ts'
import { merged, remote, several, suspect } from './entity-table.ts'
import { type History, rewritten, unchanged } from './history.ts'
import type { Judge } from './judge.ts'
import { type Identities, LookAhead } from './look-ahead.ts'
import type { RegionState } from './region-state.ts'
import { cellMask, regionShift } from './rule-context.ts'
import { isTagged, Soles } from './soles.ts'
import { type RecordPage, w } from './subscriber-table.ts'

export class Witness {
  /** Arrival of the newest row: when what follows from it is said to be detected. */
  arrivalMs = 0
  readonly #state: RegionState
  readonly #judge: Judge
  readonly #claims: Claims
  readonly #borders: Borders
  readonly #soles: Soles
  readonly #words = new Uint32Array(12)
  readonly #ahead: LookAhead

  constructor(state: RegionState, judge: Judge, claims: Claims, borders: Borders) {
    this.#state = state
    this.#judge = judge
    this.#claims = claims
    this.#borders = borders
    this.#soles = new Soles(state)
    this.#ahead = new LookAhead(state)
  }

  /** `sighted` takes these rows next, at most `rowsAhead`. */
  lookAhead(who: Identities, from: number, to: number): void {
    this.#ahead.look(who, from, to)
  }

  /** Takes one row in; answers the SIM, or what stands in for it. 0: nobody was named. */
  sighted(who: Identities, row: number, timeMs: number, cell: number): number {
    const { sims, numbers, devices } = this.#state
    if (!(timeMs > 0)) return 0
    const at = row * 4
    const found = this.#ahead
    const ahead = row - found.from
    let sim = found.sims[ahead]! || sims.add(who.subscriber, at)
    const number = found.numbers[ahead]! || numbers.add(who.number, at)
    // TAC 0 is the IMEI of all zeros that broken phones share: it names nobody.
    const device = who.model[row] === 0 ? 0 : found.devices[ahead]! || devices.add(who.device, at)
    const isNamed = sim !== 0
    if (!isNamed) {
      if (number === 0) return 0
      sim = this.#simOf(number, timeMs) || sims.add(who.number, at)
    }
    const page = this.#state.page(sim)
    const record = this.#state.at(sim)
    if (device !== 0 && !isTagged(page.u32, record + w.deviceTag, who.device, at)) devices.noteModel(device, who.model[row]!)
    if (!isNamed) {
      if (device !== 0) this.#soles.mix(sim)
      this.#simSeen(sim, device, 0, page, record, timeMs, cell)
      return sim
    }
    const isNumberSole = number !== 0 && this.#soles.isSole('number', number, sim, page, record, who.number, at)
    const isDeviceSole = device !== 0 && this.#soles.isSole('device', device, sim, page, record, who.device, at)
    let isNews = this.#simSeen(sim, device, number, page, record, timeMs, cell)
    if (isNumberSole) isNews = this.#soleNumberSeen(number, sim, page, record, timeMs, who.number, at) || isNews
    else if (number !== 0) isNews = this.#numberSeen(number, sim, device, page, record, timeMs, cell, who.number, at) || isNews
    if (device !== 0 && !isDeviceSole) isNews = this.#deviceSeen(device, sim, timeMs, cell) || isNews
    this.#claim(sim, number, device, page, record, timeMs, cell, isNews)
    return sim
  }

  /** What another region saw, into the same histories. */
  heard({ kind, released, sighting }: Notice): void {
    const { sims, numbers, devices, cells, regions } = this.#state
    if (sighting.region === regions[0]) return
    const words = this.#words
    hexToWords(sighting.subscriber, words, 0)
    hexToWords(sighting.number, words, 4)
    hexToWords(sighting.device, words, 8)
    const sim = sims.add(words, 0)
    if (sim === 0) return
    const number = numbers.add(words, 4)
    const device = devices.add(words, 8)
    if (device !== 0) devices.noteModel(device, sighting.model)
    const { latitude, longitude, radiusM, timeMs } = sighting
    const isLocated = latitude !== null && longitude !== null && radiusM !== null && sighting.cell !== ''
    const cell = isLocated ? cells.learn(sighting.cell, latitude, longitude, radiusM) : cells.index(sighting.cell)
    const place = ((this.#state.region(sighting.region) << regionShift) | cell) >>> 0

    // Only what the notice is about: of the other two keys this region would know some sightings and not those between.
    if (kind === 'sim') {
      const page = this.#state.page(sim)
      const at = this.#state.at(sim)
      if (number !== 0 && page.u32[at + w.number] === 0) page.u32[at + w.number] = number
      if (released) this.#claims.noteReleased(page, at)
      const change = this.#insert('sim-device', sim, timeMs, place, device, 0)
      sims.setFlags(sim, sims.flags(sim) | remote)
      if (change === unchanged) return
      this.#suspectJumps(sim)
      this.#judge.sim(sim, this.arrivalMs)
      this.#borders.changed('sim', sim)
    } else if (kind === 'number' && number !== 0) {
      this.#soles.separate('number', number)
      const change = this.#insert('number-sim', number, timeMs, place, sim, device)
      numbers.setFlags(number, numbers.flags(number) | remote)
      if (change === unchanged) return
      this.#judge.number(number, this.arrivalMs)
      this.#borders.changed('number', number)
    } else if (kind === 'device' && device !== 0) {
      this.#soles.separate('device', device)
      if (devices.insert(device, timeMs, place, sim, 0) !== unchanged) this.#judge.device(device, this.arrivalMs)
    }
  }

  /** Answers whether the directory should hear of it. */
  #simSeen(sim: number, device: number, number: number, page: RecordPage, record: number, timeMs: number, cell: number): boolean {
    const { sims } = this.#state
    const flags = sims.flags(sim)
    const change = this.#insert('sim-device', sim, timeMs, cell, device, number)
    const known = page.u32[record + w.device]!
    let isNews = device !== 0 && known !== device
    if (device !== 0) page.u32[record + w.device] = device
    if (change === unchanged) return isNews
    const isSuspect = this.#suspectJumps(sim)
    isNews ||= isSuspect && (flags & suspect) === 0
    const isOldest = change === rewritten && device !== 0 && isFirstKnown(sims.owner(sim).history)
    if (isOldest && sims.toldS(sim) !== 0) this.#judge.firstMoved('sim-device', sim)
    const isDue = sims.flags(sim) & (several | suspect | remote) || isOldest || this.#judge.isBindingStale(sims.toldS(sim), timeMs)
    if (sims.flags(sim) & remote) this.#borders.changed('sim', sim)
    if (isDue && (device !== 0 || sims.flags(sim) & (several | suspect | remote))) this.#judge.sim(sim, this.arrivalMs)
    return isNews
  }

  /** A number that is this SIM's alone: its sightings are in the SIM's history, taken in just now. */
  #soleNumberSeen(number: number, sim: number, page: RecordPage, record: number, timeMs: number, words: Uint32Array, at: number): boolean {
    const { u32 } = page
    const known = u32[record + w.number]!
    u32[record + w.number] = number
    const { history } = this.#state.sims.owner(sim)
    if (history.change === unchanged) return known !== 0 && known !== number
    const isOldest = history.newer !== 0 && isFirstKnownOf(history, number)
    if (isOldest && this.#state.numbers.toldS(number) !== 0) this.#judge.firstMoved('number-sim', number)
    const isFirst = known !== number || u32[record + w.numberToldS] === 0
    if (isFirst || isOldest || this.#judge.isBindingStale(u32[record + w.numberToldS]!, timeMs)) {
      u32[record + w.numberToldS] = Math.floor(timeMs / 1000)
      this.#judge.number(number, this.arrivalMs)
    }
    if (isFirst) this.#mergeNumber(sim, words, at)
    return known !== 0 && known !== number
  }

  #numberSeen(
    number: number,
    sim: number,
    device: number,
    page: RecordPage,
    record: number,
    timeMs: number,
    cell: number,
    words: Uint32Array,
    at: number,
  ): boolean {
    const { numbers } = this.#state
    const known = page.u32[record + w.number]!
    page.u32[record + w.number] = number
    const before = numbers.newestA(number)
    const change = this.#insert('number-sim', number, timeMs, cell, sim, device)
    if (change !== unchanged) {
      const isSeveral = (numbers.flags(number) & several) !== 0
      const isOldest = change === rewritten && isFirstKnown(numbers.owner(number).history)
      if (isOldest && numbers.toldS(number) !== 0) this.#judge.firstMoved('number-sim', number)
      if (isSeveral || isOldest || this.#judge.isBindingStale(numbers.toldS(number), timeMs)) {
        this.#judge.number(number, this.arrivalMs)
      }
      if (numbers.flags(number) & remote) this.#borders.changed('number', number)
      if (before === 0) this.#mergeNumber(sim, words, at)
    }
    return (known !== 0 && known !== number) || (before !== 0 && before !== sim)
  }

  #deviceSeen(device: number, sim: number, timeMs: number, cell: number): boolean {
    const { devices } = this.#state
    const before = devices.newestA(device)
    if (devices.insert(device, timeMs, cell, sim, 0) === unchanged || (devices.flags(device) & several) === 0) return false
    this.#judge.device(device, this.arrivalMs)
    return before !== 0 && before !== sim
  }

  #insert(kind: 'number-sim' | 'sim-device', reference: number, timeMs: number, place: number, a: number, b: number): number {
    const table = kind === 'number-sim' ? this.#state.numbers : this.#state.sims
    const before = table.flags(reference)
    const change = table.insert(reference, timeMs, place, a, b)
    if ((before & several) === 0 && (table.flags(reference) & several) !== 0) this.#judge.becameSeveral(kind, reference, a)
    return change
  }

  /** What was known of a number before its SIM was: it was the SIM's all along. */
  #mergeNumber(sim: number, words: Uint32Array, at: number): void {
    const { sims } = this.#state
    const standIn = sims.find(words, at)
    if (standIn === 0 || standIn === sim) return
    const shared = sims.points(standIn)
    const points = { count: shared.count, timeMs: shared.timeMs.slice(), cell: shared.cell.slice(), a: shared.a.slice() }
    this.#soles.mix(sim)
    for (let point = 0; point < points.count; point++) {
      this.#insert('sim-device', sim, points.timeMs[point]!, points.cell[point]!, points.a[point]!, 0)
      this.#suspectJumps(sim)
    }
    sims.setFlags(standIn, (sims.flags(standIn) & ~(several | suspect | remote)) | merged)
    this.#judge.sim(standIn, this.arrivalMs)
    this.#judge.sim(sim, this.arrivalMs)
  }

  /** The SIM a number was on at a time: the newest known then, else the first known. */
  #simOf(number: number, timeMs: number): number {
    const { numbers } = this.#state
    if ((numbers.flags(number) & several) === 0) return numbers.newestA(number)
    const points = numbers.points(number)
    let sim = points.a[0]!
    for (let point = 0; point < points.count && points.timeMs[point]! <= timeMs; point++) sim = points.a[point]!
    return sim
  }

  /** Looks at the pairs of neighbours the last insert made; flags the SIM when one is too far apart. */
  #suspectJumps(sim: number): boolean {
    const { sims } = this.#state
    const { history } = sims.owner(sim)
    const { inserted, newer, gapNewer, gapOlder } = history
    const isSuspect =
      (inserted !== 0 && this.#jumps(history, history.older(inserted), inserted)) ||
      (newer !== 0 && this.#jumps(history, inserted, newer)) ||
      (gapNewer !== 0 && gapOlder !== 0 && this.#jumps(history, gapOlder, gapNewer))
    if (isSuspect) sims.setFlags(sim, sims.flags(sim) | suspect)
    return isSuspect
  }

  #jumps(history: History, older: number, newer: number): boolean {
    const { cells, config } = this.#state
    const to = history.cell(newer) & cellMask
    while (older !== 0 && !cells.isLocated(history.cell(older) & cellMask)) older = history.older(older)
    if (older === 0) return false
    const from = history.cell(older) & cellMask
    // A newer neighbour whose place is unknown hides who is beyond it: the full look decides.
    if (!cells.isLocated(to)) return newer !== history.inserted
    return from !== to && isJump(config.clone, beyondReachM(cells, from, to))
  }

  #claim(sim: number, number: number, device: number, page: RecordPage, at: number, timeMs: number, cell: number, isNews: boolean): void {
    if (!this.#claims.isDue(page, at, timeMs, isNews)) return
    const sighting = this.#state.tellable(sim, number, device, timeMs, cell)
    this.#claims.add('sim', sighting.subscriber, sighting)
    if (number !== 0) this.#claims.add('number', sighting.number, sighting)
    if (device !== 0) this.#claims.add('device', sighting.device, sighting)
    this.#claims.noteOwned(page, at, timeMs)
  }
}

/** Whether nothing older than the sighting inserted last names the number. */
function isFirstKnownOf(history: History, number: number): boolean {
  if (history.inserted === 0) return false
  let older = history.older(history.inserted)
  while (older !== 0 && history.b(older) !== number) older = history.older(older)
  return older === 0
}

/** Whether nothing older than the sighting inserted last names an `a`. */
function isFirstKnown(history: History): boolean {
  if (history.inserted === 0) return false
  let older = history.older(history.inserted)
  while (older !== 0 && history.a(older) === 0) older = history.older(older)
  return older === 0
}
