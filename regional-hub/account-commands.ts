/**
 * `tributary-hub user add|list|remove` and `tributary-hub audit verify`. A password is typed without echo, or is the first line of standard input; it is
 * never taken from a flag, where every process of the machine could read it.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { isCancel, password as typed } from '@clack/prompts'
import { defineCommand } from 'citty'
import { screen } from '#shared/command-output.ts'
import { loadConfig } from '#shared/config.ts'
import { fail } from '#shared/errors.ts'
import { runCommand } from '#shared/service.ts'
import { Accounts } from './accounts.ts'
import { accountName, roles } from './accounts-config.ts'
import { SqliteAudit } from './adapters/sqlite-audit.ts'
import { configSchema } from './config.ts'
import { accountsFile } from './open-desk.ts'
import { hashPassword } from './passwords.ts'

const name = 'tributary-hub'
const config = { type: 'string', description: 'settings file (YAML)', default: 'hub.yaml' } as const
const json = { type: 'boolean', description: 'answer as JSON', default: false } as const
const user = { type: 'positional', description: 'name of the account', required: true } as const
const shortestPassword = 12

const add = defineCommand({
  meta: { name: 'add', description: 'Make an account, or give it a new role and password; its sessions end' },
  args: { user, role: { type: 'string', description: roles.join(', '), required: true }, config, json },
  run: ({ args }) =>
    runCommand(name, async () => {
      const accounts = new Accounts(accountsFile(loadConfig(configSchema, args.config)))
      const wanted = accountName.safeParse(args.user)
      if (!wanted.success) fail('input-invalid', `the name ${args.user}: ${wanted.error.issues[0]?.message}`)
      const role = roles.find((one) => one === args.role)
      if (role === undefined) fail('input-invalid', `there is no role ${args.role}; there are ${roles.join(', ')}`)
      const isFirst = accounts.list().length === 0
      const secret = await askPassword()
      if (secret.length < shortestPassword) fail('input-invalid', `the password is too short; at least ${shortestPassword} characters`)
      accounts.save({ name: wanted.data, role, hash: await hashPassword(secret), changedMs: Date.now() })
      const note = isFirst ? '; from now on the console asks for a login' : ''
      screen().data(args.json ? JSON.stringify({ ok: true, name: wanted.data, role }) : `${wanted.data} is ${role}${note}`)
    }),
})

const list = defineCommand({
  meta: { name: 'list', description: 'The accounts and their roles' },
  args: { config, json },
  run: ({ args }) =>
    runCommand(name, async () => {
      const users = new Accounts(accountsFile(loadConfig(configSchema, args.config)))
        .list()
        .map(({ name, role, changedMs }) => ({ name, role, changed: new Date(changedMs).toISOString() }))
      if (args.json) screen().data(JSON.stringify({ users }))
      else
        screen().data(
          users.map(({ name, role, changed }) => `${name}\t${role}\t${changed}`).join('\n') ||
            'there is no account: on loopback no login is asked for',
        )
    }),
})

const remove = defineCommand({
  meta: { name: 'remove', description: 'Remove an account; its sessions end' },
  args: { user, config, json },
  run: ({ args }) =>
    runCommand(name, async () => {
      const accounts = new Accounts(accountsFile(loadConfig(configSchema, args.config)))
      if (!accounts.remove(args.user)) fail('input-invalid', `there is no account ${args.user}`)
      const note = accounts.list().length === 0 ? '; it was the last: with access.mode auto the console on loopback is open again' : ''
      screen().data(args.json ? JSON.stringify({ ok: true, name: args.user }) : `${args.user} is removed${note}`)
    }),
})

const verify = defineCommand({
  meta: { name: 'verify', description: 'Read the whole audit log and check its chain; exit status 2 when it is broken' },
  args: { config, json },
  run: ({ args }) =>
    runCommand(name, async () => {
      const file = join(loadConfig(configSchema, args.config).dataDir, 'audit.db')
      if (!existsSync(file)) fail('input-invalid', `${file}: there is no audit log yet`)
      const audit = new SqliteAudit(file, { readonly: true })
      const verified = audit.verify()
      audit.close()
      screen().data(args.json ? JSON.stringify(verified) : `${verified.words} Head ${verified.head}`)
      if (!verified.isWhole) process.exitCode = 2
    }),
})

export const userCommand = defineCommand({
  meta: { name: 'user', description: 'Who may log in to the console' },
  subCommands: { add, list, remove },
})
export const auditCommand = defineCommand({
  meta: { name: 'audit', description: 'The log of look-ups, logins and changes' },
  subCommands: { verify },
})

async function askPassword(): Promise<string> {
  if (process.stdin.isTTY !== true) return (await text(process.stdin)).split(/\r?\n/)[0] ?? ''
  const first = await typed({ message: `Password (at least ${shortestPassword} characters)`, output: process.stderr })
  if (isCancel(first)) fail('input-invalid', 'no password was given')
  const again = await typed({ message: 'Once more', output: process.stderr })
  if (isCancel(again) || again !== first) fail('input-invalid', 'the two passwords are not the same')
  return first
}
