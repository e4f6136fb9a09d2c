/**
 * What every history must do, whatever it stands on: the suite that each adapter runs. `open` gives an empty one; `reopen` the same store after
 * its process has ended, as a crash would leave it after `write` resolved.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CuratedBatch, History } from '../../core/ports.ts'
import type { BatchMeta, RecordKind } from '../../shared/records.ts'
import { batchOf, type Row } from '../fixtures/batch-of.ts'

export interface HistoryUnderTest {
  readonly history: History
  reopen(): Promise<History>
  close(): Promise<void>
}

const t0 = Date.UTC(2026, 10, 20)
const dayMs = 24 * 3600_000
const all = { fromMs: 0, toMs: Date.UTC(2200, 0, 1) }
const sim = 'a1'.repeat(16)
const number = 'b2'.repeat(16)

function curated(kind: RecordKind, rows: readonly Row[], meta: Partial<BatchMeta> = {}): CuratedBatch {
  const { tenant = 'default', region = 'north' } = meta
  return { tenant, region, batch: batchOf(kind, rows, meta) }
}

export function historyContract(name: string, open: () => Promise<HistoryUnderTest>): void {
  const using = (title: string, work: (under: HistoryUnderTest) => Promise<void>) =>
    test(`${name}: ${title}`, async () => {
      const under = await open()
      try {
        await work(under)
      } finally {
        await under.close()
      }
    })

  using('what was written is there after a crash, and writing it again changes nothing', async (under) => {
    const batches = [
      curated('sighting', [
        { key: '01', timeMs: t0, subscriber: sim, cell: '272-01-1' },
        { key: '02', timeMs: t0 - 5 * 365 * dayMs, number, cell: '272-01-2' },
      ]),
      curated(
        'window',
        [{ startMs: t0, widthMs: 10_000, part: 1, cell: '272-01-1', family: 0, events: 5, rsrpSketch: Uint8Array.of(1, 0, 3, 4) }],
        { agent: 'n1', epoch: 'e' },
      ),
      curated('tally', [{ minuteMs: t0, family: 'network', source: 's', eventType: 'attach', revision: 2, accepted: 5 }], {
        agent: 'n1',
        epoch: 'e',
      }),
      curated('alert', [{ id: sim, type: 'clone', severity: 'major', timeMs: t0, detectedMs: t0, revision: 1, retracted: 0 }]),
    ]
    await under.history.write(batches, t0)
    await under.history.saveCursor({ position: 7, generation: 'g', hubEpochs: { 'default/north': 3 } })
    const again = await under.reopen()
    assert.deepEqual(await again.cursor(), { position: 7, generation: 'g', hubEpochs: { 'default/north': 3 } })
    for (let round = 0; round < 2; round++) {
      assert.equal((await again.sightings('default', sim, all, 10)).length, 1)
      assert.equal((await again.sightings('default', number, all, 10))[0]?.cell, '272-01-2')
      assert.equal((await again.counts('default', all, []))[0]?.accepted, 5)
      assert.equal((await collect(again.windowParts('default', all))).length, 1)
      assert.deepEqual(
        (await again.alertHistory('default', sim)).map(({ what }) => what),
        ['raised'],
      )
      await again.write(batches, t0 + 1)
    }
  })

  using('the highest revision of a tally holds, in whatever order and however often revisions arrive', async ({ history }) => {
    let source = 0
    const revisions = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(revisions, async (arriving) => {
        const name = `s${source++}`
        for (const revision of arriving) {
          const row = { minuteMs: t0, family: 'dpi', source: name, eventType: 'flow', revision, accepted: revision * 10, lost: 1 }
          await history.write([curated('tally', [row], { agent: 'n1', epoch: 'e' })], t0)
        }
        const found = (await history.counts('default', all, ['source'])).find((row) => row.source === name)
        assert.deepEqual({ accepted: found?.accepted, lost: found?.lost }, { accepted: Math.max(...arriving) * 10, lost: 1 })
      }),
      { numRuns: 20 },
    )
  })

  using('a tenant sees its own rows only', async ({ history }) => {
    for (const tenant of ['default', 'other']) {
      const meta = { tenant, agent: 'n1', epoch: 'e' }
      await history.write(
        [
          curated('sighting', [{ key: '01', timeMs: t0, subscriber: sim, cell: tenant }], meta),
          curated('tally', [{ minuteMs: t0, family: 'network', source: tenant, eventType: 'x', revision: 1, accepted: 1 }], meta),
          curated('binding', [{ kind: 0, from: number, to: sim, firstMs: t0, lastMs: t0, revision: 1, retracted: 0 }], meta),
          curated('alert', [{ id: sim, type: tenant, severity: 'minor', timeMs: t0, detectedMs: t0, revision: 1, retracted: 0 }], meta),
          curated('progress', [{ agent: tenant, epoch: 'e', timeMs: t0, enrolled: 1, received: 1 }], meta),
        ],
        t0,
      )
    }
    await history.saveTriage('other', { alertId: sim, revision: 1, status: 'closed', by: 'x', reason: 'y', atMs: t0 })
    assert.deepEqual(
      (await history.sightings('other', sim, all, 10)).map(({ cell }) => cell),
      ['other'],
    )
    assert.deepEqual(
      (await history.counts('default', all, ['source'])).map(({ source }) => source),
      ['default'],
    )
    assert.equal((await history.bindingsFrom('default', 0, number)).length, 1)
    const alerts = await history.alerts('default', { ...all, nowMs: t0, limit: 10 })
    assert.deepEqual(
      alerts.map(({ type, status }) => ({ type, status })),
      [{ type: 'default', status: 'active' }],
    )
    assert.deepEqual(
      (await history.progress('other')).map(({ agent }) => agent),
      ['other'],
    )
    assert.deepEqual(await history.counts('nobody', all, []), [])
  })

  using('a page follows the last one over buckets and equal times, and from is inclusive, to exclusive', async ({ history }) => {
    const rows = Array.from({ length: 25 }, (_, at) => ({
      key: (at + 1).toString(16).padStart(2, '0'),
      timeMs: t0 + Math.floor(at / 3) * 0.5 * dayMs,
      subscriber: sim,
      cell: `c${at}`,
    }))
    await history.write([curated('sighting', [...rows].reverse())], t0)
    const seen: string[] = []
    let after: { timeMs: number; key: string } | undefined
    for (;;) {
      const page = await history.sightings('default', sim, all, 4, after)
      if (page.length === 0) break
      seen.push(...page.map(({ cell }) => cell))
      after = page.at(-1)
    }
    assert.deepEqual(
      seen,
      rows.map(({ cell }) => cell),
    )
    const some = await history.sightings('default', sim, { fromMs: t0, toMs: t0 + 0.5 * dayMs }, 100)
    assert.deepEqual(
      some.map(({ cell }) => cell),
      ['c0', 'c1', 'c2'],
    )
    assert.equal((await history.lastSighting('default', sim, t0 + 0.6 * dayMs))?.cell, 'c5')
    assert.equal(await history.lastSighting('default', sim, t0 - 1), undefined)
  })

  using('window parts are handed out once each, by region and cell if asked', async ({ history }) => {
    const rows = Array.from({ length: 2_500 }, (_, at) => ({
      startMs: t0 + (at % 100) * 10_000,
      widthMs: 10_000,
      part: Math.floor(at / 100),
      cell: `272-01-${at % 7}`,
      family: 0,
      events: 1,
      rsrpMinDbm: -100,
    }))
    await history.write(
      [
        curated('window', rows, { agent: 'n1', epoch: 'e' }),
        curated('window', rows.slice(0, 10), { region: 'south', agent: 's1', epoch: 'e' }),
      ],
      t0,
    )
    const parts = await collect(history.windowParts('default', all))
    assert.equal(parts.length, 2_510)
    assert.equal(
      parts.reduce((sum, part) => sum + part.sums.events!, 0),
      2_510,
    )
    assert.equal((await collect(history.windowParts('default', { ...all, region: 'south' }))).length, 10)
    const ofCell = await collect(history.windowParts('default', { ...all, cell: '272-01-3' }))
    assert.equal(ofCell.length, rows.filter(({ cell }) => cell === '272-01-3').length + 1)
  })

  using(
    'alerts come newest first, page by page, hidden once every region has taken them back; triage is kept apart',
    async ({ history }) => {
      const id = (at: number) => at.toString(16).padStart(2, '0').repeat(16)
      const alert = (at: number, more: Row = {}) => ({
        id: id(at),
        type: 'clone',
        severity: 'major',
        timeMs: t0 + at,
        detectedMs: t0 + at,
        revision: 1,
        retracted: 0,
        ...more,
      })
      await history.write(
        [
          curated(
            'alert',
            [1, 2, 3, 4, 5].map((at) => alert(at)),
          ),
        ],
        t0,
      )
      await history.write([curated('alert', [alert(3, { revision: 2, retracted: 1 })])], t0)
      await history.write(
        [curated('alert', [alert(4, { revision: 2, retracted: 1 })]), curated('alert', [alert(4)], { region: 'south' })],
        t0,
      )
      const query = { ...all, nowMs: t0 + dayMs, limit: 2 }
      const first = await history.alerts('default', query)
      assert.deepEqual(
        first.map((one) => one.id),
        [id(5), id(4)],
      )
      assert.equal(first[1]!.region, 'south')
      const after = { timeMs: first[1]!.timeMs, id: first[1]!.id }
      assert.deepEqual(
        (await history.alerts('default', { ...query, after })).map((one) => one.id),
        [id(2), id(1)],
      )
      assert.deepEqual(
        (await history.alertHistory('default', id(3))).map(({ what }) => what),
        ['raised', 'retracted'],
      )
      const triage = { alertId: id(5), by: 'ann', reason: 'r', atMs: t0 }
      assert.equal(await history.saveTriage('default', { ...triage, revision: 2, status: 'snoozed', untilMs: t0 + 2 * dayMs }), true)
      assert.equal(await history.saveTriage('default', { ...triage, revision: 1, status: 'closed' }), false)
      assert.equal((await history.alert('default', id(5), t0 + dayMs))?.status, 'snoozed')
      assert.equal((await history.alert('default', id(5), t0 + 3 * dayMs))?.status, 'active')
      await history.write([curated('alert', [alert(5, { revision: 7, severity: 'critical' })])], t0)
      const now = await history.alert('default', id(5), t0 + dayMs)
      assert.deepEqual(
        { status: now?.status, severity: now?.severity, revision: now?.revision },
        { status: 'snoozed', severity: 'critical', revision: 7 },
      )
      assert.equal((await history.alerts('default', { ...query, status: 'snoozed' })).length, 1)
    },
  )

  using('retention counts from arrival, whatever the time of the event', async ({ history }) => {
    const old = (key: string) => ({ key, timeMs: Date.UTC(2012, 3, 3), subscriber: sim, cell: key })
    await history.write([curated('sighting', [old('01')])], t0)
    await history.write([curated('sighting', [old('02')])], t0 + 10 * dayMs)
    while (await history.expire(t0 + 5 * dayMs));
    assert.deepEqual(
      (await history.sightings('default', sim, all, 10)).map(({ cell }) => cell),
      ['02'],
    )
    while (await history.expire(t0 + 11 * dayMs));
    assert.deepEqual(await history.sightings('default', sim, all, 10), [])
  })

  using('what could not be read is kept, and the latest of everybody is found again', async ({ history }) => {
    await history.reject([{ position: 3, tenant: 'default', topic: 'x', reason: 'because', frame: Uint8Array.of(1, 2) }], t0)
    assert.equal(await history.rejectedFrames(), 1)
    const seen = (key: string, timeMs: number, subscriber: string) => ({ key, timeMs, subscriber, cell: key })
    await history.write(
      [
        curated('sighting', [
          seen('01', t0, sim),
          seen('02', t0 + 5, sim),
          seen('03', t0 - 90 * dayMs, number),
          seen('04', t0 + dayMs, number),
        ]),
      ],
      t0,
    )
    const latest = await collect(history.latest(t0))
    assert.deepEqual(latest.map((one) => one.sighting?.cell).sort(), ['02', '04'])
  })
}

async function collect<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const found: T[] = []
  for await (const page of pages) found.push(...page)
  return found
}
