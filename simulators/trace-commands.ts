/** `learn-cells` and `score-track`: what can be worked out from drive traces without a network. */
import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { defineCommand } from 'citty'
import { parse } from 'csv-parse/sync'
import { runCommand } from '#shared/service.ts'
import { inventoryCsv } from './cell-inventory.ts'
import { numberOption, refuseUnknown, repeatedOption, UsageError } from './command-line.ts'
import { readTrack } from './core-api.ts'
import { readTrace, traceName } from './drive-trace.ts'
import type { Degrees } from './geometry.ts'
import { learnCells } from './learn-cells.ts'
import { identityForTrace } from './replay.ts'
import { type Distances, parseTrack, scoreTrack, type TrackItem, trackOf } from './score-track.ts'

export const learnCellsCommand = defineCommand({
  meta: { name: 'learn-cells', description: 'Make an OpenCellID CSV of the cells heard in traces.' },
  args: {
    trace: { type: 'positional', required: true, description: 'traces, .csv or .csv.gz, as many as there are' },
    except: { type: 'string', description: 'leave this trace out (leave-one-out); may be repeated' },
    range: { type: 'enum', options: ['p95', 'max'], description: 'which distance becomes the range', default: 'max' },
    out: { type: 'string', description: 'file to write', required: true },
    json: { type: 'boolean', description: 'say what was written as JSON' },
  },
  run: ({ args, rawArgs }) =>
    runCommand('tributary-sim', async () => {
      refuseUnknown(rawArgs, learnCellsCommand)
      const except = new Set(repeatedOption(rawArgs, 'except').map((file) => basename(file)))
      const files = args._.filter((file) => !except.has(basename(file)))
      if (files.length === 0) throw new UsageError('no trace is left to learn from')
      const rows = learnCells(
        files.map((file) => readTrace(file)),
        { range: args.range === 'p95' ? 'p95' : 'max' },
      )
      writeFileSync(args.out, inventoryCsv(rows))
      const said = { file: args.out, traces: files.length, cells: rows.length }
      process.stdout.write(
        args.json ? `${JSON.stringify(said)}\n` : `${said.cells} cells from ${said.traces} traces written to ${args.out}\n`,
      )
    }),
})

export const scoreTrackCommand = defineCommand({
  meta: { name: 'score-track', description: 'Judge a track from the API against the GPS of the trace that was replayed.' },
  args: {
    track: { type: 'positional', required: false, description: 'JSON of POST /v1/subscribers/track; left out with --api' },
    trace: { type: 'positional', required: false, description: 'the trace' },
    api: { type: 'string', description: 'ask the core’s API for the track, http://…' },
    key: { type: 'string', description: 'API key' },
    number: { type: 'string', description: 'the phone’s number (default: the one a replay makes from the trace’s name)' },
    cells: { type: 'string', description: 'cell inventory (OpenCellID CSV) for the serving-cell baseline' },
    'shift-ms': { type: 'string', description: 'what the replay added to the times (its summary says it)', default: '0' },
    json: { type: 'boolean', description: 'the score as JSON' },
  },
  run: ({ args, rawArgs }) =>
    runCommand('tributary-sim', async () => {
      refuseUnknown(rawArgs, scoreTrackCommand)
      const shiftMs = numberOption('shift-ms', args['shift-ms'], { min: Number.NEGATIVE_INFINITY })!
      const traceFile = args.api === undefined ? args.trace : args.track
      if (traceFile === undefined) throw new UsageError('expected a track and a trace, or --api and a trace')
      const rows = readTrace(traceFile)
      const track =
        args.api === undefined
          ? parseTrack(readFileSync(args.track!, 'utf8'))
          : trackOf(
              await readTrack<TrackItem>(
                { url: args.api, key: args.key ?? '' },
                args.number ?? identityForTrace(traceName(traceFile)).msisdn,
                rows[0]!.timeMs + shiftMs,
                rows.at(-1)!.timeMs + shiftMs + 1,
              ),
            )
      const cells = args.cells === undefined ? undefined : readPlaces(args.cells)
      const score = scoreTrack(track, rows, shiftMs, cells)
      const line = (name: string, { count, medianM, p68M, p95M }: Distances) =>
        `${name.padEnd(22)} median ${medianM} m, p68 ${p68M} m, p95 ${p95M} m (${count})`
      const text = [
        `${line('reports', score.atReports)}, ${Math.round(score.atReports.withinRadius * 100)} % within their radius`,
        `${line('every second', score.everySecond)}, ${Math.round(score.everySecond.withinRadius * 100)} % within their radius`,
        ...(score.servingCellAtReports === undefined ? [] : [line('cell at reports', score.servingCellAtReports)]),
        ...(score.servingCell === undefined ? [] : [line('cell every second', score.servingCell)]),
        line('middle of the drive', score.areaMean),
        '',
      ]
      process.stdout.write(args.json ? `${JSON.stringify(score)}\n` : text.join('\n'))
    }),
})

/** Canonical cell → place, from an OpenCellID CSV. */
function readPlaces(file: string): Map<string, Degrees> {
  const rows = parse<Record<string, string>>(readFileSync(file, 'utf8'), { columns: true, skip_empty_lines: true })
  return new Map(
    rows.map(({ mcc, net, cell, lat, lon }) => [
      `${mcc}-${String(net).padStart(2, '0')}-${cell}`,
      { latitude: Number(lat), longitude: Number(lon) },
    ]),
  )
}
