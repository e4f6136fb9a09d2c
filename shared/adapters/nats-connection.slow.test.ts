import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { sleep } from '../retry.ts'
import { connectNats, type NatsStatus } from './nats-connection.ts'

const children: ChildProcess[] = []
after(() => {
  for (const child of children) child.kill('SIGKILL')
})

/** A mobile link that changed its address: the old connection stays open and nothing passes; a new one would work. */
test('a connection that is open and dead is noticed and dialled anew', { timeout: 90_000 }, async (t) => {
  const port = await freePort()
  children.push(spawn(process.env.TRIBUTARY_NATS_SERVER ?? 'nats-server', ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' }))
  const pairs: Socket[][] = []
  const link = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    pairs.push([near, far])
    for (const socket of [near, far]) socket.on('error', () => near.destroy())
    near.pipe(far).pipe(near)
  })
  link.listen(0, '127.0.0.1')
  await once(link, 'listening')
  const abort = new AbortController()
  t.after(() => {
    abort.abort()
    link.close()
    for (const socket of pairs.flat()) socket.destroy()
  })
  const seen: NatsStatus[] = []
  const url = `nats://127.0.0.1:${(link.address() as AddressInfo).port}`
  const connection = await connectNats({ url, name: 'test', signal: abort.signal, onStatus: (status) => seen.push(status) })
  const received: string[] = []
  connection.subscribe('after', { callback: (_error, message) => void received.push(message.string()) })
  await connection.flush()

  const [near, far] = pairs.at(-1)! // earlier ones were dialled before the server was there
  near!.unpipe(far)
  far!.unpipe(near)
  near!.pause()
  far!.pause()
  const startMs = performance.now()
  while (seen.filter(({ kind }) => kind === 'connected').length < 2 && performance.now() - startMs < 60_000) await sleep(250)
  assert.deepEqual(seen.at(-1)?.kind, 'connected', JSON.stringify(seen))
  assert.ok(performance.now() - startMs < 45_000)
  connection.publish('after', 'the link is back')
  await connection.flush()
  assert.deepEqual(received, ['the link is back'])
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
