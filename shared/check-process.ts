/** The checks of a running process: limits, ports, unit, log, and whether it answers. The same for all three services. */
import { availableParallelism } from 'node:os'
import { type CheckContext, metricOf } from './check-context.ts'
import { holderOf, holderWords, humanBytes, memoryLimit, openFilesLimit, readText, said, unitOf } from './check-host.ts'
import { bad, type Check, cannotTell, notRunning, pass, warn } from './checks.ts'

type One = Check<CheckContext>

export const memoryCheck: One = {
  id: 'memory',
  title: 'there is memory enough',
  about: 'The limit of the control group the running service (or this command) is in, or the machine’s memory.',
  remedy: 'An agent is built for 512 MiB and more, a hub or core for 1 GiB and more: raise MemoryMax in the unit or give the machine more.',
  cheap: true,
  run: async (context) => {
    const limit = memoryLimit(await pidOf(context))
    if (limit === undefined) return cannotTell('this system does not tell how much memory there is')
    const wanted = (context.service === 'edge-agent' ? 512 : 1024) << 20
    const words = `${humanBytes(limit.limitBytes)} (${limit.from}), ${availableParallelism()} processors`
    return limit.limitBytes < wanted ? warn(limit.limitBytes, words, `give it ${humanBytes(wanted)}`) : pass(limit.limitBytes, words)
  },
}

export const openFilesCheck: One = {
  id: 'open-files',
  title: 'enough files and connections may be open',
  about: 'Every device’s connection is an open file. The limit of the running service where it can be seen, else of this command.',
  remedy: '`LimitNOFILE=16384` in the unit, or `ulimit -n 16384` before the start.',
  cheap: true,
  run: async (context) => {
    const limit = openFilesLimit(await pidOf(context))
    if (limit === undefined) return cannotTell('this system does not tell the limit')
    const words = `${limit} files`
    return limit < 4096
      ? warn(limit, words, 'LimitNOFILE=16384 in the unit, or ulimit -n 16384')
      : pass(Number.isFinite(limit) ? limit : null, words)
  },
}

export const portsCheck: One = {
  id: 'ports',
  title: 'its ports are its own',
  about: 'Each port the settings name must be free while the service stands still, or held by the service itself while it runs.',
  remedy: 'Stop the program that is named, or choose another port with the setting that is named.',
  after: ['config'],
  run: async (context) => {
    const running = await context.running()
    const own = running === undefined ? undefined : pidIn(running.metrics)
    const needs = context.ports.filter(({ port }) => port !== 0)
    const held = needs.map((need) => ({ ...need, holder: holderOf(need.port, need.kind) }))
    const foreign = held.filter(
      ({ holder }) =>
        holder !== undefined && (running === undefined || (own !== undefined && holder.pid !== undefined && holder.pid !== own)),
    )
    const told = ({ kind, port, setting, holder }: (typeof held)[number]) => `${kind} ${port} (${setting}) by ${holderWords(holder!)}`
    if (foreign.length > 0) {
      return bad(
        foreign[0]!.port,
        `held by another program: ${foreign.map(told).join('; ')}`,
        `stop it, or set ${foreign.map(({ setting }) => setting).join(', ')} to free ports`,
      )
    }
    const missing = running === undefined ? [] : held.filter(({ holder }) => holder === undefined)
    const list = needs.map(({ kind, port }) => `${kind} ${port}`).join(', ')
    if (readText('/proc/net/tcp') === undefined) return cannotTell('this system does not tell who listens')
    return missing.length > 0
      ? warn(
          missing[0]!.port,
          `the service runs but does not listen on ${missing.map(({ kind, port }) => `${kind} ${port}`).join(', ')}`,
          'was it started with other settings? restart it',
        )
      : pass(needs.length, running === undefined ? `free: ${list}` : `held by the service: ${list}`)
  },
}

