/**
 * Live, or a moment that is over: the same reducer, fed from history instead of the stream. A jump asks for the state of that moment; playing asks
 * for the messages of the stretch ahead and gives them to the reducer as their time comes, at 1 to 600 times the pace.
 */
import { effect } from '@preact/signals'
import type { LiveMessage, LiveSnapshot, ReplayAnswer } from '../console-api.ts'
import { expandLive } from '../console-wire.ts'
import { reduceLive } from '../reduce-live.ts'
import { ask, query } from './ask-hub.ts'
import type { Console } from './console-model.ts'

const tickMs = 200

export function followTime(console: Console): void {
  let at = { askedMs: -1, positionMs: 0, aheadMs: 0 }
  let ahead: LiveMessage[] = []
  let asking: AbortController | undefined

  const jump = async (timeMs: number) => {
    asking?.abort()
    const mine = new AbortController()
    asking = mine
    ahead = []
    at = { askedMs: timeMs, positionMs: timeMs, aheadMs: timeMs }
    try {
      const snapshot = await ask<LiveSnapshot>(`/api/at${query({ time: new Date(timeMs).toISOString() })}`, undefined, 'GET', mine.signal)
      console.past.value = { ...expandLive(snapshot), timeMs }
      if (!snapshot.isKnown) console.tell('History does not reach back so far, or nothing was heard then.', true)
    } catch (error) {
      if (!mine.signal.aborted) console.tell(`That moment cannot be shown: ${(error as Error).message}`, true)
    } finally {
      if (asking === mine) asking = undefined
    }
  }

  effect(() => {
    const { atMs } = console.place.value
    if (atMs === null) {
      asking?.abort()
      at = { askedMs: -1, positionMs: 0, aheadMs: 0 }
      if (console.past.peek() !== null) console.past.value = null
    } else if (atMs !== at.askedMs) void jump(atMs)
  })

  const fetchAhead = async (speed: number) => {
    const mine = new AbortController()
    asking = mine
    const toMs = Math.min(Date.now(), at.aheadMs + Math.max(10_000, speed * 5_000))
    try {
      const range = { from: new Date(at.aheadMs).toISOString(), to: new Date(toMs).toISOString(), speed, limit: 20_000 }
      const { messages, nextMs } = await ask<ReplayAnswer>(`/api/replay${query(range)}`, undefined, 'GET', mine.signal)
      // The first message repeats the state this stretch begins with.
      ahead.push(...messages.filter((message) => message.type !== 'state' && message.timeMs > at.positionMs))
      at.aheadMs = nextMs ?? toMs
    } catch (error) {
      if (!mine.signal.aborted) console.go({ isPlaying: false })
      if (!mine.signal.aborted) console.tell(`Replay stopped: ${(error as Error).message}`, true)
    } finally {
      if (asking === mine) asking = undefined
    }
  }

  setInterval(() => {
    const { atMs, isPlaying, speed } = console.place.peek()
    const past = console.past.peek()
    if (atMs === null || past === null || !isPlaying) return
    if (asking === undefined && at.aheadMs - at.positionMs < speed * 2_000 && at.aheadMs < Date.now() - 1000) void fetchAhead(speed)
    const nextMs = Math.min(at.positionMs + tickMs * speed, at.aheadMs)
    if (nextMs <= at.positionMs) {
      if (at.aheadMs >= Date.now() - 2000) console.go({ atMs: null })
      return
    }
    let state = past
    let taken = 0
    for (; taken < ahead.length && ahead[taken]!.timeMs <= nextMs; taken++) state = reduceLive(state, ahead[taken]!)
    ahead = ahead.slice(taken)
    at.positionMs = nextMs
    console.past.value = { ...state, timeMs: nextMs }
  }, tickMs)
}
