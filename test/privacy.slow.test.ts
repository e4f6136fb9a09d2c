/**
 * Planted identities are found in no file below the data folder, no log, no metric and no topic: as text, in compressed blobs, and as packed digits
 * (BCD in both nibble orders, as 64-bit numbers in both byte orders).
 */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import Database from 'better-sqlite3'
import { eventually, type Network, rfc3339, startNetwork } from './network.ts'

const imsi = '272019876543210'
const msisdn = '353879911223'
const imei = '35693803564380'

test('no identity of a person is anywhere on disk, in logs or in metrics', async (t) => {
  const network = await startNetwork(t, { args: ['--no-simulator', '--agents', '1'] })
  await plant(network)
  const range = `from=${rfc3339(Date.now() - 3600_000)}&to=${rfc3339(Date.now() + 60_000)}`
  await eventually(
    'all are counted',
    async () => {
      const { items } = await network.api<{ items: { accepted: number; rejected: number }[] }>(`/v1/events/counts?${range}`)
      assert.ok(items.reduce((total, row) => total + row.accepted, 0) >= 5)
      assert.ok(items.reduce((total, row) => total + row.rejected, 0) >= 7)
    },
    30_000,
    500,
  )
  await eventually('the number is known', () => network.api('/v1/subscribers/location', { phoneNumber: `+${msisdn}` }))
  await network.api('/sim-swap/v2/check', { phoneNumber: `+${msisdn}` })
  await network.api('/v1/subscribers/track', { phoneNumber: `+${msisdn}`, from: rfc3339(Date.now() - 3600_000), to: rfc3339(Date.now()) })
  await network.apiResponse(`/v1/alerts?subscriber=%2B${msisdn}`)
  await network.apiResponse('/v1/subscribers/location', { phoneNumber: `${msisdn}x` })
  await sleep(12_000)

  let files = 0
  let octets = 0
  let values = 0
  for (const file of filesBelow(network.dataDir)) {
    const content = readFileSync(file)
    files++
    octets += content.length
    assertClean(content, file)
    if (content.subarray(0, 15).toString() === 'SQLite format 3') values += assertDatabaseClean(file)
  }
  assert.ok(files > 20 && octets > 100_000, `only ${files} files of ${octets} octets were searched`)
  assert.ok(values > 50, `only ${values} values in databases were searched`)
  t.diagnostic(`${files} files, ${octets} octets, ${values} database values searched`)
  for (const { admin } of [network.ready.core, ...network.ready.regions.flatMap((region) => [region.hub, ...region.agents])]) {
    for (const path of ['/metrics', '/health'])
      assertClean(Buffer.from(await (await fetch(new URL(path, admin))).text()), `${admin}${path}`)
  }
  assertClean(Buffer.from(network.output), 'the launcher’s output')
})

test('the search itself finds what it looks for', () => {
  for (const planted of forms(imsi))
    assert.throws(() => assertClean(Buffer.concat([Buffer.alloc(7), planted, Buffer.alloc(3)]), 'sample'), /sample/)
  const compressed = zstdCompressSync(Buffer.from(`${'x'.repeat(500)}${imsi}`))
  assert.throws(() => assertClean(Buffer.concat([Buffer.alloc(3), compressed, Buffer.alloc(50)]), 'sample'), /compressed blob at 3|sample/)
})

async function plant(network: Network): Promise<void> {
  const now = Date.now()
  const identities = { imsi, msisdn: `+${msisdn}`, imei }
  const event = (extra: object) => ({ timestamp: now, event_type: 'attach', payload: { ...identities, cell: '272-01-5', ...extra } })
  await network.publish('north-1', 'network', 'probe-1', [
    event({}),
    event({ rsrp_dbm: -200 }),
    event({ cause: `failed for ${imsi}` }),
    event({ imsi: Number(imsi) }),
  ])
  await network.publish('north-1', 'subscriber', 'hss-1', [
    { ...event({}), event_type: 'registration' },
    { timestamp: now, event_type: `type-${imsi}`, payload: identities },
  ])
  await network.publish('north-1', 'location', 'app-1', [
    event({ latitude: 53.3, longitude: -6.2, event_type: 'fix' }),
    event({ latitude: 99, longitude: -6.2 }),
  ])
  await network.publish('north-1', 'interaction', 'crm-1', [
    { timestamp: now, event_type: 'call', payload: { ...identities, channel: 'phone', outcome: `asked for +${msisdn}` } },
  ])
  await network.publish('north-1', 'dpi', imsi, [event({ application: 'web', bytes_up: 1 })])
  await network.publish('north-1', 'network', 'probe-2', [
    `imsi=${imsi} msisdn=${msisdn} imei ${imei}`,
    [[imsi]],
    { [imsi]: { [msisdn]: imei } },
    { timestamp: imsi, event_type: 'attach', payload: { imsi } },
  ])
  await network.publish('north-1', 'network', 'probe-3', [
    { timestamp: now, event_type: 'attach', payload: { imsi, note: imei, cell: imsi } },
  ])
}

