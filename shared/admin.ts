/**
 * How a service speaks HTTP. `listen` opens a port with limits that a slow or greedy client cannot outwait, and closes it in an orderly
 * way; the hub's console and the core's API use it too. `AdminServer` is the port every service has: is it well, is it ready, its metrics.
 *
 * Promise: closing ends event streams at once, gives running requests the deadline, then cuts what is left; it never hangs.
 */
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { holderOf, holderWords } from './check-host.ts'
import { TributaryError } from './errors.ts'
import type { Metrics } from './metrics.ts'
import type { Component } from './ports.ts'

export type Verdict = 'ok' | 'degraded' | 'failed'

/** One thing that was looked at: what was found (`value`) and what it means, in words an operator can act on. */
export interface HealthCheck {
  readonly id: string
  readonly verdict: Verdict
  readonly value: string | number | boolean | null
  readonly words: string
}

export interface Health {
  readonly status: Verdict
  readonly checks: readonly HealthCheck[]
}

/** The worst verdict stands for the whole. */
export function summarise(checks: readonly HealthCheck[]): Health {
  const has = (verdict: Verdict) => checks.some((check) => check.verdict === verdict)
  return { status: has('failed') ? 'failed' : has('degraded') ? 'degraded' : 'ok', checks }
}

export interface ListenOptions {
  readonly host: string
  /** 0 takes any free port; the answer's `url` says which. */
  readonly port: number
  /** Who needs the port, for the message when it is taken: "the agent's admin server". */
  readonly what: string
  /** The setting that chooses it: "admin.port". */
  readonly option: string
}

export interface Listening {
  readonly url: string
  readonly port: number
  /** Safe twice. */
  close(deadlineMs?: number): Promise<void>
}

/** Anything with a `fetch`: a hono app. */
export interface FetchApp {
  fetch(request: Request, env?: unknown): Response | Promise<Response>
}

/** Rejects with a sentence naming the port, who needs it and the option that chooses another. */
export async function listen(app: FetchApp, options: ListenOptions): Promise<Listening> {
  const running = new Set<ServerResponse>()
  const streams = new WeakSet<ServerResponse>()
  const server = createAdaptorServer({
    fetch: async (request, env) => {
      const response = await app.fetch(request, env)
      if (response.headers.get('content-type')?.startsWith('text/event-stream')) streams.add(env.outgoing as ServerResponse)
      return response
    },
    serverOptions: {
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 5_000,
      connectionsCheckingInterval: 5_000,
      maxHeaderSize: 16 * 1024,
    },
  }) as Server
  server.maxRequestsPerSocket = 10_000
  server.on('request', (_request, response: ServerResponse) => {
    running.add(response)
    response.once('close', () => running.delete(response))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(refused(cause, options)))
    server.listen(options.port, options.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  let closing: Promise<void> | undefined
  return {
    url: `http://${host}:${port}`,
    port,
    close: (deadlineMs = 1_000) => {
      closing ??= closeServer(server, running, streams, deadlineMs)
      return closing
    },
  }
}

function closeServer(
  server: Server,
  running: ReadonlySet<ServerResponse>,
  streams: WeakSet<ServerResponse>,
  deadlineMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), deadlineMs)
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
    for (const response of running) {
      if (streams.has(response)) response.destroy()
      else response.once('close', () => setImmediate(() => server.closeIdleConnections()))
    }
  })
}

function refused(cause: NodeJS.ErrnoException, { host, port, what, option }: ListenOptions): Error {
  const wish = `${what} needs ${host} port ${port}`
  if (cause.code === 'EADDRINUSE') {
    const holder = holderOf(port, 'tcp')
    const who = holder === undefined ? 'another program' : holderWords(holder)
    return new TributaryError('port-taken', `${wish}, and ${who} listens there; the option is ${option}`, { cause })
  }
  if (cause.code === 'EACCES' || cause.code === 'EADDRNOTAVAIL') {
    return new TributaryError('port-refused', `${wish} (${cause.code}); the options are ${option} and its host`, { cause })
  }
  return new TributaryError('start-failed', `${wish}: ${cause.message}; the option is ${option}`, { cause })
}

export interface AdminOptions {
  readonly host: string
  readonly port: number
  readonly metrics: Metrics
  readonly health: () => readonly HealthCheck[]
  readonly ready: () => boolean
  /** Default: "the admin server" and "admin.port". */
  readonly what?: string
  readonly option?: string
  /** Streams of lines by path (`/tap`), as server-sent events; `query` is the request's. Ended by the signal. */
  readonly streams?: Readonly<Record<string, LineStream>>
  /** JSON documents by path (`/site`), made at each request. */
  readonly documents?: Readonly<Record<string, () => unknown>>
  /** What may be asked for by POST (`/replay`), answered with JSON. A browser's page cannot: the header `x-tributary` is asked for. */
  readonly actions?: Readonly<Record<string, (query: Readonly<Record<string, string>>) => unknown>>
}

export type LineStream = (query: Readonly<Record<string, string>>, signal: AbortSignal) => AsyncIterable<string>

export class AdminServer implements Component {
  readonly name = 'admin'
  readonly #options: AdminOptions
  #listening: Listening | undefined

  constructor(options: AdminOptions) {
    this.#options = options
  }

  /** Known once started. */
  get url(): string {
    return this.#listening?.url ?? ''
  }

  async start(): Promise<void> {
    const { host, port, what = 'the admin server', option = 'admin.port' } = this.#options
    this.#listening = await listen(adminApp(this.#options), { host, port, what, option })
  }

  async stop(deadlineMs: number): Promise<void> {
    await this.#listening?.close(Math.min(deadlineMs, 1_000))
  }
}

function adminApp({ metrics, health, ready, streams = {}, documents = {}, actions = {} }: AdminOptions): Hono {
  const app = new Hono()
  app.get('/health', (c) => {
    const found = summarise(health())
    return c.json(found, found.status === 'failed' ? 503 : 200)
  })
  app.get('/ready', (c) => (ready() ? c.json({ ready: true }) : c.json({ ready: false }, 503)))
  app.get('/metrics', async (c) => c.body(await metrics.text(), 200, { 'content-type': metrics.contentType }))
  for (const [path, open] of Object.entries(streams)) app.get(path, (c) => eventStream(open(c.req.query(), c.req.raw.signal)))
  for (const [path, read] of Object.entries(documents)) app.get(path, (c) => c.json(read() as object))
  for (const [path, act] of Object.entries(actions)) {
    app.post(path, (c) =>
      c.req.header('x-tributary') === undefined
        ? c.json({ error: 'the header x-tributary is missing' }, 403)
        : c.json(act(c.req.query()) as object),
    )
  }
  return app
}

/** One line is one event; a reader that is slow is waited for. */
function eventStream(lines: AsyncIterable<string>): Response {
  const iterator = lines[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(': follows\n\n')),
    pull: async (controller) => {
      const { done, value } = await iterator.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(`data: ${value}\n\n`))
    },
    cancel: async () => {
      await iterator.return?.()
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' } })
}
