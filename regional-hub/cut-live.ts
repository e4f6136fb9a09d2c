/**
 * Cuts what a screen wants to know out of the batches on their way to the trunk: alerts at once, positions and cells once a second. Pure.
 * Of the positions of a second at most so many are kept, the latest of each subscriber: the screen samples, the trunk has them all.
 */
import { type Pseudonymiser, wordsToHex } from '#shared/pseudonym.ts'
import { type Batch, motions } from '#shared/records.ts'
import type { AgentProgress } from './progress.ts'
import { type LiveAgent, type LiveAlert, type LiveCell, type LivePosition, sumCells } from './reduce-live.ts'

export class LiveCutter {
  readonly #pseudonymText: (words: Uint32Array, offset: number) => string
  readonly #maxPositions: number
  #positions = new Map<string, LivePosition>()
  #cells = new Map<string, LiveCell>()

  constructor(pseudonyms: Pick<Pseudonymiser, 'text'>, maxPositions: number) {
    this.#pseudonymText = (words, offset) => (isMissing(words, offset) ? '' : pseudonyms.text(words, offset))
    this.#maxPositions = maxPositions
  }

  alerts(batch: Batch<'alert'>): readonly LiveAlert[] {
    const { columns, texts } = batch
    return rowsOf(batch).map((row) => ({
      id: wordsToHex(columns.id, row * 4),
      rev: finite(columns.revision[row]!) ?? 0,
      type: texts[columns.type[row]!]!,
      severity: texts[columns.severity[row]!]!,
      timeMs: columns.timeMs[row]!,
      detectedMs: finite(columns.detectedMs[row]!) ?? columns.timeMs[row]!,
      retracted: columns.retracted[row] === 1,
      subscriber: this.#pseudonymText(columns.subscriber, row * 4),
      number: this.#pseudonymText(columns.number, row * 4),
      device: this.#pseudonymText(columns.device, row * 4),
      cell: texts[columns.cell[row]!]!,
      evidence: parsed(texts[columns.evidence[row]!]!),
    }))
  }

  positions(batch: Batch<'position'>): void {
    const { columns, texts } = batch
    for (let row = 0; row < batch.rows; row++) {
      const who = isMissing(columns.subscriber, row * 4) ? columns.number : columns.subscriber
      const subscriber = this.#pseudonymText(who, row * 4)
      const before = this.#positions.get(subscriber)
      if (before === undefined && this.#positions.size >= this.#maxPositions) continue
      if (before !== undefined && before.timeMs > columns.timeMs[row]!) continue
      this.#positions.set(subscriber, {
        subscriber,
        timeMs: columns.timeMs[row]!,
        cell: texts[columns.cell[row]!]!,
        latitude: finite(columns.latitude[row]!),
        longitude: finite(columns.longitude[row]!),
        radiusM: finite(columns.radiusM[row]!),
        speedMps: finite(columns.speedMps[row]!),
        motion: motions[columns.motion[row]!] ?? 'unknown',
      })
    }
  }

  windows(batch: Batch<'window'>): void {
    const { columns, texts } = batch
    for (let row = 0; row < batch.rows; row++) {
      const part: LiveCell = {
        cell: texts[columns.cell[row]!]!,
        startMs: columns.startMs[row]!,
        widthMs: columns.widthMs[row]!,
        events: count(columns.events[row]!),
        attaches: count(columns.attach[row]!),
        handovers: count(columns.handover[row]!),
        drops: count(columns.drop[row]!),
        bytes: count(columns.bytesUp[row]!) + count(columns.bytesDown[row]!),
        rsrpCount: count(columns.rsrpCount[row]!),
        rsrpSumDbm: count(columns.rsrpSumDbm[row]!),
      }
      const key = `${part.cell} ${part.startMs}`
      const before = this.#cells.get(key)
      this.#cells.set(key, before === undefined ? part : sumCells(before, part))
    }
  }

  /** What gathered since the last cut, oldest windows first. */
  cut(): { readonly positions: readonly LivePosition[]; readonly cells: readonly LiveCell[] } {
    const cells = [...this.#cells.values()].sort((a, b) => a.startMs - b.startMs)
    const positions = [...this.#positions.values()]
    this.#cells = new Map()
    this.#positions = new Map()
    return { positions, cells }
  }
}

export function liveAgent({ lastSeenMs, completeThroughMs, gaps, ...rest }: AgentProgress): LiveAgent {
  return { ...rest, lastSeenMs: finite(lastSeenMs), completeThroughMs: finite(completeThroughMs), gaps: gaps.slice(0, 20) }
}

function rowsOf({ rows }: Batch): number[] {
  return Array.from({ length: rows }, (_, row) => row)
}

function isMissing(words: Uint32Array, at: number): boolean {
  return (words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]!) === 0
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

function count(value: number): number {
  return Number.isFinite(value) ? value : 0
}

function parsed(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    return text
  }
}