function* filesBelow(dir: string): Iterable<string> {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name)
    const stat = lstatSync(path)
    if (stat.isDirectory()) yield* filesBelow(path)
    else if (stat.isFile()) yield path
  }
}

/** All ways in which digits hide in octets. */
function forms(digits: string): Buffer[] {
  const padded = digits.length % 2 === 0 ? digits : `${digits}f`
  const swapped = padded.replace(/(.)(.)/g, '$2$1')
  const big = Buffer.alloc(8)
  big.writeBigUInt64BE(BigInt(digits))
  const double = Buffer.alloc(8)
  double.writeDoubleLE(Number(digits))
  return [
    Buffer.from(digits),
    Buffer.from(digits, 'utf16le'),
    Buffer.from(padded, 'hex').subarray(0, digits.length >> 1),
    Buffer.from(swapped, 'hex').subarray(0, digits.length >> 1),
    big.subarray(1),
    Buffer.from(big).reverse().subarray(0, 7),
    double,
  ]
}

const needles = [imsi, msisdn, imei].flatMap((digits) => forms(digits).map((octets) => ({ digits, octets })))
const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])

function assertClean(content: Buffer, where: string): void {
  for (const { digits, octets } of needles) assert.ok(!content.includes(octets), `${digits} is in ${where}`)
  for (let at = content.indexOf(zstdMagic); at >= 0; at = content.indexOf(zstdMagic, at + 4)) {
    const inflated = inflate(content.subarray(at, at + zstdFrameOctets(content, at)))
    if (inflated !== undefined) assertClean(inflated, `${where} (compressed blob at ${at})`)
  }
}

/** A blob of a database may be spread over pages: every value of every table is looked at by itself. */
function assertDatabaseClean(file: string): number {
  const dir = mkdtempSync(join(tmpdir(), 'privacy-'))
  try {
    for (const suffix of ['', '-wal']) if (existsSync(file + suffix)) copyFileSync(file + suffix, join(dir, `copy.db${suffix}`))
    const db = new Database(join(dir, 'copy.db'))
    let values = 0
    const tables = db.prepare<[], { name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'").all()
    for (const { name } of tables) {
      for (const row of db.prepare<[], unknown[]>(`SELECT * FROM "${name}"`).raw().iterate()) {
        for (const value of row) {
          values++
          if (Buffer.isBuffer(value)) assertClean(value, `${file}, table ${name}`)
          else if (value !== null) assertClean(Buffer.from(String(value)), `${file}, table ${name}`)
        }
      }
    }
    db.close()
    return values
  } finally {
    rmSync(dir, { recursive: true })
  }
}

function inflate(octets: Buffer): Buffer | undefined {
  try {
    return zstdDecompressSync(octets, { maxOutputLength: 64 << 20 })
  } catch {
    return undefined
  }
}

/** Octets of the zstd frame at `at` (RFC 8878 §3.1), or 0 when it is cut off. */
function zstdFrameOctets(content: Buffer, at: number): number {
  const descriptor = content[at + 4] ?? 0
  const singleSegment = (descriptor & 0x20) !== 0
  const sizeOctets = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!
  const dictionaryOctets = [0, 1, 2, 4][descriptor & 3]!
  let end = at + 5 + (singleSegment ? 0 : 1) + dictionaryOctets + sizeOctets
  for (;;) {
    if (end + 3 > content.length) return 0
    const block = content.readUIntLE(end, 3)
    end += ((block >> 1) & 3) === 1 ? 4 : 3 + (block >> 3)
    if ((block & 1) !== 0) break
  }
  return end + ((descriptor & 4) !== 0 ? 4 : 0) - at
}
