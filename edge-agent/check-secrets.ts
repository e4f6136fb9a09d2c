/** The check of files that hold secrets: only their owner may read them. */
import { chmodSync } from 'node:fs'
import { modeOf } from '#shared/check-host.ts'
import { bad, type Check, cannotTell, pass } from '#shared/checks.ts'
import type { AgentCheckContext } from './agent-check-context.ts'

export const secretFilesCheck: Check<AgentCheckContext> = {
  id: 'secret-files',
  title: 'only their owner can read passwords and private keys',
  about:
    'The files of `hub.passwordFile`, `hub.keyFile` and `mqtt.tls.keyFile`, and the settings file itself when a broker’s password stands in it. Their content is not looked at.',
  remedy: '`chmod 600 FILE`; the owner is the user the service runs as.',
  after: ['config'],
  run: (context) => {
    const files = filesOf(context)
    if (files.length === 0) return pass(0, 'no file with a password or private key is named')
    const missing = files.filter((file) => modeOf(file) === undefined)
    const open = opened(files)
    if (open.length > 0) return bad(open.length, `can be read by others: ${open.join(', ')}`, `chmod 600 ${open.join(' ')}`)
    if (missing.length > 0) return cannotTell(`not there, or not to be seen by this user: ${missing.join(', ')}`, 'correct the paths')
    return pass(files.length, `${files.length} files, closed to others`)
  },
  mend: (context) => {
    const open = opened(filesOf(context))
    for (const file of open) chmodSync(file, 0o600)
    return `chmod 600 ${open.join(' ')}`
  },
}

function filesOf({ configFile, settings: { hub, mqtt, brokers } }: AgentCheckContext): string[] {
  const named = [
    hub.passwordFile,
    hub.keyFile,
    mqtt.tls?.keyFile,
    brokers.some(({ password }) => password !== undefined) ? configFile : undefined,
  ]
  return named.filter((file) => file !== undefined && file !== '') as string[]
}

function opened(files: readonly string[]): string[] {
  return files.filter((file) => ((modeOf(file) ?? 0) & 0o077) !== 0)
}
