/**
 * The hub's side of the history thread: gathers what is to be written, hands it over a few times a second, asks questions.
 *
 * Promises: detection never waits for SQLite; at most `maxWaitingBytes` wait, then `hasRoom` is false and the hub pauses reading; `flush`
 * resolves when everything handed over so far is on disk or was reported as failed. A thread that dies is started again.
 */
import { Worker } from 'node:worker_threads'
import type { HubReport } from '../events.ts'
import type { HistoryQueries } from './history-queries.ts'
import type { FromThread, ToThread } from './history-thread.ts'
import type { HistoryOptions } from './sqlite-history.ts'

export interface HistoryClientOptions extends Omit<HistoryOptions, 'onBroken'> {
  readonly nowMs: () => number
  readonly report: HubReport
}

type Live = Extract<ToThread, { kind: 'write' }>['live'][number]

const maxWaitingBytes = 64 << 20
const handOverMs = 200
const restartMs = 1_000

export class HistoryClient {
  readonly #options: HistoryClientOptions
  #worker: Worker | undefined
  #frames: Uint8Array[] = []
  #live: Live[] = []
  #gatheredBytes = 0
  #waitingBytes = 0
  #timer: NodeJS.Timeout | undefined
  #asked = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  #count = 0
  #isClosed = false

  constructor(options: HistoryClientOptions) {
    this.#options = options
  }

  start(): void {
    this.#spawn()
    this.#timer = setInterval(() => this.#handOver(), handOverMs)
  }

  get hasRoom(): boolean {
    return this.#waitingBytes + this.#gatheredBytes < maxWaitingBytes
  }

  frame(frame: Uint8Array): void {
    this.#frames.push(new Uint8Array(frame)) // exactly its octets: sending a view would send the whole buffer behind it
    this.#gatheredBytes += frame.length
  }

  live(message: Live): void {
    this.#live.push(message)
    this.#gatheredBytes += message.data.length
  }

  async ask<Q extends keyof HistoryQueries>(question: Q, query: Parameters<HistoryQueries[Q]>[1]): Promise<ReturnType<HistoryQueries[Q]>> {
    return (await this.#ask(question, query)) as ReturnType<HistoryQueries[Q]>
  }

  async flush(): Promise<void> {
    this.#handOver()
    await this.#ask('flush', undefined).catch(() => {})
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    clearInterval(this.#timer)
    await this.flush()
    this.#isClosed = true
    await this.#ask('close', undefined).catch(() => {})
    await this.#worker?.terminate()
  }

  #ask(question: Extract<ToThread, { kind: 'ask' }>['question'], query: unknown): Promise<unknown> {
    const worker = this.#worker
    if (worker === undefined) return Promise.reject(new Error('the history thread is not running'))
    const id = ++this.#count
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject })
      worker.postMessage({ kind: 'ask', id, question, query } satisfies ToThread)
    })
  }

  #handOver(): void {
    if (this.#worker === undefined || (this.#frames.length === 0 && this.#live.length === 0)) return
    const bytes = this.#gatheredBytes
    this.#waitingBytes += bytes
    this.#worker.postMessage({
      kind: 'write',
      nowMs: this.#options.nowMs(),
      bytes,
      frames: this.#frames,
      live: this.#live,
    } satisfies ToThread)
    this.#frames = []
    this.#live = []
    this.#gatheredBytes = 0
  }

  #spawn(): void {
    const { dir, days, positionsPerS, report } = this.#options
    const worker = new Worker(new URL('./history-thread.ts', import.meta.url), { workerData: { dir, days, positionsPerS } })
    this.#worker = worker
    worker.on('message', (message: FromThread) => this.#heard(message))
    worker.on('error', (error) => report.historyFailed(error.message))
    worker.on('exit', () => {
      this.#worker = undefined
      this.#waitingBytes = 0
      for (const { reject } of this.#asked.values()) reject(new Error('the history thread has ended'))
      this.#asked.clear()
      if (!this.#isClosed) setTimeout(() => !this.#isClosed && this.#spawn(), restartMs).unref()
    })
  }

  #heard(message: FromThread): void {
    const { report } = this.#options
    if (message.kind === 'broken') report.snapshotBroken(message.file, message.words)
    else if (message.kind === 'wrote') {
      this.#waitingBytes = Math.max(0, this.#waitingBytes - message.bytes)
      if (message.skippedPositions > 0) report.historySkipped(message.skippedPositions)
      if (message.failure !== undefined) report.historyFailed(message.failure)
    } else {
      const asked = this.#asked.get(message.id)
      this.#asked.delete(message.id)
      if (message.failure === undefined) asked?.resolve(message.value)
      else asked?.reject(new Error(message.failure))
    }
  }
}
