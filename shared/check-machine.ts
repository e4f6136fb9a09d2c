/** The checks of what a service is started with: settings, Node, identity key, clock. The same for all three services. */
import { chmodSync } from 'node:fs'
import type { CheckContext } from './check-context.ts'
import { clockSource, modeOf } from './check-host.ts'
import { bad, type Check, cannotTell, pass, warn } from './checks.ts'
import { describeError } from './errors.ts'
import { readIdentityKey } from './pseudonym.ts'

type One = Check<CheckContext>

export const configCheck: One = {
  id: 'config',
  title: 'the settings are valid',
  about:
    'Reads the settings file as `run` does, the environment’s overrides included. Nearly everything else is looked at only when this passes.',
  remedy: 'Correct each line named: file, line and column, what stands there and what may. `check --config FILE` shows the same.',
  run: ({ config, configFile, configProblem }) =>
    config === undefined
      ? bad(configFile, configProblem.replaceAll('\n', ' '), `correct ${configFile}, then: check --config ${configFile}`)
      : pass(configFile, `${configFile} is valid`),
}

export const nodeCheck: One = {
  id: 'node',
  title: 'the version of Node can run this',
  about: 'SQLite’s driver crashes on Node 20 and TypeScript is run directly from 22.18 on; the project brings Node 24 along.',
  remedy: 'Start with npm or the package’s commands, which use the Node 24 that was installed with them.',
  cheap: true,
  run: () => {
    const { node } = process.versions
    const [major = 0, minor = 0] = node.split('.').map(Number)
    if (major < 22 || (major === 22 && minor < 18)) return bad(node, `Node ${node} is too old`, 'run it with npx, which brings Node 24')
    return major === 24 ? pass(node, `Node ${node}`) : warn(node, `Node ${node}; tested is 24`, 'run it with npx, which brings Node 24')
  },
}

export const keyFileCheck: One = {
  id: 'key-file',
  title: 'the identity key can be read',
  about:
    'The key that makes pseudonyms: one line `<kid>:<64 hex digits>`, the same for all agents, hubs and the core of a tenant. Without it nothing starts.',
  remedy:
    'Copy the tenant’s key file to this machine over a safe way and name it in `identity.keyFile`. Never make a new one for one site: its people would be strangers everywhere else.',
  after: ['config'],
  run: ({ settings }) => {
    const file = settings.identity.keyFile
    try {
      const { kid } = readIdentityKey(file)
      return pass(kid, `key ${kid}`)
    } catch (error) {
      const words = describeError(error)
      if (words.includes('chmod')) return pass(null, 'it is there and well-formed; see key-mode')
      return bad(file, words, `put the tenant’s key file at ${file}`)
    }
  },
}

export const keyModeCheck: One = {
  id: 'key-mode',
  title: 'only its owner can read the identity key',
  about: 'Whoever has the key can find out whose a pseudonym is by trying numbers. The service refuses a key file that others may read.',
  remedy: '`chmod 600 FILE`; the owner is the user the service runs as.',
  after: ['config'],
  cheap: true,
  run: ({ settings }) => {
    const file = settings.identity.keyFile
    const mode = modeOf(file)
    if (mode === undefined) return cannotTell(`${file} is not there, or not to be seen by this user`)
    const text = mode.toString(8).padStart(4, '0')
    return (mode & 0o077) === 0
      ? pass(text, `mode ${text}`)
      : bad(text, `${file} can be read by others (mode ${text})`, `chmod 600 ${file}`)
  },
  mend: ({ settings }) => {
    chmodSync(settings.identity.keyFile, 0o600)
    return `chmod 600 ${settings.identity.keyFile}`
  },
}

export const clockSourceCheck: One = {
  id: 'clock-source',
  title: 'something keeps the clock right',
  about:
    'Events are windowed by time and compared between sites. Asks chrony, systemd-timesyncd, timedatectl and ntpd who keeps this clock, and whether they are in step.',
  remedy:
    'Install chrony (`apt install chrony`) and let it reach a time server, or PTP on site. A box without a clock battery starts in the past: keep it off line until it has the time.',
  cheap: true,
  run: async (_, signal) => {
    const source = await clockSource(signal)
    if (source === undefined) {
      return cannotTell(
        'neither chrony, timesyncd, timedatectl nor ntpd answers; nothing is known to keep this clock',
        'apt install chrony',
      )
    }
    const offset =
      source.offsetMs === undefined || Number.isNaN(source.offsetMs) ? '' : `, ${source.offsetMs.toFixed(1)} ms off by its own word`
    return source.synchronised
      ? pass(source.name, `${source.name}, in step${offset}`)
      : warn(source.name, `${source.name}, not in step`, 'let it reach a time server: chronyc sources, timedatectl timesync-status')
  },
}
