import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openFront } from './adapters/front-rig.ts'
import type { EventBatch } from './event-batch.ts'
import { JournalFailed, type RawMessage } from './ports.ts'

const dir = mkdtempSync(join(tmpdir(), 'intake-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const message = (event: object, settle: (error?: Error) => void): RawMessage => ({
  family: 'network',
  source: 'tap',
  tenant: 'default',
  payload: Buffer.from(JSON.stringify({ timestamp: Date.now(), event_type: 'drop', cell: '272-01-1', ...event })),
  arrivalMs: Date.now(),
  settle,
})

test('what gathers shares one commit, and is settled in its order', () => {
  const { intake, journal } = openFront({ journal: { directory: join(dir, 'gather') } })
  const settled: number[] = []
  for (let at = 0; at < 10; at++) intake.offer(message({ pci: at }, () => settled.push(at)))
  assert.equal(journal.head, 0)
  intake.flush()
  assert.equal(journal.head, 1)
  assert.deepEqual(settled, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  journal.close()
})

test('a refused message leaves no trace: sent again, its event is accepted', async () => {
  const { intake, journal, taken } = openFront({
    journal: { directory: join(dir, 'refused'), quotaBytes: 3_000, segmentBytes: 1_000 },
    intake: { pauseMs: 0 },
  })
  const offer = (id: string) =>
    new Promise<Error | undefined>((resolve) => {
      intake.offer(message({ event_id: id }, resolve))
      intake.flush()
    })
  let at = 0
  while ((await offer(`e-${at}`)) === undefined) at++
  const refused = `e-${at}`
  journal.release(journal.head)
  assert.equal(await offer(refused), undefined)
  assert.equal(taken.at(-1)!.verdict, 'accepted')
  assert.equal(await offer(refused), undefined)
  assert.equal(taken.at(-1)!.verdict, 'duplicate')
  journal.close()
})

test('after a failing disk nothing is acknowledged until the journal was reopened and verified', async () => {
  const directory = join(dir, 'failing')
  const front = openFront({ journal: { directory }, intake: { pauseMs: 10 } })
  const { intake, journal, reports, taken } = front
  const offer = (pci: number) =>
    new Promise<Error | undefined>((resolve) => {
      intake.offer(message({ pci }, resolve))
      intake.flush()
    })
  assert.equal(await offer(1), undefined)
  journal.close()
  const file = readdirSync(directory).find((name) => /^journal-.*\.db$/.test(name))!
  writeFileSync(join(directory, file), 'this was a database once')
  rmSync(join(directory, `${file}-wal`), { force: true })
  journal.reopen() // the damaged file is set aside
  assert.ok(reports.some(({ what }) => what === 'segmentQuarantined'))
  const append = journal.append.bind(journal)
  let failing = true
  journal.append = (...args) => {
    if (failing) throw new JournalFailed('the disk answered EIO')
    return append(...args)
  }
  assert.ok((await offer(2)) instanceof JournalFailed)
  assert.ok((await offer(3)) instanceof JournalFailed)
  failing = false
  await new Promise((resolve) => setTimeout(resolve, 15))
  assert.equal(await offer(4), undefined)
  assert.ok(reports.some(({ what }) => what === 'journalReopened'))
  assert.deepEqual(
    taken.map(({ pci }) => pci),
    [1, 4],
  )
  journal.close()
})

test('a reader that fails ends the agent; what it did not take is in the journal', () => {
  const died: unknown[] = []
  const reader = {
    take: () => {
      throw new Error('a fault behind the journal')
    },
  }
  const { intake, journal } = openFront({ journal: { directory: join(dir, 'reader') }, reader, die: (error) => died.push(error) })
  let settled = false
  intake.offer(
    message({}, (error) => {
      settled = error === undefined
    }),
  )
  intake.flush()
  assert.ok(settled)
  assert.equal(died.length, 1)
  assert.equal([...journal.replay(0)].length, 1)
  journal.close()
})

test('flows share the commit; an export that cannot be read takes no other along', () => {
  const { intake, journal, taken } = openFront({ journal: { directory: join(dir, 'flows') } })
  const outcomes: (Error | undefined)[] = []
  const fill = (batch: EventBatch) => {
    const row = batch.add()
    batch.columns.verdict[row] = 0
    batch.columns.family[row] = 4
  }
  intake.offerFlows({ fill, settle: (error) => outcomes.push(error) })
  intake.offerFlows({
    fill: (batch) => {
      fill(batch)
      throw new Error('not a template')
    },
    settle: (error) => outcomes.push(error),
  })
  intake.offer(message({}, (error) => outcomes.push(error)))
  intake.flush()
  assert.equal(journal.head, 1)
  assert.equal(taken.length, 2)
  assert.equal(outcomes.filter((error) => error === undefined).length, 2)
  journal.close()
})

test('stopped, it refuses', async () => {
  const { intake, journal } = openFront({ journal: { directory: join(dir, 'stopped') } })
  await intake.stop()
  assert.ok((await new Promise<Error | undefined>((resolve) => intake.offer(message({}, resolve)))) instanceof Error)
  await intake.stop()
  journal.close()
})
