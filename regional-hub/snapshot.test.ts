import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { FileSnapshot } from './adapters/file-snapshot.ts'
import { BadSnapshot, decodeSnapshot, encodeSnapshot } from './snapshot.ts'

const dir = mkdtempSync(join(tmpdir(), 'tributary-snapshot-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const header = (hubEpoch: number) => ({ tenant: 't', region: 'r', hubEpoch, takenMs: 1 })

test('parts come back as they were; one flipped or missing octet and there is no snapshot', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 6 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (parts, place, flip) => {
        const octets = Buffer.concat(encodeSnapshot(header(3), parts))
        const found = decodeSnapshot(octets)
        assert.deepEqual(
          found.parts.map((part) => [...part]),
          parts.map((part) => [...part]),
        )
        assert.equal(found.header.hubEpoch, 3)
        assert.throws(() => decodeSnapshot(octets.subarray(0, place % octets.length)), BadSnapshot)
        octets[place % octets.length]! ^= flip
        assert.throws(() => decodeSnapshot(octets), BadSnapshot)
      },
    ),
  )
})

test('a broken snapshot is set aside and the one before it is taken', async () => {
  const broken: string[] = []
  const store = new FileSnapshot(dir, (file) => broken.push(file))
  assert.equal(await store.read(), undefined)
  await store.write(header(1), [Buffer.from('first')])
  await store.write(header(2), [Buffer.from('second')])
  assert.equal((await store.read())?.header.hubEpoch, 2)
  const file = join(dir, 'snapshot')
  writeFileSync(file, readFileSync(file).subarray(0, -3))
  const found = await store.read()
  assert.equal(found?.isPrevious, true)
  assert.equal(Buffer.from(found!.parts[0]!).toString(), 'first')
  assert.deepEqual(broken, [file])
})

test('a hub never overwrites the snapshot of a later one', async () => {
  const store = new FileSnapshot(dir, () => {})
  await store.write(header(9), [])
  await assert.rejects(store.write(header(8), []), /Another instance has taken over/)
  assert.equal((await store.read())?.header.hubEpoch, 9)
})
