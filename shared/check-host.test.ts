import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { metricOf } from './check-context.ts'
import { holderOf, humanBytes, measureFsync, mountOf, quantile, readText } from './check-host.ts'
import { serverAddresses } from './check-network.ts'

const table = `/dev/root / ext4 rw,relatime 0 0
tmpfs /run tmpfs rw,nosuid 0 0
/dev/mmcblk0p3 /var/lib/tribu\\040tary f2fs ro,noatime 0 0
10.0.0.2:/share /mnt nfs4 rw 0 0`

test('a path lies on the longest mount point above it', () => {
  assert.equal(mountOf('/var/lib', table)?.kind, 'ext4')
  assert.equal(mountOf('/run/x', table)?.kind, 'tmpfs')
  assert.equal(mountOf('/runner', table)?.kind, 'ext4')
  assert.deepEqual(mountOf('/var/lib/tribu tary/data', table), {
    point: '/var/lib/tribu tary',
    kind: 'f2fs',
    device: '/dev/mmcblk0p3',
    readOnly: true,
  })
  assert.equal(mountOf('/mnt/a', table)?.kind, 'nfs4')
  assert.equal(mountOf('/', ''), undefined)
})

test('who listens on a port is found and named', async (t) => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  if (readText('/proc/net/tcp') === undefined) {
    t.diagnostic('this system has no /proc/net/tcp')
    return
  }
  const { port } = server.address() as AddressInfo
  const holder = holderOf(port, 'tcp')
  assert.equal(holder?.pid, process.pid)
  assert.equal(holder?.address, '127.0.0.1')
  assert.match(holder?.command ?? '', /node/)
  assert.equal(holderOf(port, 'udp'), undefined)
})

test('fsync is measured in a file that is gone afterwards', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-fsync-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const took = await measureFsync(dir, 5, new AbortController().signal)
  assert.equal(took.length, 5)
  assert.deepEqual(readdirSync(dir), [])
})

test('small things', () => {
  assert.equal(quantile([5, 1, 9], 0.5), 5)
  assert.equal(quantile([5, 1, 9], 0.99), 9)
  assert.equal(humanBytes(1536), '1.5 KiB')
  assert.deepEqual(serverAddresses('nats://user:secret@hub.example:4333, tls://[::1]'), [
    { host: 'hub.example', port: 4333, tls: false, text: 'hub.example:4333' },
    { host: '::1', port: 4222, tls: true, text: '[::1]:4222' },
  ])
  const text = '# HELP a x\na_total{lane="x"} 2\na_total{lane="y"} 3\na_total_other 9\nb 1.5'
  assert.deepEqual(
    [metricOf(text, 'a_total'), metricOf(text, 'a_total', { lane: 'y' }), metricOf(text, 'b'), metricOf(text, 'c')],
    [5, 3, 1.5, undefined],
  )
})
