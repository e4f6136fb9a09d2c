/**
 * Real captures, through nDPI's CSV and through softflowd's IPFIX: what the core's API sums up equals nDPI's own statistics and nfdump's totals.
 *
 * One difference is nDPI's: its CSV leaves out flows it could not name (`Unknown` in its statistics), so captures without such flows are compared.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually, type Network, reference, root, run, startNetwork } from './network.ts'

interface Usage {
  readonly application: string
  readonly protocol: string
  readonly flows: number
  readonly packets_up: number
  readonly packets_down: number
  readonly bytes_up: number
  readonly bytes_down: number
}
type Totals = Record<string, { packets: number; octets: number; flows: number }>

const captures = ['whatsappfiles', 'signal', 'youtube_quic']
const always = 'from=2000-01-01T00:00:00Z&to=2100-01-01T00:00:00Z&bucket=1d'
const missingTools = await missing(['ndpiReader', 'softflowd', 'nfcapd', 'nfdump'])
const skip = existsSync(join(reference, 'dpi'))
  ? missingTools.length > 0
    ? `not installed: ${missingTools.join(', ')} (Debian: libndpi-bin softflowd nfdump)`
    : false
  : 'the reference data (TRIBUTARY_REFERENCE) is not here'

for (const capture of captures) {
  test(`${capture}: applications from nDPI’s CSV equal nDPI’s statistics`, { skip }, async (t) => {
    const network = await startNetwork(t, { args: ['--no-simulator', '--regions', 'north', '--agents', '1'] })
    const csv = join(temporaryFolder(t), 'flows.csv')
    await run('ndpiReader', ['-i', pcap(capture), '-C', csv, '-q', '-t'])
    const { config } = network.agent('north-1')
    await run(process.execPath, [
      join(root, 'edge-agent/main.ts'),
      'tap-files',
      '--config',
      config,
      '--ndpi',
      csv,
      '--cell',
      '272-01-77',
      '--once',
      '--json',
    ])
    const expected = statistics(capture)
    await eventually('the API has nDPI’s totals', async () => assert.deepEqual(await usage(network, 'application'), expected), 45_000, 500)
  })

  test(`${capture}: flows from softflowd’s IPFIX equal nfdump’s totals`, { skip }, async (t) => {
    const network = await startNetwork(t, { args: ['--no-simulator', '--regions', 'north', '--agents', '1'] })
    const expected = await nfdumpTotals(t, capture)
    await softflowd(t, capture, new URL(network.agent('north-1').netflow).host)
    await eventually('the API has nfdump’s totals', async () => assert.deepEqual(await usage(network, 'protocol'), expected), 45_000, 500)
  })
}

function pcap(capture: string): string {
  return join(reference, 'dpi', `${capture}.pcap`)
}

function temporaryFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'dpi-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** The lines `Application packets bytes flows` of nDPI's own output. */
function statistics(capture: string): Totals {
  const totals: Totals = {}
  for (const line of readFileSync(`${pcap(capture)}.out`, 'utf8').split('\n')) {
    const match = /^([A-Za-z][\w/+-]*)\t(\d+)\t(\d+)\t(\d+)\s*$/.exec(line)
    if (match !== null) totals[match[1]!] = { packets: Number(match[2]), octets: Number(match[3]), flows: Number(match[4]) }
  }
  assert.ok(Object.keys(totals).length > 0)
  return totals
}

async function usage(network: Network, groupBy: 'application' | 'protocol'): Promise<Totals> {
  const { items } = await network.api<{ items: Usage[] }>(`/v1/applications/usage?${always}&groupBy=${groupBy}`)
  const totals: Totals = {}
  for (const row of items) {
    totals[row[groupBy]] ??= { packets: 0, octets: 0, flows: 0 }
    const total = totals[row[groupBy]]!
    total.packets += row.packets_up + row.packets_down
    total.octets += row.bytes_up + row.bytes_down
    total.flows += row.flows
  }
  return totals
}

async function softflowd(t: TestContext, capture: string, target: string): Promise<void> {
  const dir = temporaryFolder(t)
  await run('softflowd', ['-r', pcap(capture), '-n', target, '-v', '10', '-d', '-p', join(dir, 'pid'), '-c', 'none'])
}

/** nfcapd takes the same export, nfdump sums it up by protocol. */
async function nfdumpTotals(t: TestContext, capture: string): Promise<Totals> {
  const dir = temporaryFolder(t)
  const port = 20_000 + Math.floor(Math.random() * 40_000)
  const collector = spawn('nfcapd', ['-w', dir, '-l', dir, '-p', String(port), '-b', '127.0.0.1', '-t', '3600'], { stdio: 'ignore' })
  try {
    await sleep(1000)
    await softflowd(t, capture, `127.0.0.1:${port}`)
    await sleep(500)
  } finally {
    const ended = new Promise((resolve) => collector.once('exit', resolve))
    collector.kill('SIGTERM')
    await ended
  }
  const file = readdirSync(dir).find((name) => name.startsWith('nfcapd.'))!
  const { stdout } = await run('nfdump', ['-r', join(dir, file), '-s', 'proto', '-o', 'csv'])
  const totals: Totals = {}
  for (const line of stdout.split('\n').slice(1)) {
    const columns = line.split(',')
    if (columns.length < 10) break
    totals[columns[3]!.trim()] = { flows: Number(columns[5]), packets: Number(columns[7]), octets: Number(columns[9]) }
  }
  assert.ok(Object.keys(totals).length > 0, stdout)
  return totals
}

async function missing(tools: string[]): Promise<string[]> {
  const found = await Promise.all(
    tools.map((tool) =>
      run('sh', ['-c', `command -v ${tool}`]).then(
        () => true,
        () => false,
      ),
    ),
  )
  return tools.filter((_, at) => !found[at])
}
