/**
 * Moments of the past, from the keyframes (whole states, packed) and messages that the live stream left behind. The state of any moment is the
 * keyframe before it and every message since, through the reducer that the screen uses.
 */
import { zstdDecompressSync } from 'node:zlib'
import { compactLive } from '../console-wire.ts'
import { foldLive } from '../live-fold.ts'
import { emptyLive, type LiveMessage } from '../reduce-live.ts'
import type { SqliteHistory } from './sqlite-history.ts'

interface Said {
  readonly timeMs: number
  readonly data: string | Uint8Array
}

/** Older than this, a keyframe says nothing of the moment that was asked for. */
const keyframeReachMs = 24 * 3600_000

/** The last whole state before `fromMs`, then every message up to `toMs`, as they were said. */
export function replay(history: SqliteHistory, { fromMs, toMs, limit }: { fromMs: number; toMs: number; limit: number }) {
  const key = keyframe(history, fromMs)
  const { messages, nextMs } = said(history, { afterMs: key?.timeMs ?? fromMs - 1, toMs, limit })
  return { messages: key === undefined ? messages : [textOf(key.data), ...messages], nextMs }
}

/** Without a whole state before them: what came after the state `at` answers. */
export function messages(history: SqliteHistory, { fromMs, toMs, limit }: { fromMs: number; toMs: number; limit: number }) {
  return said(history, { afterMs: fromMs, toMs, limit })
}

function said(history: SqliteHistory, { afterMs, toMs, limit }: { afterMs: number; toMs: number; limit: number }) {
  const rows = history
    .all<Said>(
      afterMs,
      `SELECT timeMs, data FROM live WHERE type <> 'state' AND timeMs > @afterMs AND timeMs < @toMs ORDER BY timeMs, id LIMIT @limit`,
      { afterMs, toMs, limit: limit + 1 },
    )
    .sort((a, b) => a.timeMs - b.timeMs)
  return { messages: rows.slice(0, limit).map(({ data }) => textOf(data)), nextMs: rows.length > limit ? rows[limit]!.timeMs : null }
}

/** The state of a moment as JSON of a `LiveSnapshot`. Of the agents' messages only the last counts: each says everything of all of them. */
export function at(history: SqliteHistory, { timeMs }: { timeMs: number }): string {
  const key = keyframe(history, timeMs)
  const afterMs = key?.timeMs ?? timeMs - keyframeReachMs
  const since = history.all<Said>(
    timeMs,
    `SELECT timeMs, data FROM live WHERE type IN ('alerts', 'triage', 'positions', 'cells') AND timeMs > @afterMs AND timeMs <= @timeMs ORDER BY timeMs, id`,
    { afterMs, timeMs },
  )
  const agents = history.all<Said>(
    timeMs,
    `SELECT timeMs, data FROM live WHERE type = 'agents' AND timeMs > @afterMs AND timeMs <= @timeMs ORDER BY timeMs DESC, id DESC LIMIT 1`,
    { afterMs, timeMs },
  )
  const last = agents.at(-1)
  const messages = [...(key === undefined ? [] : [key]), ...since, ...(last === undefined ? [] : [last])]
  const state = foldLive(emptyLive, messages.map(messageOf))
  return JSON.stringify(compactLive('', timeMs, messages.length > 0, state))
}

function keyframe(history: SqliteHistory, beforeMs: number): Said | undefined {
  const found = history.all<Said>(
    beforeMs,
    `SELECT timeMs, data FROM live WHERE type = 'state' AND timeMs <= @beforeMs AND timeMs > @sinceMs ORDER BY timeMs DESC, id DESC LIMIT 1`,
    { beforeMs, sinceMs: beforeMs - keyframeReachMs },
  )
  return found.reduce<Said | undefined>((best, one) => (best && best.timeMs > one.timeMs ? best : one), undefined)
}

function messageOf({ data }: Said): LiveMessage {
  return JSON.parse(textOf(data)) as LiveMessage
}

function textOf(data: string | Uint8Array): string {
  return typeof data === 'string' ? data : zstdDecompressSync(data).toString('utf8')
}
