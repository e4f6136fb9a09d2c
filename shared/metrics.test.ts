import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from './metrics.ts'

test('two services in one process keep their own numbers', async () => {
  const agent = createMetrics('edge-agent')
  const hub = createMetrics('regional-hub', { processMetrics: false })
  const rejected = agent.counter('tributary_events_rejected_total', 'Events rejected.', ['reason'])
  rejected.inc({ reason: 'out-of-bounds' }, 2)
  hub.counter('tributary_events_rejected_total', 'Events rejected.').inc(5)
  agent.histogram('tributary_journal_sync_seconds', 'Time of one fsync.', [0.001, 0.01]).observe(0.002)
  let age = 3
  agent.gauge('tributary_outbox_age_seconds', 'Age of the oldest row.', [], (gauge) => gauge.set(age))
  age = 4
  const text = await agent.text()
  assert.match(text, /tributary_events_rejected_total\{reason="out-of-bounds",service="edge-agent"\} 2/)
  assert.match(text, /tributary_outbox_age_seconds\{service="edge-agent"\} 4/)
  assert.match(text, /tributary_journal_sync_seconds_bucket\{le="0.01",service="edge-agent"\} 1/)
  assert.match(text, /process_cpu_seconds_total/)
  assert.match(await hub.text(), /tributary_events_rejected_total\{service="regional-hub"\} 5/)
})

test('a name that does not say its unit, or lies about being a counter, is refused', () => {
  const metrics = createMetrics('x', { processMetrics: false })
  assert.throws(() => metrics.counter('tributary_events', 'x'), /_total/)
  assert.throws(() => metrics.gauge('tributary_events_total', 'x'), /without _total/)
  assert.throws(() => metrics.counter('events_total', 'x'), /tributary_/)
})
