/** A generator of QoS 1 publishes in Node, for machines without mqttgen: the agent may be faster than this, so its figure is a lower bound. */
import { createConnection, type Socket } from 'node:net'

export interface Generated {
  /** Events acknowledged per second. */
  readonly rate: number
  readonly ackMs: { readonly p50: number; readonly p99: number }
}

const publishers = 20
const window = 50

export async function generate({ port, events, seconds }: { port: number; events: number; seconds: number }): Promise<Generated> {
  const endMs = performance.now() + seconds * 1000
  const startMs = performance.now()
  const waits: number[] = []
  const counts = await Promise.all(Array.from({ length: publishers }, (_, at) => publisher(port, at, events, endMs, waits)))
  waits.sort((a, b) => a - b)
  const quantile = (share: number) => Number((waits[Math.floor(share * (waits.length - 1))] ?? 0).toFixed(1))
  const messages = counts.reduce((sum, count) => sum + count, 0)
  return { rate: (messages * events) / ((performance.now() - startMs) / 1000), ackMs: { p50: quantile(0.5), p99: quantile(0.99) } }
}

function publisher(port: number, number: number, events: number, endMs: number, waits: number[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1' })
    const sentMs = new Float64Array(window + 1)
    let [sequence, acknowledged, open] = [0, 0, 0]
    const send = (packetId: number) => {
      sentMs[packetId] = performance.now()
      open++
      socket.write(
        publish(
          packetId,
          payload(number, events, () => sequence++),
        ),
      )
    }
    socket.on('connect', () => socket.write(connectPacket(`load-${number}`)))
    socket.on('error', reject)
    socket.on(
      'data',
      fourOctets((type, packetId) => {
        if (type === 2) for (let id = 1; id <= window; id++) send(id)
        if (type !== 4) return
        acknowledged++
        open--
        if (acknowledged % 16 === 0) waits.push(performance.now() - sentMs[packetId]!)
        if (performance.now() < endMs) send(packetId)
        else if (open === 0) finish(socket, () => resolve(acknowledged))
      }),
    )
  })
}

function finish(socket: Socket, done: () => void): void {
  socket.removeAllListeners()
  socket.on('error', () => {})
  socket.end(Buffer.from([0xe0, 0]))
  done()
}

/** CONNACK and PUBACK have four octets each. */
function fourOctets(take: (type: number, packetId: number) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    for (; at + 4 <= rest.length; at += 4) take(rest[at]! >> 4, rest.readUInt16BE(at + 2))
    rest = rest.subarray(at)
  }
}

export function payload(publisherNumber: number, events: number, next: () => number): string {
  const one = () => {
    const sequence = next()
    const subscriber = String((sequence * 7919 + publisherNumber * 104_729) % 100_000).padStart(10, '0')
    return `{"event_id":"load-${publisherNumber}-${sequence}","timestamp":${Date.now()},"event_type":"measurement","imsi":"27201${subscriber}","cell":"272-01-${sequence % 200}","rat":"LTE","rsrp_dbm":-${60 + (sequence % 40)}.5,"bytes_down":${1000 + (sequence % 9000)}}`
  }
  return events === 1 ? one() : `[${Array.from({ length: events }, one).join(',')}]`
}

function connectPacket(clientId: string): Buffer {
  const body = Buffer.concat([Buffer.from([0, 4, 77, 81, 84, 84, 4, 2, 0, 0, 0, clientId.length]), Buffer.from(clientId)])
  return Buffer.concat([Buffer.from([0x10, body.length]), body])
}

const topic = Buffer.from('tributary/v1/network/load')

function publish(packetId: number, text: string): Buffer {
  const body = Buffer.from(text)
  let length = 2 + topic.length + 2 + body.length
  const head = [0x32]
  for (; length > 127; length >>>= 7) head.push((length & 127) | 128)
  head.push(length, 0, topic.length)
  return Buffer.concat([Buffer.from(head), topic, Buffer.from([packetId >> 8, packetId & 255]), body])
}
