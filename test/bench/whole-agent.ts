/**
 * The whole agent as it is installed, one process on one core, forwarding to a real nats-server whose batches a small reader frees by watermark:
 * events/s acknowledged, PUBACK latency, processor time, octets on the backhaul and on disk an event, memory. `node24 test/bench/whole-agent.ts [seconds]`.
 * Prints one line of JSON a load. IPFIX goes as fast as nothing is dropped: datagrams of 30 flows, paced by the agent's own counter.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connectNats, ensureStream } from '#shared/adapters/nats-connection.ts'
import { headers, subjects } from '#shared/control.ts'
import { sleep } from '#shared/retry.ts'
import { freePort, killChild, RegionalServer } from '../rigs/regional-server.ts'
import { findMqttgen, pinnedTo, publishLoad } from './mqttgen.ts'

const seconds = Number(process.argv[2] ?? 10)
const ticksPerSecond = 100
const root = join(import.meta.dirname, '../..')

interface Usage {
  readonly cpuS: number
  readonly writtenOctets: number
  readonly rssOctets: number
}

const dir = mkdtempSync(join(tmpdir(), 'bench-whole-agent-'))
const mqttgen = findMqttgen(dir)
const server = await RegionalServer.create()
let agent: ChildProcess | undefined
try {
  server.start()
  for (const load of ['single', 'arrays of 100', 'IPFIX'] as const) console.log(JSON.stringify(await measure(load)))
} finally {
  await killChild(agent)
  await server.remove()
  rmSync(dir, { recursive: true, force: true })
}

async function measure(load: 'single' | 'arrays of 100' | 'IPFIX') {
  const name = `bench-${load.replace(/\W/g, '')}`
  const site = await startAgent(name)
  const reader = await readInbox(name)
  try {
    const before = usage(agent!.pid!)
    const startedMs = performance.now()
    const result =
      load === 'IPFIX'
        ? await exportFlows(site)
        : await publishLoad(mqttgen, { port: site.mqttPort, events: load === 'single' ? 1 : 100, seconds })
    const events = await accepted(site.adminPort)
    const elapsedS = (performance.now() - startedMs) / 1000
    const busy = usage(agent!.pid!)
    await sleep(12_000) // the last windows leave
    const after = usage(agent!.pid!)
    return {
      bench: 'whole agent',
      load,
      generator: load === 'IPFIX' ? 'own' : mqttgen === undefined ? 'own (a lower bound)' : 'mqttgen',
      seconds: Math.round(elapsedS),
      eventsPerS: Math.round(result?.rate ?? events / elapsedS),
      ackMs: result?.ackMs,
      cpuNsPerEvent: Math.round(((busy.cpuS - before.cpuS) * 1e9) / events),
      eventsPerCpuS: Math.round(events / (busy.cpuS - before.cpuS)),
      backhaulOctetsPerEvent: round(reader.octets() / events),
      diskOctetsPerEvent: round((after.writtenOctets - before.writtenOctets) / events),
      rssMiB: Math.round(after.rssOctets / 2 ** 20),
    }
  } finally {
    await reader.stop()
    await killChild(agent)
  }
}

async function startAgent(name: string): Promise<{ mqttPort: number; adminPort: number; netflowPort: number }> {
  const [mqttPort, adminPort, netflowPort] = [await freePort(), await freePort(), await freePort()]
  const keyFile = join(dir, 'identity.key')
  writeFileSync(keyFile, `k1:${'5a'.repeat(32)}\n`, { mode: 0o600 })
  const file = join(dir, `${name}.yaml`)
  const config = {
    agent: name,
    region: 'north',
    dataDir: join(dir, name),
    identity: { keyFile },
    hub: { natsUrl: server.url },
    mqtt: { port: mqttPort },
    netflow: { enabled: true, port: netflowPort, cell: '272-01-1' },
    admin: { port: adminPort },
    log: { level: 'error' },
  }
  writeFileSync(file, JSON.stringify(config))
  const [program, args] = pinnedTo(0, [
    process.execPath,
    '--max-semi-space-size=64',
    join(root, 'edge-agent/main.ts'),
    'run',
    '--config',
    file,
  ])
  agent = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  for (let attempt = 0; ; attempt++) {
    const ready = await fetch(`http://127.0.0.1:${adminPort}/ready`)
      .then(({ ok }) => ok)
      .catch(() => false)
    if (ready) return { mqttPort, adminPort, netflowPort }
    if (attempt > 300) throw new Error('the agent did not become ready')
    await sleep(50)
  }
}

/** Counts what comes and frees it: the least a hub does. */
async function readInbox(name: string): Promise<{ octets: () => number; stop: () => Promise<void> }> {
  const connection = await connectNats({ url: server.url, name: 'bench' })
  await ensureStream(connection, 'INBOX', { subjects: ['ing.default.north.>'] })
  const { streams } = await jetstreamManager(connection)
  await streams.purge('INBOX')
  const consumer = await jetstream(connection).consumers.get('INBOX', { filter_subjects: [`ing.default.north.${name}.>`] })
  const messages = await consumer.consume({ max_messages: 2000 })
  const seen = new Map<string, number>()
  let octets = 0
  const reading = (async () => {
    for await (const message of messages) {
      octets += message.data.length
      const lane = message.subject.split('.').at(-1)!
      seen.set(`${message.headers!.get(headers.epoch)} ${lane}`, Number(message.headers!.get(headers.seq)))
    }
  })()
  const telling = setInterval(() => {
    const lanes = [...seen].map(([key, seq]) => ({ epoch: key.split(' ')[0]!, lane: key.split(' ')[1]!, seq }))
    connection.publish(subjects.watermark('default', 'north', name), JSON.stringify({ region: 'north', hubEpoch: 1, lanes }))
  }, 500)
  return {
    octets: () => octets,
    stop: async () => {
      clearInterval(telling)
      await messages.close()
      await reading
      await connection.close()
    },
  }
}

