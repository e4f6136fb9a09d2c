/** The checks of what the agent keeps and what it has sent: room in hours, store identity, verified stores, uplink, watermark, backlog. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { metricOf } from '#shared/check-context.ts'
import { humanBytes, spaceOf } from '#shared/check-host.ts'
import { bad, type Check, cannotTell, notRunning, pass, warn } from '#shared/checks.ts'
import type { AgentCheckContext } from './agent-check-context.ts'

type One = Check<AgentCheckContext>

const backlogHours: One = {
  id: 'backlog-hours',
  title: 'the stores hold a long outage',
  about:
    'How many hours of what this site produces fit between now and the quota (or the end of the disk), at the rate since the agent started.',
  remedy: 'Raise `outbox.quotaBytes` and `journal.quotaBytes` if the disk has room; a site should hold at least a day.',
  after: ['running'],
  run: async (context) => {
    const site = await context.site()
    const running = await context.running()
    if (site === undefined || running === undefined) return notRunning
    const upS = (site.nowMs - site.startedMs) / 1000
    const sent = metricOf(running.metrics, 'tributary_uplink_sent_bytes_total') ?? 0
    const bytesPerS = (sent + site.outbox.bytes) / Math.max(1, upS)
    const { freeBytes } = await spaceOf(context.settings.dataDir)
    const room = Math.min(freeBytes, Math.max(0, site.outbox.quotaBytes - site.outbox.bytes))
    if (upS < 30 || bytesPerS < 1) return cannotTell(`too little has come to know the rate; there is room for ${humanBytes(room)}`)
    const hours = Math.round((room / bytesPerS / 3600) * 10) / 10
    const words = `${hours} hours at ${humanBytes(bytesPerS)}/s, with room for ${humanBytes(room)}`
    return hours < 24 ? warn(hours, words, 'raise outbox.quotaBytes, or free room on the disk') : pass(hours, words)
  },
}

const storeIdentity: One = {
  id: 'store-identity',
  title: 'the store knows who it is',
  about:
    'store.json in the data folder holds the random id under which this store’s batches are numbered. A copied folder gets a new one at the next start.',
  remedy: 'Nothing: a damaged or missing file is made anew at the next start, and what waits is still sent under its old numbers.',
  after: ['data-dir'],
  run: ({ settings: { dataDir } }) => {
    try {
      const { storeId, boot } = JSON.parse(readFileSync(join(dataDir, 'store.json'), 'utf8')) as { storeId?: unknown; boot?: unknown }
      if (typeof storeId !== 'string' || !/^[0-9a-f]{32}$/.test(storeId) || !Number.isSafeInteger(boot)) {
        return warn(null, 'store.json is damaged', 'a new one is made at the next start')
      }
      return pass(storeId.slice(0, 8), `store ${storeId.slice(0, 8)}…, started last ${new Date(Number(boot) * 1000).toISOString()}`)
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? cannotTell('there is no store yet; it is made at the first start')
        : warn(null, 'store.json cannot be read', 'a new one is made at the next start')
    }
  },
}

const stores: One = {
  id: 'stores',
  title: 'journal and outbox are whole',
  about:
    'SQLite’s quick_check of every file and the checksum of every row, read beside the running agent. Looked at by another process, which is stopped when it takes too long.',
  remedy:
    '`tributary-agent buffer verify` names file and row. The agent sets a damaged segment aside at its next start, saves what can be read of it, and counts what was lost; a damaged outbox wants a person: `buffer export` what can be read, and replace the disk.',
  after: ['data-dir'],
  deadlineMs: 6_000,
  run: async ({ probes, settings: { dataDir } }, signal) => {
    if (probes.verifyStores === undefined) return cannotTell('only doctor looks at it')
    const found = await probes.verifyStores(signal)
    if (found === undefined) return cannotTell('it takes too long for doctor', 'tributary-agent buffer verify')
    const words = `${found.files} files, ${found.rows} rows, ${humanBytes(found.bytes)}`
    if (found.problems.length > 0)
      return bad(found.problems.length, `${dataDir}: ${found.problems.slice(0, 3).join('; ')}`, 'tributary-agent buffer verify')
    return pass(found.rows, found.files === 0 ? 'nothing is stored yet' : `${words}, all whole`)
  },
}

const uplink: One = {
  id: 'uplink',
  title: 'the running agent is connected to its region',
  about: 'What the agent itself says of its link; the checks `hub-…` look at the way there from outside of it.',
  remedy: 'See the first `hub-…` check that does not pass, and the agent’s log. Nothing is lost while the link is down.',
  after: ['running'],
  run: async (context) => {
    const site = await context.site()
    if (site === undefined) return notRunning
    return site.uplink.connected ? pass(true, 'connected') : warn(false, 'not connected; everything is kept here', 'see the hub-… checks')
  },
}

const watermark: One = {
  id: 'watermark',
  title: 'what arrives is handed over for sending',
  about:
    'The age of the agent’s event-time watermark: everything that arrived before it is in a numbered batch. It stands still when the disk is full or events wait for the link.',
  remedy: 'With the link down it is as it should be. Else see disk-space, stores, and the agent’s log.',
  after: ['running'],
  run: async (context) => {
    const site = await context.site()
    if (site === undefined) return notRunning
    if (site.watermarkMs === 0) return cannotTell('nothing has been cut yet')
    const ageS = Math.round((site.nowMs - site.watermarkMs) / 100) / 10
    return ageS > 60
      ? warn(ageS, `${ageS} s old`, site.uplink.connected ? 'see disk-space and stores' : 'mend the link: see uplink')
      : pass(ageS, `${ageS} s old`)
  },
}

const waitLimitS: Readonly<Record<string, number>> = { alarm: 30, movement: 30, ledger: 60, sighting: 60, window: 120, backfill: 3_600 }

const backlog: One = {
  id: 'backlog',
  title: 'what is sent is taken',
  about:
    'Per lane, how much waits for the hub’s watermark and how old the oldest is. The hub frees rows only once they are on its disk and in the trunk.',
  remedy: 'Connected and still growing: the hub or the core does not keep up, or does not run. Ask `tributary-hub doctor`.',
  after: ['running'],
  run: async (context) => {
    const site = await context.site()
    if (site === undefined) return notRunning
    const lanes = site.outbox.lanes.map((one) => ({ ...one, ageS: Math.round((site.nowMs - one.oldestMs) / 1000) }))
    const late = lanes.filter(({ lane, ageS }) => ageS > (waitLimitS[lane] ?? 60))
    const words = lanes.map(({ lane, rows, bytes, ageS }) => `${lane} ${rows} (${humanBytes(bytes)}, ${ageS} s)`).join(', ')
    const oldest = Math.max(0, ...lanes.map(({ ageS }) => ageS))
    return late.length > 0
      ? warn(oldest, `${words} wait for the hub`, 'tributary-hub doctor in the region')
      : pass(oldest, words === '' ? 'nothing waits' : words)
  },
}

export const storeChecks = { backlogHours, storeIdentity, stores, uplink, watermark, backlog }
