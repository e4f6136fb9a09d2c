/**
 * What the region remembers of its agents for the console: when each fell silent and was heard again, and which cells speak through it. Pure but
 * for the store it is given.
 */
import type { Batch } from '#shared/records.ts'
import type { Silence } from './console-api.ts'
import type { AgentProgress } from './progress.ts'
import { silentAfterMs } from './situations.ts'

export interface SilenceStore {
  openSilences(): readonly Silence[]
  fellSilent(agent: string, fromMs: number): void
  heardAgain(agent: string, toMs: number): void
}

const maxCells = 200_000

export class AgentWatch {
  readonly #store: SilenceStore
  #silent: Set<string> | undefined
  readonly #cells = new Map<string, Set<string>>()
  #count = 0

  constructor(store: SilenceStore) {
    this.#store = store
  }

  tick(nowMs: number, agents: readonly AgentProgress[]): void {
    this.#silent ??= new Set(this.#store.openSilences().map(({ agent }) => agent))
    for (const { agent, lastSeenMs } of agents) {
      const isSilent = !(nowMs - lastSeenMs <= silentAfterMs)
      if (isSilent === this.#silent.has(agent)) continue
      if (isSilent) {
        this.#silent.add(agent)
        this.#store.fellSilent(agent, Number.isNaN(lastSeenMs) ? nowMs : lastSeenMs)
      } else {
        this.#silent.delete(agent)
        this.#store.heardAgain(agent, lastSeenMs)
      }
    }
  }

  windows({ columns, texts, rows, meta }: Batch<'window'>): void {
    let before = -1
    for (let row = 0; row < rows; row++) {
      const code = columns.cell[row]!
      if (code !== before) this.note(meta.agent, texts[code]!)
      before = code
    }
  }

  note(agent: string, cell: string): void {
    if (agent === '' || cell === '') return
    let cells = this.#cells.get(agent)
    if (cells === undefined) {
      cells = new Set()
      this.#cells.set(agent, cells)
    }
    if (cells.has(cell) || this.#count >= maxCells) return
    cells.add(cell)
    this.#count++
  }

  cellsOf(agent: string): readonly string[] {
    return [...(this.#cells.get(agent) ?? [])]
  }
}
