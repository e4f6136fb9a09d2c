/**
 * How far each agent's rows may be freed: the smaller of "in the hub's fsynced snapshot" and "durably acknowledged by the trunk".
 *
 * A snapshot notes what the ledger had and where the spool's head stood: once the trunk has acknowledged that head, everything those batches
 * led to is the trunk's, and what the ledger had may go. Pure. Bounded: in a long outage some of the steps between are forgotten, which only
 * makes the watermark take larger steps.
 */
import type { LaneMark } from './ledger.ts'

export type Marks = ReadonlyMap<string, readonly LaneMark[]>

interface Step {
  readonly marks: Marks
  readonly spoolHead: number
}

const maxSteps = 64

export class Watermarks {
  #steps: Step[] = []
  #marks: Marks = new Map()
  #acknowledged = 0

  /** A snapshot with this ledger is on disk for sure. */
  snapshotted(marks: Marks, spoolHead: number): boolean {
    this.#steps.push({ marks, spoolHead })
    if (this.#steps.length > maxSteps) this.#steps = this.#steps.filter((_, at) => at % 2 === 0 || at === this.#steps.length - 1)
    return this.#advance()
  }

  /** The trunk has everything of the spool up to here. True when a watermark moved. */
  acknowledged(spoolId: number): boolean {
    this.#acknowledged = Math.max(this.#acknowledged, spoolId)
    return this.#advance()
  }

  of(agent: string): readonly LaneMark[] {
    return this.#marks.get(agent) ?? []
  }

  #advance(): boolean {
    let reached = 0
    while (this.#steps[reached] !== undefined && this.#steps[reached]!.spoolHead <= this.#acknowledged) reached++
    if (reached === 0) return false
    this.#marks = this.#steps[reached - 1]!.marks
    this.#steps.splice(0, reached)
    return true
  }
}
