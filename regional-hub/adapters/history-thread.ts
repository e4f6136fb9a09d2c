/** The thread that owns the region's history: writes what it is sent, in order, and answers questions between writes. See history-client.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { historyQueries } from './history-queries.ts'
import { type HistoryOptions, SqliteHistory } from './sqlite-history.ts'

export type ToThread =
  | {
      readonly kind: 'write'
      readonly nowMs: number
      readonly bytes: number
      readonly frames: readonly Uint8Array[]
      readonly live: readonly { readonly timeMs: number; readonly type: string; readonly data: string }[]
    }
  | {
      readonly kind: 'ask'
      readonly id: number
      readonly question: keyof typeof historyQueries | 'flush' | 'close'
      readonly query: unknown
    }

export type FromThread =
  | { readonly kind: 'wrote'; readonly bytes: number; readonly skippedPositions: number; readonly failure?: string }
  | { readonly kind: 'answer'; readonly id: number; readonly value?: unknown; readonly failure?: string }
  | { readonly kind: 'broken'; readonly file: string; readonly words: string }

const port = parentPort
if (port === null) throw new Error('history-thread.ts is a worker thread of the hub')
const say = (message: FromThread) => port.postMessage(message)
const history = new SqliteHistory({
  ...(workerData as Omit<HistoryOptions, 'onBroken'>),
  onBroken: (file, words) => say({ kind: 'broken', file, words }),
})
let forgottenMs = 0

port.on('message', (message: ToThread) => {
  if (message.kind === 'write') write(message)
  else answer(message)
})

function write({ nowMs, bytes, frames, live }: Extract<ToThread, { kind: 'write' }>): void {
  let failure: string | undefined
  try {
    history.write(nowMs, frames, live)
    if (nowMs - forgottenMs > 600_000) {
      forgottenMs = nowMs
      history.forget(nowMs)
    }
  } catch (error) {
    failure = (error as Error).message
  }
  say({ kind: 'wrote', bytes, skippedPositions: history.skippedPositions, failure })
  history.skippedPositions = 0
}

function answer({ id, question, query }: Extract<ToThread, { kind: 'ask' }>): void {
  try {
    let value: unknown
    if (question === 'close') history.close()
    else if (question !== 'flush') value = historyQueries[question](history, query as never)
    say({ kind: 'answer', id, value })
  } catch (error) {
    say({ kind: 'answer', id, failure: (error as Error).message })
  }
}
