import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { streams } from '../control.ts'
import { TributaryError } from '../errors.ts'
import { Unavailable } from '../ports.ts'
import { sleep } from '../retry.ts'
import { connectNats, ensureStream, isUnavailable, type NatsStatus, versionProblem } from './nats-connection.ts'

const binary = process.env.TRIBUTARY_NATS_SERVER ?? 'nats-server'
const dir = mkdtempSync(join(tmpdir(), 'nats-connection-'))
const children: ChildProcess[] = []
after(async () => {
  await Promise.all(children.map(kill))
  rmSync(dir, { recursive: true, force: true })
})

test('connects before there is a server, survives a kill -9, and says what is going on', { timeout: 30_000 }, async (t) => {
  const port = await freePort()
  const abort = new AbortController()
  t.after(() => abort.abort())
  const seen: NatsStatus[] = []
  const connecting = connectNats({ url: `nats://127.0.0.1:${port}`, name: 'test', signal: abort.signal, onStatus: (one) => seen.push(one) })
  await sleep(300)
  const first = startServer(port, 'survive')
  const connection = await connecting
  assert.ok(seen.some(({ kind, words }) => kind === 'disconnected' && words.includes('attempt 1')))
  assert.equal(seen.at(-1)?.kind, 'connected')

  await ensureStream(connection, 'INBOX', { maxBytes: 1 << 20, signal: abort.signal })
  const publisher = jetstream(connection)
  await publisher.publish('ing.t.north.north-1.sighting', new Uint8Array([1]))

  await kill(first)
  const failure = await publisher.publish('ing.t.north.north-1.sighting', new Uint8Array([2]), { timeout: 500 }).catch((error) => error)
  assert.ok(isUnavailable(failure), `${failure}`)
  await assert.rejects(ensureStream(connection, 'INBOX', { maxBytes: 1 << 20 }), Unavailable)

  startServer(port, 'survive')
  await ensureStream(connection, 'INBOX', { maxBytes: 1 << 20, signal: abort.signal })
  const manager = await jetstreamManager(connection)
  assert.equal((await manager.streams.info('INBOX')).state.messages, 1)
  abort.abort()
  await connection.closed()
  await assert.rejects(publisher.publish('ing.t.north.north-1.sighting'), (error) => isUnavailable(error))
})

test('streams get their settings, and an existing one is brought to them without losing a message', { timeout: 20_000 }, async (t) => {
  const port = await freePort()
  startServer(port, 'streams')
  const abort = new AbortController()
  t.after(() => abort.abort())
  const connection = await connectNats({ url: `nats://127.0.0.1:${port}`, name: 'test', signal: abort.signal })
  for (const name of Object.keys(streams) as (keyof typeof streams)[]) {
    await ensureStream(connection, name, { maxBytes: 1 << 20, signal: abort.signal })
    await ensureStream(connection, name, { maxBytes: 1 << 20 })
  }
  const manager = await jetstreamManager(connection)
  const inbox = (await manager.streams.info('INBOX')).config
  assert.equal(inbox.discard, 'new')
  assert.equal(inbox.retention, 'limits')
  assert.equal(inbox.storage, 'file')
  assert.equal(inbox.max_age, 30 * 24 * 3600 * 1e9)
  const publisher = jetstream(connection)
  for (const value of ['a', 'b', 'c']) await publisher.publish('control.t.fence.x', value)
  await ensureStream(connection, 'CONTROL', { maxBytes: 2 << 20 })
  const control = await manager.streams.info('CONTROL')
  assert.equal(control.state.messages, 1)
  assert.equal(control.config.max_bytes, 2 << 20)
  assert.equal((await manager.streams.getMessage('CONTROL', { last_by_subj: 'control.t.fence.x' }))?.string(), 'c')

  const full = await ensureStream(connection, 'TRUNK', { maxBytes: 2 ** 50 }).catch((error) => error)
  assert.ok(full instanceof TributaryError && full.code === 'nats-stream', `${full}`)
  assert.match(full.message, /TRUNK/)
  abort.abort()
  await connection.closed()
})

test('a full stream refuses a message instead of dropping an older one, and says: not now', { timeout: 20_000 }, async (t) => {
  const port = await freePort()
  startServer(port, 'full')
  const abort = new AbortController()
  t.after(() => abort.abort())
  const connection = await connectNats({ url: `nats://127.0.0.1:${port}`, name: 'test', signal: abort.signal })
  await ensureStream(connection, 'TRUNK', { maxBytes: 64 << 10, signal: abort.signal })
  const publisher = jetstream(connection)
  let failure: unknown
  for (let sent = 0; sent < 20 && failure === undefined; sent++) {
    failure = await publisher.publish('trunk.t.x', new Uint8Array(8 << 10)).then(
      () => undefined,
      (error) => error,
    )
  }
  assert.match(String(failure), /maximum bytes exceeded/)
  assert.equal(isUnavailable(failure), true)
  const manager = await jetstreamManager(connection)
  const before = (await manager.streams.info('TRUNK')).state
  assert.equal(before.first_seq, 1)
  await ensureStream(connection, 'TRUNK', { maxBytes: 16 << 10 })
  const after = (await manager.streams.info('TRUNK')).state
  assert.deepEqual([after.first_seq, after.messages], [1, before.messages], 'a smaller quota deletes nothing that is stored')
  abort.abort()
  await connection.closed()
})

test('an old server is refused with the reason', { timeout: 10_000 }, async () => {
  const { server, port } = await fakeServer('2.9.10')
  try {
    await assert.rejects(connectNats({ url: `nats://127.0.0.1:${port}`, name: 'test' }), (error: TributaryError) => {
      assert.equal(error.code, 'nats-version')
      assert.match(error.message, /2\.9\.10.*cannot sync on every write.*2\.14\.5/)
      return true
    })
  } finally {
    server.close()
  }
})

test('the version floor', () => {
  const allowed = ['2.14.3', '2.14.5', '2.12.12', '2.12.99', '2.15.0', '3.0.0', '2.14.3-beta.1']
  const refused = ['', 'dev', '2.9.10', '2.10.29', '2.11.99', '2.12.11', '2.13.9', '2.14.2']
  for (const version of allowed) assert.equal(versionProblem(version), undefined, version)
  for (const version of refused) assert.ok(versionProblem(version), version)
})

test('giving up on a server that never answers leaves nothing behind', async () => {
  const abort = new AbortController()
  const connecting = connectNats({ url: `nats://127.0.0.1:${await freePort()}`, name: 'test', signal: abort.signal })
  setTimeout(() => abort.abort(new Error('enough')), 100)
  await assert.rejects(connecting, /enough/)
})

function startServer(port: number, name: string): ChildProcess {
  const config = join(dir, `${name}.conf`)
  writeFileSync(
    config,
    `server_name: ${name}\nlisten: "127.0.0.1:${port}"\njetstream { store_dir: "${join(dir, name)}", max_file_store: 100MB }\n`,
  )
  const child = spawn(binary, ['-c', config], { stdio: 'ignore' })
  children.push(child)
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Speaks just enough of the protocol to be connected to, as an older server would. */
async function fakeServer(version: string): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.write(`INFO ${JSON.stringify({ server_id: 'x', version, proto: 1, headers: true, max_payload: 1 << 20 })}\r\n`)
    socket.on('data', (data) => {
      if (data.includes('PING')) socket.write('PONG\r\n')
    })
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as { port: number }).port }
}
