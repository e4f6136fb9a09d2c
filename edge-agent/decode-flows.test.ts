import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { Pseudonymiser } from '#shared/pseudonym.ts'
import { FlowDecoder, type FlowReport } from './decode-flows.ts'
import { EventBatch } from './event-batch.ts'
import { FlowRows } from './flow-rows.ts'

const reference = join(process.env.TRIBUTARY_REFERENCE ?? join(import.meta.dirname, '../../shared/reference'), 'netflow')
const noReference = existsSync(reference) ? false : 'the reference data (TRIBUTARY_REFERENCE) is not here'
const arrivalMs = Date.UTC(2026, 0, 1)
const origin = { address: '127.0.0.1', port: 9995, arrivalMs }
const pseudonymiser = new Pseudonymiser({ kid: 'k1', secret: Buffer.alloc(32, 1) })

test('flows, packets and octets are those that nfdump 1.7.1 finds in the same datagrams', { skip: noReference }, () => {
  for (const [files, flows, packets, octets] of [
    [['netflow5.dat'], 30, 230, 18684],
    [['netflow9_test_valid01.dat'], 7, 13, 1128],
    [['ipfix.dat'], 6, 42, 10563],
    [['ipfix_test_vmware_vds_tpl.dat', 'ipfix_test_vmware_vds_data266.dat'], 2, 2, 458],
    [['ipfix_test_vmware_vds_tpl.dat', 'ipfix_test_vmware_vds_data266_267.dat'], 2, 4, 248],
    [['ipfix_test_mikrotik_tpl.dat', 'ipfix_test_mikrotik_data258.dat'], 28, 208, 95010],
    [['ipfix_test_openbsd_pflow_tpl.dat', 'ipfix_test_openbsd_pflow_data.dat'], 26, 209, 99323],
    [['netflow9_test_cisco_asa_1_tpl.dat', 'netflow9_test_cisco_asa_1_data.dat'], 14, 0, 888],
  ] as const) {
    const { decode, batch, malformed } = decoder()
    for (const file of files) decode(file)
    const { columns } = batch
    assert.deepEqual(
      [
        batch.rows,
        sum(columns.packetsUp, batch) + sum(columns.packetsDown, batch),
        sum(columns.bytesUp, batch) + sum(columns.bytesDown, batch),
      ],
      [flows, packets, octets],
      files.join(),
    )
    assert.deepEqual(malformed, [], files.join())
  }
})

test('NetFlow v9: data without a template waits for it', { skip: noReference }, () => {
  const { decode, batch, flows } = decoder()
  decode('netflow9_test_cisco_asa_1_data.dat')
  assert.equal(batch.rows, 0)
  assert.ok(flows.templates.heldSets > 0)
  decode('netflow9_test_cisco_asa_1_tpl.dat')
  assert.equal(batch.rows, 14)
  assert.equal(flows.templates.heldSets, 0)
  decode('netflow9_test_cisco_asa_1_data.dat')
  assert.equal(batch.rows, 28)
})

test('an application is named by the exporter’s options record', () => {
  const { flows, batch } = decoder()
  const optionsTemplate = [3, 18, 400, 2, 1, 95, 4, 96, 0xffff]
  const options = Buffer.concat([u16(400, 4 + 4 + 1 + 7), Buffer.from([13, 0, 1, 175]), Buffer.from([7]), Buffer.from('netflix')])
  const template = [2, 20, 401, 3, 95, 4, 1, 8, 2, 4]
  const data = Buffer.concat([
    u16(401, 4 + 16),
    Buffer.from([13, 0, 1, 175]),
    Buffer.from([0, 0, 0, 0, 0, 0, 3, 232]),
    Buffer.from([0, 0, 0, 9]),
  ])
  flows.decode(message([u16(...optionsTemplate), options, u16(...template), data]), origin, batch)
  assert.equal(batch.rows, 1)
  assert.equal(batch.texts[batch.columns.application[0]!], 'netflix')
  assert.equal(batch.columns.bytesUp[0]! + batch.columns.bytesDown[0]!, 1000)
})

test('a biflow’s reverse octets are the down-link, and its subscriber is a pseudonym', () => {
  const { flows, batch } = decoder()
  const template = u16(2, 36, 300, 5, 1, 4, 0x8001, 4, 0, 29305, 8, 4, 12, 4, 0x8000 | 30, 8, 0, 15397)
  const data = Buffer.concat([
    u16(300, 28),
    u32(500),
    u32(7000),
    Buffer.from([10, 0, 0, 1]),
    Buffer.from([8, 8, 8, 8]),
    u32(Math.floor(272011234567890 / 2 ** 32)),
    u32(272011234567890 % 2 ** 32),
  ])
  flows.decode(message([template, data]), origin, batch)
  assert.equal(batch.columns.bytesUp[0], 500)
  assert.equal(batch.columns.bytesDown[0], 7000)
  assert.deepEqual([...batch.columns.subscriber.subarray(0, 4)], [...pseudonymiser.words('imsi', '272011234567890')])
})

