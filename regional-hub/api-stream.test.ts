import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiDeps } from './api-deps.ts'
import { streamRoutes } from './api-stream.ts'
import { LiveFeed } from './live-feed.ts'

test('a client that does not read is dropped; one that reads is not', async () => {
  const feed = new LiveFeed('run')
  let dropped = 0
  const app = streamRoutes({ feed, report: { consoleClientDropped: () => dropped++ } } as unknown as ApiDeps)
  const [idle, reading] = await Promise.all([app.request('/stream'), app.request('/stream')])
  const reader = reading.body!.getReader()
  assert.equal(feed.listeners, 2)
  const evidence = 'x'.repeat(1 << 20)
  const alert = { id: 'a', rev: 1, type: 't', severity: 'minor', timeMs: 1, detectedMs: 1, retracted: false, subscriber: '', number: '' }
  let octets = 0
  for (let at = 0; at < 20; at++) {
    feed.emit({ type: 'alerts', timeMs: at, alerts: [{ ...alert, device: '', cell: '', evidence }] })
    while (octets < at * evidence.length) octets += (await reader.read()).value!.length
  }
  assert.equal(dropped, 1)
  assert.equal(feed.listeners, 1)
  await reader.cancel()
  assert.equal(feed.listeners, 0)
  await idle.body?.cancel().catch(() => {})
})
