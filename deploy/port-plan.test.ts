import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { takenPorts, takenSentence } from './port-check.ts'
import { planPorts, portsNeeded } from './port-plan.ts'

test('ports are consecutive from the base, each once, in the same order every time', () => {
  const plan = planPorts(14_200, ['north', 'south'], 2)
  assert.deepEqual(
    plan.all.map((port) => port.number),
    Array.from({ length: 22 }, (_, index) => 14_200 + index),
  )
  assert.equal(plan.all.length, portsNeeded(2, 2))
  assert.deepEqual(plan.core, { api: 14_200, admin: 14_201, nats: 14_202, leaf: 14_203 })
  assert.deepEqual(plan.regions[1]?.agents[0], { name: 'south-1', mqtt: 14_216, netflow: 14_217, admin: 14_218 })
  assert.equal(plan.all.find((port) => port.number === 14_217)?.protocol, 'udp')
  assert.deepEqual(planPorts(14_200, ['north', 'south'], 2), plan)
})

test('a taken port is found, TCP and UDP, and told with its use, its holder and the option', async () => {
  const tcp = createServer().listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  const udp = createSocket('udp4')
  udp.bind(0, '127.0.0.1')
  await once(udp, 'listening')
  const address = tcp.address()
  assert.ok(address && typeof address === 'object')
  try {
    const taken = await takenPorts([
      { number: address.port, protocol: 'tcp', use: 'core API' },
      { number: udp.address().port, protocol: 'udp', use: 'flows' },
    ])
    assert.deepEqual(
      taken.map((port) => port.use),
      ['core API', 'flows'],
    )
    const sentence = takenSentence(taken, 14_200)
    assert.match(sentence, new RegExp(`^port ${address.port}/tcp \\(core API\\) is taken`))
    assert.match(sentence, /--port-base 15200$/)
    if (process.platform === 'linux') assert.match(sentence, new RegExp(`by node.* \\(pid ${process.pid}\\)`))
  } finally {
    tcp.close()
    udp.close()
  }
})
