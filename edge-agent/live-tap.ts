/**
 * Shows journaled events to whoever looks (`tributary-agent tap`): decoded, pseudonymised, one line of JSON each.
 * Costs nothing while nobody looks. A reader that is too slow misses lines and is told how many; it never holds up the agent.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { families } from '#shared/families.ts'
import { wordsToHex } from '#shared/pseudonym.ts'
import { missing } from '#shared/records.ts'
import { type EventBatch, type EventColumns, eventColumnSpecs, verdicts } from './event-batch.ts'

interface Viewer {
  readonly family: string | undefined
  readonly lines: string[]
  missed: number
  wake: (() => void) | undefined
}

const heldLines = 2_000
const shownIds = new Set<string>(['subscriber', 'number', 'device'])
const shownTexts = new Set<string>([
  'eventType',
  'source',
  'cell',
  'targetCell',
  'cause',
  'channel',
  'action',
  'outcome',
  'campaign',
  'application',
  'protocol',
  'reason',
  'field',
])
const hidden = new Set<string>(['idHash', 'family', 'verdict', 'timeMs', 'arrivalMs', 'body'])

export class LiveTap {
  readonly #viewers = new Set<Viewer>()

  take(batch: EventBatch): void {
    for (const viewer of this.#viewers) {
      for (let row = 0; row < batch.rows; row++) {
        if (viewer.family !== undefined && families[batch.columns.family[row]!] !== viewer.family) continue
        if (viewer.lines.length >= heldLines) viewer.missed++
        else viewer.lines.push(describeRow(batch, row))
      }
      viewer.wake?.()
    }
  }

  /** Lines until the signal aborts. */
  async *follow(family: string | undefined, signal: AbortSignal): AsyncGenerator<string> {
    const viewer: Viewer = { family, lines: [], missed: 0, wake: undefined }
    this.#viewers.add(viewer)
    const wake = () => viewer.wake?.()
    signal.addEventListener('abort', wake, { once: true })
    try {
      while (!signal.aborted) {
        const lines = viewer.lines.splice(0)
        if (viewer.missed > 0) lines.push(JSON.stringify({ missed: viewer.missed }))
        viewer.missed = 0
        yield* lines
        if (viewer.lines.length > 0 || viewer.missed > 0 || signal.aborted) continue // came while the lines were taken
        await new Promise<void>((resolve) => {
          viewer.wake = resolve
          void wait(1_000, undefined, { ref: false }).then(resolve)
        })
      }
    } finally {
      signal.removeEventListener('abort', wake)
      this.#viewers.delete(viewer)
    }
  }
}

/** Only what is known of the row; ids as 32 hex digits of the pseudonym. */
export function describeRow(batch: EventBatch, row: number): string {
  const { columns, texts } = batch
  const shown: Record<string, unknown> = {
    time: isoTime(columns.timeMs[row]!),
    arrival: isoTime(columns.arrivalMs[row]!),
    family: families[columns.family[row]!] ?? null,
    verdict: verdicts[columns.verdict[row]!],
  }
  for (const { name, type } of eventColumnSpecs) {
    if (hidden.has(name)) continue
    const value = (columns as EventColumns)[name][row]!
    if (shownIds.has(name)) {
      const words = columns[name as 'subscriber']
      if (words[row * 4] !== 0 || words[row * 4 + 1] !== 0) shown[name] = wordsToHex(words, row * 4)
    } else if (shownTexts.has(name) || name.startsWith('neighbourCell')) {
      if (value !== 0) shown[name] = texts[value]
    } else if (!Number.isNaN(value) && value !== (missing as Record<string, number>)[type] && !(name === 'rat' && value === 0)) {
      shown[name] = value
    }
  }
  return JSON.stringify(shown)
}

function isoTime(timeMs: number): string | null {
  return Number.isFinite(timeMs) ? new Date(timeMs).toISOString() : null
}
