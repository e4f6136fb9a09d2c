/**
 * `tributary-agent bundle`: one archive that a support team can work with from afar. Settings without secrets, the doctor's report, health,
 * metrics, the list of stores, the end of the log, versions. Every text passes hide-secrets.ts; what is stored of events never goes in.
 */
import { closeSync, fstatSync, openSync, readSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { defineCommand } from 'citty'
import { askRunning } from '#shared/check-context.ts'
import { humanBytes, mountOf, said } from '#shared/check-host.ts'
import { checksJson, reportLines, summaryLine } from '#shared/check-report.ts'
import { runChecks } from '#shared/checks.ts'
import { screen } from '#shared/command-output.ts'
import { describeError, fail } from '#shared/errors.ts'
import { productVersion } from '#shared/product-version.ts'
import { runCommand } from '#shared/service.ts'
import { type ArchiveFile, tarGz } from '#shared/tar-archive.ts'
import { listStores } from './adapters/read-stores.ts'
import { agentChecks } from './agent-checks.ts'
import { name, sharedArgs } from './command-args.ts'
import { doctorContext } from './doctor.ts'
import { hideInOwnText, hideInText, safeLogLine, safeMetrics, withoutSecrets } from './hide-secrets.ts'
import type { SiteSight } from './watch-site.ts'

const logTailBytes = 1 << 20

export const bundle = defineCommand({
  meta: {
    name: 'bundle',
    description: 'Write a support archive: settings without secrets, doctor, health, metrics, stores, log; never an event or an identity',
  },
  args: {
    ...sharedArgs,
    out: { type: 'string', description: 'file to write; default tributary-bundle-<agent>-<time>.tar.gz here' },
    log: { type: 'string', description: 'the agent’s log file; default: the systemd journal of tributary-agent, where there is one' },
  },
  run: ({ args }) =>
    runCommand(name, async () => {
      const out = screen()
      out.progress('looking at everything …')
      const nowMs = Date.now()
      const files = await collect(args.config, args.log)
      const agent = /^[A-Za-z_-]+/.exec(files.agent)?.[0] ?? 'agent'
      const stamp = new Date(nowMs).toISOString().slice(0, 19).replaceAll(':', '')
      const file = args.out ?? `tributary-bundle-${agent}-${stamp}.tar.gz`
      const archive = tarGz(
        files.list.map(({ path, text }) => ({ path: `tributary-bundle/${path}`, text })),
        nowMs,
      )
      try {
        writeFileSync(file, archive, { mode: 0o600, flag: 'wx' })
      } catch (cause) {
        fail('input-invalid', `--out ${file}: ${describeError(cause)}`, { cause })
      }
      out.progress('')
      const paths = files.list.map(({ path }) => path)
      if (args.json) out.data(JSON.stringify({ schema: 1, file, bytes: archive.length, files: paths }))
      else out.data(`${file}, ${humanBytes(archive.length)}: ${paths.join(', ')}\nlook into it before you hand it on: tar xzf ${file}`)
    }),
})

async function collect(configFile: string, logFile: string | undefined): Promise<{ agent: string; list: ArchiveFile[] }> {
  const context = doctorContext({ configFile })
  const startedMs = performance.now()
  const results = await runChecks(agentChecks, context)
  const tookMs = performance.now() - startedMs
  const running = context.config === undefined ? undefined : await askRunning(context.adminUrl)
  const { config } = context
  const json = (value: unknown, hide = hideInOwnText) => `${JSON.stringify(withoutSecrets(value, hide), null, 2)}\n`
  const list: ArchiveFile[] = [
    { path: 'versions.json', text: json(await versions(config?.dataDir)) },
    { path: 'doctor.json', text: json(checksJson('edge-agent', results, tookMs)) },
    {
      path: 'doctor.txt',
      text: hideInOwnText(`${[...reportLines(results, false), summaryLine(results, tookMs)].join('\n')}\n`),
    },
    { path: 'config.json', text: json(config ?? { invalid: context.configProblem }, hideInText) },
    { path: 'stores.json', text: json(config === undefined ? null : attempt(() => listStores(config.dataDir))) },
    ...(running === undefined
      ? []
      : [
          { path: 'health.json', text: json(running.health) },
          { path: 'site.json', text: json(withoutCells(running.site)) },
          { path: 'metrics.txt', text: safeMetrics(running.metrics) },
        ]),
    { path: 'log.txt', text: (await logTail(logFile)).split('\n').map(safeLogLine).join('\n') },
  ]
  await context.close()
  return { agent: config?.agent ?? 'agent', list }
}

async function versions(dataDir: string | undefined): Promise<object> {
  const signal = AbortSignal.timeout(2_000)
  return {
    tributary: productVersion(),
    node: process.versions.node,
    sqlite: 'better-sqlite3 as in package-lock.json',
    system: `${process.platform} ${process.arch} ${release()}`,
    distribution: /^PRETTY_NAME="?([^"\n]*)/m.exec((await said('cat', ['/etc/os-release'], signal)) ?? '')?.[1] ?? null,
    systemd: (await said('systemctl', ['--version'], signal))?.split('\n')[0] ?? null,
    mount: dataDir === undefined ? null : (mountOf(dataDir) ?? null),
    madeAt: new Date().toISOString(),
  }
}

async function logTail(file: string | undefined): Promise<string> {
  if (file === undefined) {
    const journal = await said('journalctl', ['-u', 'tributary-agent', '-n', '2000', '--no-pager', '-o', 'cat'], AbortSignal.timeout(3_000))
    return journal ?? 'no log: there is no systemd journal here; name the log file with --log'
  }
  let descriptor: number
  try {
    descriptor = openSync(file, 'r')
  } catch (cause) {
    return fail('input-invalid', `--log ${file}: ${describeError(cause)}`, { cause })
  }
  try {
    const { size } = fstatSync(descriptor)
    const tail = Buffer.alloc(Math.min(size, logTailBytes))
    readSync(descriptor, tail, 0, tail.length, size - tail.length)
    const text = tail.toString('utf8')
    return size > tail.length ? text.slice(text.indexOf('\n') + 1) : text // never half a line, whose other half would have said what it is
  } finally {
    closeSync(descriptor)
  }
}

/** A cell's name is a number that a wrongly set up device may have filled with somebody's: how many there are is enough. */
function withoutCells(site: unknown): unknown {
  const { cells, ...rest } = (site ?? {}) as Partial<SiteSight>
  return { ...rest, cells: cells?.length ?? 0 }
}

function attempt<T>(read: () => T): T | { failed: string } {
  try {
    return read()
  } catch (error) {
    return { failed: describeError(error) }
  }
}
