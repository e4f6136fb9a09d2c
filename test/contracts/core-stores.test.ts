/** The core's embedded stores against the contract of their ports. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryHotState } from '../../core/adapters/memory-hot-state.ts'
import { SqliteHistory } from '../../core/adapters/sqlite-history.ts'
import { historyContract } from './history.ts'
import { hotStateContract } from './hot-state.ts'

historyContract('SQLite history', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'history-'))
  const opened: SqliteHistory[] = []
  const reopen = async () => {
    const history = new SqliteHistory({ dir, nowMs: () => Date.UTC(2026, 10, 20) })
    opened.push(history)
    await history.open()
    return history
  }
  return {
    history: await reopen(),
    reopen,
    close: async () => {
      for (const history of opened) await history.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
})

hotStateContract('hot state in memory', () => new MemoryHotState(0))