test('uptimes wrap at 2^32, and impossible times are repaired, never rejected', () => {
  const { flows, batch, repairs } = decoder()
  const exportS = 1_700_000_000
  const v5 = (first: number, last: number, uptime: number) => {
    const datagram = Buffer.alloc(72)
    datagram.writeUInt16BE(5, 0)
    datagram.writeUInt16BE(1, 2)
    datagram.writeUInt32BE(uptime, 4)
    datagram.writeUInt32BE(exportS, 8)
    datagram.writeUInt32BE(first, 24 + 24)
    datagram.writeUInt32BE(last, 24 + 28)
    return datagram
  }
  flows.decode(v5(2 ** 32 - 5000, 1000, 3000), origin, batch)
  assert.equal(batch.columns.timeMs[0], exportS * 1000 - 2000)
  assert.equal(batch.columns.durationMs[0], 6000)
  assert.equal(repairs.flows, 0)
  flows.decode(v5(9000, 1000, 10000), origin, batch)
  assert.equal(batch.columns.durationMs[1], 0)
  flows.decode(v5(1000, 90_000, 10_000), origin, batch)
  assert.equal(batch.columns.timeMs[2], exportS * 1000)
  assert.equal(repairs.flows, 2)
})

test('sequence gaps are counted per exporter and domain', () => {
  const { flows, batch, gaps } = decoder()
  const template = u16(2, 12, 300, 1, 1, 4)
  const data = Buffer.concat([u16(300, 12), u32(1), u32(2)])
  flows.decode(message([template, data], 0), origin, batch)
  flows.decode(message([data], 2), origin, batch)
  assert.equal(gaps.missing, 0)
  flows.decode(message([data], 9), origin, batch)
  assert.equal(gaps.missing, 5)
  flows.decode(message([data], 0), origin, batch)
  assert.equal(gaps.missing, 5, 'an exporter that restarted has lost nothing')
})

test('any damage to a datagram is reported, never thrown, and never invents more flows than fit', { skip: noReference }, () => {
  const files = ['ipfix.dat', 'netflow9_test_valid01.dat', 'netflow5.dat', 'netflow9_test_softflowd_tpl_data.dat'].map((name) =>
    readFileSync(join(reference, name)),
  )
  fc.assert(
    fc.property(
      fc.constantFrom(...files),
      fc.array(fc.tuple(fc.nat(1500), fc.nat(255)), { maxLength: 6 }),
      fc.nat(1500),
      (file, flips, cut) => {
        const damaged = Buffer.from(file.subarray(0, Math.max(1, cut % file.length)))
        for (const [at, value] of flips) damaged[at % damaged.length] = value
        const { flows, batch } = decoder()
        flows.decode(damaged, origin, batch)
        assert.ok(batch.rows <= damaged.length)
        for (let row = 0; row < batch.rows; row++) assert.ok(batch.columns.timeMs[row]! >= Date.UTC(2000, 0, 1))
      },
    ),
  )
})

function decoder() {
  const malformed: string[] = []
  const gaps = { missing: 0 }
  const repairs = { flows: 0 }
  const report: FlowReport = {
    malformed: (_, what) => malformed.push(what),
    sequenceGap: (_, missing) => {
      gaps.missing += missing
    },
    timeRepaired: (_, count) => {
      repairs.flows += count
    },
  }
  const batch = new EventBatch(64)
  const flows = new FlowDecoder(new FlowRows({ cell: '272-01-1', pseudonymiser }), report)
  const decode = (file: string) => flows.decode(readFileSync(join(reference, file)), origin, batch)
  return { flows, decode, batch, malformed, gaps, repairs }
}

function message(sets: Buffer[], sequence = 0): Buffer {
  const body = Buffer.concat(sets)
  return Buffer.concat([u16(10, 16 + body.length), u32(1_700_000_000), u32(sequence), u32(1), body])
}

function u16(...values: number[]): Buffer {
  const octets = Buffer.alloc(values.length * 2)
  for (const [at, value] of values.entries()) octets.writeUInt16BE(value, at * 2)
  return octets
}

function u32(value: number): Buffer {
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(value)
  return octets
}

function sum(column: Float64Array, batch: EventBatch): number {
  return column.subarray(0, batch.rows).reduce((total, one) => total + one, 0)
}
