import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { AdminServer, type HealthCheck, listen } from './admin.ts'
import { TributaryError } from './errors.ts'
import { createMetrics } from './metrics.ts'

const local = { host: '127.0.0.1', port: 0, what: 'a test', option: 'test.port' }

test('tells health, readiness and metrics', async () => {
  const checks: HealthCheck[] = [{ id: 'journal', verdict: 'ok', value: 3, words: 'The journal takes writes.' }]
  let ready = false
  const metrics = createMetrics('test', { processMetrics: false })
  metrics.counter('tributary_events_accepted_total', 'Events accepted.').inc(7)
  const admin = new AdminServer({ ...local, metrics, health: () => checks, ready: () => ready })
  await admin.stop(100)
  await admin.start()
  try {
    assert.deepEqual(await (await fetch(`${admin.url}/health`)).json(), { status: 'ok', checks })
    assert.equal((await fetch(`${admin.url}/ready`)).status, 503)
    ready = true
    assert.equal((await fetch(`${admin.url}/ready`)).status, 200)
    checks.push({ id: 'uplink', verdict: 'degraded', value: null, words: 'The hub does not answer.' })
    const degraded = await fetch(`${admin.url}/health`)
    assert.equal(degraded.status, 200)
    assert.equal(((await degraded.json()) as { status: string }).status, 'degraded')
    checks.push({ id: 'disk', verdict: 'failed', value: 0, words: 'The disk is full.' })
    assert.equal((await fetch(`${admin.url}/health`)).status, 503)
    const scrape = await fetch(`${admin.url}/metrics`)
    assert.match(scrape.headers.get('content-type') ?? '', /^text\/plain/)
    assert.match(await scrape.text(), /tributary_events_accepted_total\{service="test"\} 7/)
  } finally {
    await admin.stop(500)
    await admin.stop(500)
  }
})

test('a taken port is refused with who needs it, which, and the option that chooses another', async () => {
  const first = await listen(new Hono(), local)
  await assert.rejects(
    listen(new Hono(), { ...local, port: first.port, what: "the agent's admin server", option: 'admin.port' }),
    (error) => {
      assert.ok(error instanceof TributaryError && error.code === 'port-taken')
      assert.match(error.message, new RegExp(`the agent's admin server needs 127\\.0\\.0\\.1 port ${first.port}.*admin\\.port`))
      return true
    },
  )
  await first.close()
})

test('closing ends event streams at once and lets a running request finish', async () => {
  const app = new Hono()
  let ended = false
  app.get('/stream', (c) =>
    streamSSE(c, async (stream) => {
      stream.onAbort(() => {
        ended = true
      })
      await stream.writeSSE({ data: 'hello' })
      await new Promise<void>((resolve) => stream.onAbort(resolve))
    }),
  )
  app.get('/slow', async (c) => {
    await new Promise((resolve) => setTimeout(resolve, 150))
    return c.text('done')
  })
  const server = await listen(app, local)
  const stream = await fetch(`${server.url}/stream`)
  const reader = stream.body!.getReader()
  await reader.read()
  const slow = fetch(`${server.url}/slow`).then((response) => response.text())
  await new Promise((resolve) => setTimeout(resolve, 30))
  const startMs = performance.now()
  const closed = server.close(3_000)
  await assert.rejects(reader.read())
  assert.equal(await slow, 'done')
  await closed
  assert.ok(performance.now() - startMs < 1_500)
  assert.equal(ended, true)
})

test('a client that never finishes is cut at the deadline', async () => {
  const server = await listen(new Hono(), local)
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => {})
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n')
  await new Promise((resolve) => setTimeout(resolve, 30))
  const startMs = performance.now()
  await server.close(100)
  assert.ok(performance.now() - startMs < 1_000)
  socket.destroy()
})
