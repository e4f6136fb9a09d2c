/**
 * What the rules found, and what of it was already told.
 *
 * A rule answers with the full set of outcomes of a key, computed from all that is known of it. The book compares that with what it told
 * before: a new or changed outcome is told with a higher revision, one that no longer holds is retracted, an equal one is silent.
 *
 * Revisions: `knowledge` grows with every sighting that changes a key's history and is a function of that history alone. So a hub that was
 * killed and replays reaches the same revisions for the same contents, and where two regions tell one alert the better informed one wins.
 * Within one hub a revision also always exceeds the one before. What was told between a snapshot and a kill and no longer holds is told and
 * taken back again by the replay of the same messages; only notices of other regions may come in between at other moments than before.
 */
import { hash } from 'node:crypto'

export type OutcomeContent =
  | { readonly record: 'alert'; readonly alert: AlertContent }
  | { readonly record: 'movement'; readonly movement: MovementContent }
  | { readonly record: 'binding'; readonly binding: BindingContent }

export type Outcome = OutcomeContent & { readonly id: string; readonly timeMs: number }

export interface AlertContent {
  readonly type: string
  readonly severity: 'critical' | 'major' | 'minor' | 'warning'
  readonly subscriber: string
  readonly number: string
  readonly device: string
  readonly cell: string
  readonly evidence: Readonly<Record<string, unknown>>
}

export interface MovementContent {
  readonly type: 'device-swap' | 'sim-swap' | 'device-toggle' | 'sim-toggle' | 'region-change'
  readonly confirmed: boolean
  readonly subscriber: string
  readonly number: string
  readonly before: string
  readonly after: string
  readonly beforeModel: number
  readonly afterModel: number
  readonly regionBefore: string
  readonly regionAfter: string
  readonly cell: string
}

export interface BindingContent {
  readonly kind: number
  readonly from: string
  readonly to: string
  readonly firstMs: number
  readonly lastMs: number
}

/** One row to tell. */
export interface Told {
  readonly outcome: Outcome
  readonly revision: number
  readonly retracted: boolean
  readonly detectedMs: number
}

/** Before `settledMs` no sighting can come any more; before `finalMs` nothing that follows one can change either (a toggle may take a day). */
export interface Horizon {
  readonly settledMs: number
  readonly finalMs: number
}

/** Changes of device or SIM wait for their toggle; all else is final once no late sighting can come: history then thins out. */
function isFinal(outcome: Outcome, horizon: Horizon): boolean {
  const waits = outcome.record !== 'alert' || outcome.alert.type.endsWith('-swap') || outcome.alert.type === 'swap-combo'
  return outcome.timeMs < (waits ? horizon.finalMs : horizon.settledMs)
}

interface Entry {
  outcome: Outcome
  text: string
  revision: number
  detectedMs: number
}

export class OutcomeBook {
  #entries = new Map<string, Map<string, Entry>>()

  /** The outcomes of `key` are now these; answers what is to be told. What is final is neither told, changed nor taken back. */
  settle(key: string, outcomes: readonly Outcome[], knowledge: number, detectedMs: number, horizon: Horizon): Told[] {
    const before = this.#entries.get(key)
    if (before === undefined && outcomes.length === 0) return []
    const entries = before ?? new Map<string, Entry>()
    const told: Told[] = []
    const holding = new Set<string>()
    for (const outcome of outcomes) {
      if (holding.has(outcome.id)) continue
      holding.add(outcome.id)
      const known = entries.get(outcome.id)
      if (isFinal(outcome, horizon) || (known !== undefined && isFinal(known.outcome, horizon))) continue
      const text = JSON.stringify(outcome)
      if (known?.text === text) continue
      const revision = Math.max(knowledge, (known?.revision ?? 0) + 1)
      const entry = { outcome, text, revision, detectedMs: known?.detectedMs ?? detectedMs }
      entries.set(outcome.id, entry)
      told.push({ outcome, revision, retracted: false, detectedMs: entry.detectedMs })
    }
    for (const [id, entry] of entries) {
      if (holding.has(id) || entry.text === '' || isFinal(entry.outcome, horizon)) continue
      // The entry stays, so that an outcome that comes back gets a higher revision than its retraction.
      entry.revision = Math.max(knowledge, entry.revision + 1)
      entry.text = ''
      told.push({ outcome: entry.outcome, revision: entry.revision, retracted: true, detectedMs: entry.detectedMs })
    }
    if (entries.size === 0) this.#entries.delete(key)
    else this.#entries.set(key, entries)
    return told
  }

  /** An outcome that was told without the book, so that it can be changed or taken back. */
  seed(key: string, outcome: Outcome, revision: number): void {
    const entries = this.#entries.get(key) ?? new Map<string, Entry>()
    if (!entries.has(outcome.id)) entries.set(outcome.id, { outcome, text: 'told before', revision, detectedMs: outcome.timeMs })
    this.#entries.set(key, entries)
  }

  /** Lets go of what is final. */
  prune(finalMs: number): void {
    for (const [key, entries] of this.#entries) {
      for (const [id, entry] of entries) if (entry.outcome.timeMs < finalMs) entries.delete(id)
      if (entries.size === 0) this.#entries.delete(key)
    }
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  get size(): number {
    return this.#entries.size
  }

  save(): unknown {
    return [...this.#entries].map(([key, entries]) => [key, [...entries]])
  }

  load(saved: unknown): void {
    this.#entries = new Map((saved as [string, [string, Entry][]][]).map(([key, entries]) => [key, new Map(entries)]))
  }
}

/** 32 hex digits that every hub computes alike from the same parts. */
export function outcomeId(...parts: readonly (string | number)[]): string {
  return hash('sha256', parts.join('|'), 'hex').slice(0, 32)
}
