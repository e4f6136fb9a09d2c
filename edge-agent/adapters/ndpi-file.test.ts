import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { EventBatch } from '../event-batch.ts'
import type { Intake } from '../ports.ts'
import { NdpiFile } from './ndpi-file.ts'

const dir = mkdtempSync(join(tmpdir(), 'ndpi-'))
after(() => rmSync(dir, { recursive: true }))
const header =
  '#flow_id,protocol,first_seen,last_seen,duration,src_ip,src_port,dst_ip,dst_port,ndpi_proto_num,ndpi_proto,server_name_sni,c_to_s_pkts,c_to_s_bytes,c_to_s_goodput_bytes,s_to_c_pkts,s_to_c_bytes,s_to_c_goodput_bytes'
const line = (id: number, application: string, up: number, down: number) =>
  `${id},6,1571089200.789,1571089204.031,3.2,172.20.10.4,49877,104.16.248.249,443,91.196,${application},a.example,8,${up},1,5,${down},1`

test('a growing file is read line by line, and a restart goes on where the journal has it', async () => {
  const file = join(dir, 'flows.csv')
  writeFileSync(file, `${header}\n${line(0, 'TLS.DoH_DoT', 100, 200)}\n${line(1, 'DNS', 7, 9).slice(0, 20)}`)
  const first = follow(file)
  assert.equal(await first.ndpi.readToEnd(), 1)
  appendFileSync(file, `${line(1, 'DNS', 7, 9).slice(20)}\n`)
  assert.equal(await first.ndpi.readToEnd(), 1)
  appendFileSync(file, `${line(2, 'QUIC.YouTube', 1, 2)}\nthis,is,no,flow\n`)

  const second = follow(file)
  await second.ndpi.start()
  assert.equal(await second.ndpi.readToEnd(), 1)
  assert.deepEqual(second.refused, ['packets or octets are no whole numbers'])
  assert.deepEqual(applications(first.batch), ['DoH_DoT', 'DNS'])
  assert.deepEqual(applications(second.batch), ['YouTube'])
  assert.equal(first.batch.columns.bytesUp[0], 100)
  assert.equal(first.batch.columns.bytesDown[0], 200)
  assert.equal(first.batch.columns.timeMs[0], 1571089204031)
  assert.equal(first.batch.texts[first.batch.columns.protocol[0]!], 'TCP')
})

test('a replaced file is read from its beginning, and a file that is no nDPI file is named', async () => {
  const file = join(dir, 'replaced.csv')
  writeFileSync(file, `${header}\n${line(0, 'DNS', 1, 1)}\n`)
  const { ndpi, waits, batch } = follow(file)
  await ndpi.readToEnd()
  rmSync(file)
  writeFileSync(file, `${header}\n${line(0, 'NTP', 1, 1)}\n`)
  await ndpi.readToEnd()
  assert.deepEqual(applications(batch), ['DNS', 'NTP'])
  rmSync(file)
  writeFileSync(file, 'a,b,c\n1,2,3\n')
  await ndpi.readToEnd()
  assert.match(waits.at(-1)!, /lacks protocol, last_seen/)
})

function follow(file: string) {
  const batch = new EventBatch(8)
  const refused: string[] = []
  const waits: string[] = []
  const intake: Intake = {
    offer: () => assert.fail('no messages come from a file'),
    offerFlows: (delivery) => {
      delivery.fill(batch)
      delivery.settle()
    },
  }
  const report = {
    ndpiLineRefused: (_: string, reason: string) => refused.push(reason),
    ndpiFileWaits: (_: string, reason: string) => waits.push(reason),
  }
  const options = { file, cell: '272-01-1', stateFile: `${file}.place`, pollMs: 50, once: true }
  return { ndpi: new NdpiFile(options, { intake, report, nowMs: () => Date.UTC(2026, 0, 1) }), batch, refused, waits }
}

function applications(batch: EventBatch): string[] {
  return Array.from(batch.columns.application.subarray(0, batch.rows), (code) => batch.texts[code]!)
}