export const runningCheck: One = {
  id: 'running',
  title: 'the service runs and answers',
  about: 'Asks the admin address. Checks of what comes in and goes out need a running service.',
  remedy: 'Start it (`systemctl start …`, or `run --config FILE`), then look again; its log says why when it does not stay up.',
  after: ['config'],
  run: async (context) => {
    const running = await context.running()
    if (running === undefined) return warn(false, `nobody answers at ${context.adminUrl}`, 'start the service, or correct admin.port')
    return pass(pidIn(running.metrics) ?? null, `it answers at ${context.adminUrl}`)
  },
}

export const healthCheck: One = {
  id: 'health',
  title: 'the running service says it is well',
  about: 'What the service says of itself in `/health`, where every check has its own words.',
  remedy: 'The words of each name what is wrong; other checks look at the same from outside.',
  after: ['config'],
  run: async (context) => {
    const running = await context.running()
    if (running === undefined) return notRunning
    const { status, checks } = running.health
    const off = checks.filter(({ verdict }) => verdict !== 'ok').map(({ id, words }) => `${id}: ${words}`)
    if (status === 'failed') return bad(status, off.join('; '), 'see the words of each')
    return off.length > 0
      ? warn(status, off.join('; '), 'see the words of each')
      : pass(status, `it is well, ${checks.length} things looked at`)
  },
}

/** What the project’s unit switches on; the worst to be without. */
const hardening = {
  NoNewPrivileges: 'yes',
  ProtectSystem: 'strict',
  ProtectHome: 'yes',
  PrivateTmp: 'yes',
  PrivateDevices: 'yes',
  RestrictNamespaces: 'yes',
}

export const unitCheck: One = {
  id: 'unit',
  title: 'the unit’s hardening is in force',
  about: 'What systemd really applies to the running service: an old systemd, or a drop-in, switches protections off without a word.',
  remedy:
    'Install deploy/systemd/tributary-agent.service as it is; `systemctl cat UNIT` shows drop-ins. Outside systemd (a container, a test) its own means take this place.',
  after: ['config'],
  run: async (context, signal) => {
    const pid = await pidOf(context)
    const unit = unitOf(pid)
    if (pid === 'self') return notRunning
    if (unit === undefined) return cannotTell('the running service is not a systemd unit')
    const shown = await said('systemctl', ['show', unit, '-p', Object.keys(hardening).join(',')], signal)
    if (shown === undefined) return cannotTell(`systemd does not tell the properties of ${unit}`)
    const off = Object.entries(hardening)
      .filter(([name, value]) => !shown.split('\n').includes(`${name}=${value}`))
      .map(([name]) => name)
    return off.length === 0
      ? pass(unit, `${unit}: all in force`)
      : warn(off.length, `${unit} runs without ${off.join(', ')}`, 'install the unit file as it is')
  },
}

export const logCheck: One = {
  id: 'log',
  title: 'what it says is kept somewhere',
  about:
    'Logs go to standard error: where the service runs, that is the journal, a file or a pipe. A service that logs to nowhere cannot be helped from afar.',
  remedy: 'Run it under systemd (journald keeps it), or send standard error to a file that is rotated.',
  after: ['config'],
  run: async (context) => {
    const pid = await pidOf(context)
    if (pid === 'self') return notRunning
    const target = (await said('readlink', [`/proc/${pid}/fd/2`], AbortSignal.timeout(1_000)))?.trim()
    if (target === undefined) return cannotTell('this user may not see where the service logs to')
    return target === '/dev/null'
      ? warn(target, 'its log goes to /dev/null', 'send standard error somewhere')
      : pass(target, `standard error goes to ${target}`)
  },
}

/** The process id of the running service, by its own metrics. */
export async function pidOf(context: CheckContext): Promise<number | 'self'> {
  if (context.config === undefined) return 'self'
  return pidIn((await context.running())?.metrics ?? '') ?? 'self'
}

function pidIn(metrics: string): number | undefined {
  return metricOf(metrics, 'tributary_process_pid')
}
