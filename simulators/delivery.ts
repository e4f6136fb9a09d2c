/**
 * How what happened reaches the agents: numbered, written as text once, mostly at once, sometimes late, sometimes twice, sometimes not
 * at all. Promises that the same happenings in the same order give the same messages byte for byte. Planted events are spared.
 */
import { Agenda } from './agenda.ts'
import type { Happening } from './happenings.ts'
import type { Random } from './random.ts'
import type { Scenario } from './scenario.ts'

export interface Message {
  readonly sendAtMs: number
  readonly region: number
  readonly site: number
  readonly family: Happening['family']
  readonly source: string
  /** The event as JSON. */
  readonly text: string
  /** Sent once already, under the same event_id. */
  readonly duplicate: boolean
}

export interface DeliveryCounts {
  happened: number
  late: number
  duplicates: number
  missing: number
}

export class Delivery {
  readonly counts: DeliveryCounts = { happened: 0, late: 0, duplicates: 0, missing: 0 }
  readonly #traps: Scenario['traps']
  readonly #run: string
  readonly #later = new Agenda<Message>()
  #now: Message[] = []

  constructor(traps: Scenario['traps'], epochMs: number) {
    this.#traps = traps
    this.#run = epochMs.toString(36)
  }

  /** Late messages and repeats whose time has not come. */
  get notYetDue(): number {
    return this.#later.size
  }

  /** `random` is the speaker's own; none means: deliver faithfully. */
  take(happening: Happening, random?: Random): void {
    const id = `${this.#run}-${(this.counts.happened++).toString(36)}`
    const { timeMs, region, site, family, source } = happening
    let sendAtMs = timeMs
    let again = false
    if (random !== undefined) {
      const traps = this.#traps
      let draw = random.unit()
      if (draw < traps.missingShare) {
        this.counts.missing++
        return
      }
      draw -= traps.missingShare
      again = draw < traps.duplicateShare
      draw -= traps.duplicateShare
      if (draw >= 0 && draw < traps.veryLateShare) sendAtMs += Math.round(random.unit() * traps.veryLateMaxS * 1000)
      else if (draw >= 0 && draw < traps.veryLateShare + traps.lateShare) sendAtMs += Math.round(random.unit() * traps.lateMaxS * 1000)
    }
    const text = JSON.stringify({ event_id: id, timestamp: timeMs, event_type: happening.type, payload: happening.payload })
    const message: Message = { sendAtMs, region, site, family, source, text, duplicate: false }
    if (sendAtMs > timeMs) {
      this.counts.late++
      this.#later.add(sendAtMs, message)
    } else this.#now.push(message)
    if (again) {
      this.counts.duplicates++
      const repeatAtMs = sendAtMs + 200 + Math.round(random!.unit() * 5_000)
      this.#later.add(repeatAtMs, { ...message, sendAtMs: repeatAtMs, duplicate: true })
    }
  }

  /** All that is to be sent up to and including `timeMs`, in order of sending. */
  release(timeMs: number): Message[] {
    const due = this.#now
    this.#now = []
    for (let later = this.#later.takeDue(timeMs); later !== undefined; later = this.#later.takeDue(timeMs)) due.push(later.item)
    return due.sort((a, b) => a.sendAtMs - b.sendAtMs)
  }
}
