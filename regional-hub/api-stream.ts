/**
 * `/api/stream`: server-sent events of the region, and `/api/replay`: the same messages of a time that is over.
 *
 * Every event has an `id`; a client that comes back with `Last-Event-ID` goes on behind it, or is given the whole state when that is too long
 * ago. Promise: nothing is buffered without bound: a client that does not read what it was sent is dropped, and comes back by itself.
 */
import { Hono } from 'hono'
import { z } from 'zod'
import type { ApiEnv } from './api-access.ts'
import { type ApiDeps, limit, range, rangeOf, time } from './api-deps.ts'
import { readQuery } from './api-problems.ts'
import { compactLive } from './console-wire.ts'
import type { FeedEntry } from './live-feed.ts'

const heartbeatMs = 10_000
const maxUnreadOctets = 16 << 20
const maxClients = 200
const replayQuery = z.strictObject({ ...range, speed: z.coerce.number().min(1).max(600).optional(), limit: limit(200_000, 20_000) })
const atQuery = z.strictObject({ time })
const encoder = new TextEncoder()

export function streamRoutes({ feed, history, clock, report }: ApiDeps): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>()
  app.get('/stream', (c) => {
    if (feed.listeners >= maxClients) return c.json({ title: 'Too many streams are open.', status: 503 }, 503)
    const lastId = c.req.header('last-event-id') ?? c.req.query('lastEventId')
    let end = () => {}
    const body = new ReadableStream<Uint8Array>(
      {
        start(controller) {
          const send = (text: string) => {
            const octets = encoder.encode(text)
            if ((controller.desiredSize ?? 0) <= 0) {
              report.consoleClientDropped()
              end()
              controller.error(new Error('the client reads too slowly'))
              return
            }
            controller.enqueue(octets)
          }
          let ended = false
          const heartbeat = setInterval(() => send(': here\n\n'), heartbeatMs)
          const unlisten = feed.listen((entry) => send(event(entry)))
          end = () => {
            if (ended) return
            ended = true
            clearInterval(heartbeat)
            unlisten()
          }
          send(`retry: 1000\n\n${feed.since(lastId).map(event).join('')}`)
        },
        cancel: () => end(),
      },
      { highWaterMark: maxUnreadOctets, size: (octets) => octets?.length ?? 0 },
    )
    c.req.raw.signal.addEventListener('abort', () => end(), { once: true })
    return c.body(body, 200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  })
  app.get('/replay', async (c) => {
    // The page sets the pace: `speed` is in the address so that a link says it.
    const { limit, speed: _speed, ...asked } = readQuery(c, replayQuery)
    const { fromMs, toMs } = rangeOf(asked, clock.nowMs())
    const { messages, nextMs } = await history.ask('replay', { fromMs, toMs, limit })
    return c.body(`{"messages":[${messages.join(',')}],"nextMs":${nextMs}}`, 200, { 'content-type': 'application/json' })
  })
  app.get('/at', async (c) => {
    const { time: timeMs } = readQuery(c, atQuery)
    await history.flush()
    return c.body(await history.ask('at', { timeMs }), 200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  })
  app.get('/live/state', (c) => c.json(compactLive(feed.lastId, feed.state.timeMs, true, feed.state), 200, { 'cache-control': 'no-store' }))
  return app
}

function event({ id, type, data }: FeedEntry): string {
  return `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`
}
