/** `tributary-agent buffer ls|verify|export|replay`: what is stored here, is it whole, take it along, send it again. */

import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { defineCommand } from 'citty'
import { decodeBatch } from '#shared/batch-codec.ts'
import { humanBytes } from '#shared/check-host.ts'
import { screen } from '#shared/command-output.ts'
import { loadConfig } from '#shared/config.ts'
import { describeError, fail } from '#shared/errors.ts'
import { lanes } from '#shared/records.ts'
import { runCommand } from '#shared/service.ts'
import { exportJournal, listStores, readOutbox, verifyStores } from './adapters/read-stores.ts'
import { batchLines } from './batch-lines.ts'
import { name, sharedArgs } from './command-args.ts'
import { configSchema } from './config.ts'

const { config, json } = sharedArgs
const laneArg = { type: 'string', description: `only this lane: ${lanes.join(', ')}`, valueHint: lanes.join('|') } as const

const ls = defineCommand({
  meta: { name: 'ls', description: 'List the journal’s segments and the outbox’s rows by lane, with age and size; the agent may run' },
  args: { config, json },
  run: ({ args }) =>
    runCommand(name, async () => {
      const { dataDir } = loadConfig(configSchema, args.config)
      const found = listStores(dataDir)
      const out = screen()
      if (args.json) out.data(JSON.stringify({ schema: 1, dataDir, ...found }))
      else {
        const age = (ms: number | null) => (ms === null ? '-' : `${Math.round((Date.now() - ms) / 1000)} s`)
        out.data('journal: segment, positions, batches, events, size, oldest')
        for (const one of found.segments) {
          const positions = `${one.first}…${one.last}`
          out.data(`  ${one.file}  ${positions}  ${one.batches}  ${one.events}  ${humanBytes(one.bytes)}  ${age(one.oldestMs)}`)
        }
        out.data(`outbox (${humanBytes(found.outboxBytes)}): lane, record, batches, rows, size, oldest`)
        for (const one of found.outbox) {
          const waits = one.numbered ? '' : '  not numbered yet'
          out.data(`  ${one.lane}  ${one.record}  ${one.batches}  ${one.rows}  ${humanBytes(one.bytes)}  ${age(one.oldestMs)}${waits}`)
        }
        if (found.quarantined.length > 0) out.data(`set aside as damaged: ${found.quarantined.join(', ')}`)
      }
    }),
})

const verify = defineCommand({
  meta: {
    name: 'verify',
    description: 'Verify every file and every row’s checksum, changing nothing; exit status 2 when something is damaged',
  },
  args: { config, json },
  run: ({ args }) =>
    runCommand(name, async () => {
      const { dataDir } = loadConfig(configSchema, args.config)
      const out = screen()
      const found = verifyStores(dataDir, (words) => out.progress(words))
      out.progress('')
      if (args.json) out.data(JSON.stringify({ schema: 1, dataDir, ...found }))
      else {
        for (const problem of found.problems) out.data(`✗ ${dataDir}: ${problem}`)
        const sum = `${found.files} files, ${found.rows} rows, ${humanBytes(found.bytes)}`
        if (found.problems.length === 0) out.data(`${sum}: all whole`)
        else {
          out.data(
            `${sum}: ${found.problems.length} damaged. At its next start the agent sets a damaged segment of the journal aside and saves the rest;`,
          )
          out.data('export what can be read (buffer export) before that if you want it, and replace the disk if it happens again.')
        }
      }
      if (found.problems.length > 0) process.exitCode = 2
    }),
})

const exporting = defineCommand({
  meta: { name: 'export', description: 'Write what is stored as NDJSON: pseudonymised as it is stored; changes nothing' },
  args: {
    config,
    json,
    from: {
      type: 'string',
      description: 'outbox (records on their way to the hub) or journal (events not yet made into records)',
      default: 'outbox',
      valueHint: 'outbox|journal',
    },
    lane: laneArg,
    out: { type: 'string', description: 'file to write; default standard output' },
  },
  run: ({ args }) =>
    runCommand(name, async () => {
      const { dataDir } = loadConfig(configSchema, args.config)
      checkLane(args.lane)
      if (args.from !== 'outbox' && args.from !== 'journal') fail('input-invalid', `--from ${args.from}: there are outbox and journal`)
      const lines = args.from === 'journal' ? exportJournal(dataDir) : outboxLines(dataDir, args.lane)
      const target = args.out === undefined ? process.stdout : createWriteStream(args.out, { mode: 0o600 })
      let count = 0
      let failure: NodeJS.ErrnoException | undefined
      target.once('error', (error) => {
        failure = error
      })
      for (const line of lines) {
        if (failure !== undefined) break
        count++
        if (!target.write(`${line}\n`)) await once(target, 'drain').catch(() => {})
      }
      if (failure?.code === 'EPIPE') return // `export | head` has read enough
      if (args.out !== undefined) {
        target.end()
        if (failure === undefined) await once(target, 'finish').catch(() => {})
        if (failure !== undefined) fail('input-invalid', `--out ${args.out}: ${describeError(failure)}`)
        const out = screen()
        out.data(args.json ? JSON.stringify({ schema: 1, file: args.out, lines: count }) : `${count} lines written to ${args.out}`)
      }
    }),
})

const replay = defineCommand({
  meta: {
    name: 'replay',
    description:
      'Let the running agent send again what the hub has not confirmed; safe at any time, the hub knows each batch by its number',
  },
  args: { config, json, lane: laneArg },
  run: ({ args }) =>
    runCommand(name, async () => {
      const { admin } = loadConfig(configSchema, args.config)
      checkLane(args.lane)
      const url = `http://${admin.host}:${admin.port}/replay${args.lane === undefined ? '' : `?lane=${args.lane}`}`
      const response = await fetch(url, { method: 'POST', headers: { 'x-tributary': '1' } }).catch((cause) =>
        fail(
          'service-silent',
          `no agent at ${url}; one that is not running sends everything it holds again when it starts, so there is nothing to replay`,
          { cause },
        ),
      )
      if (!response.ok) fail('start-failed', `${url}: status ${response.status}; is it an older agent?`)
      const { rows, bytes, lane } = (await response.json()) as { rows: number; bytes: number; lane: string }
      const out = screen()
      out.data(
        args.json
          ? JSON.stringify({ schema: 1, lane, rows, bytes })
          : `lane ${lane}: ${rows} batches (${humanBytes(bytes)}) are sent again`,
      )
    }),
})

export const buffer = defineCommand({
  meta: { name: 'buffer', description: 'What is stored here and not yet confirmed by the hub' },
  subCommands: { ls, verify, export: exporting, replay },
})

function checkLane(lane: string | undefined): void {
  if (lane !== undefined && !lanes.some((one) => one === lane)) fail('input-invalid', `--lane ${lane}: there are ${lanes.join(', ')}`)
}

function* outboxLines(dataDir: string, lane: string | undefined): Generator<string> {
  for (const { id, frame, createdMs } of readOutbox(dataDir, lane)) {
    try {
      for (const line of batchLines(decodeBatch(frame))) yield JSON.stringify({ ...line, waitingSince: new Date(createdMs).toISOString() })
    } catch (error) {
      yield JSON.stringify({ error: `row ${id}: ${describeError(error)}` })
    }
  }
}