/** Sends as long as the agent keeps up: never more than 2,000 flows ahead of what it says it has taken. */
async function exportFlows(site: { netflowPort: number; adminPort: number }): Promise<undefined> {
  const socket = createSocket('udp4')
  const flowsPerDatagram = 30
  const datagram = ipfix(flowsPerDatagram)
  const endMs = performance.now() + seconds * 1000
  let sent = 0
  while (performance.now() < endMs) {
    for (let at = 0; at < 200; at++) {
      datagram.writeUInt32BE(sent >>> 0, 8)
      socket.send(datagram, site.netflowPort, '127.0.0.1')
      sent += flowsPerDatagram
    }
    while (sent - (await accepted(site.adminPort)) > 12_000 && performance.now() < endMs) await sleep(2)
  }
  await sleep(500)
  socket.close()
  return undefined
}

async function accepted(adminPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text()
  let total = 0
  for (const match of text.matchAll(/^tributary_intake_events_total\{[^}]*verdict="accepted"[^}]*\} (\S+)$/gm)) total += Number(match[1])
  return total
}

/** An IPFIX message (RFC 7011) with its template and `flows` records of 37 octets. */
function ipfix(flows: number): Buffer {
  const fields = [8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 1, 8, 2, 8, 152, 8]
  const template = Buffer.alloc(8 + fields.length * 2)
  for (const [at, value] of [2, template.length, 300, fields.length / 2, ...fields].entries()) template.writeUInt16BE(value, at * 2)
  const record = 37
  const data = Buffer.alloc(4 + flows * record)
  data.writeUInt16BE(300, 0)
  data.writeUInt16BE(data.length, 2)
  for (let flow = 0; flow < flows; flow++) {
    const at = 4 + flow * record
    data.writeUInt32BE(0x0a000001 + flow, at)
    data.writeUInt32BE(0x08080808, at + 4)
    data.writeUInt16BE(40_000 + flow, at + 8)
    data.writeUInt16BE(443, at + 10)
    data[at + 12] = flow % 3 === 0 ? 17 : 6
    data.writeUInt32BE(1000 + flow * 77, at + 17)
    data.writeUInt32BE(3 + flow, at + 25)
    data.writeBigUInt64BE(BigInt(Date.now() - 1000), at + 29)
  }
  const header = Buffer.alloc(16)
  header.writeUInt16BE(10, 0)
  header.writeUInt16BE(16 + template.length + data.length, 2)
  header.writeUInt32BE(Math.floor(Date.now() / 1000), 4)
  header.writeUInt32BE(1, 12)
  return Buffer.concat([header, template, data])
}

function usage(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const columns = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const written = /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))
  return {
    cpuS: (Number(columns[11]) + Number(columns[12])) / ticksPerSecond,
    writtenOctets: Number(written?.[1] ?? Number.NaN),
    rssOctets: Number(columns[21]) * 4096,
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
