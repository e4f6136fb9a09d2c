/**
 * The console's local accounts, in one file beside the hub's data: name, role, password hash. Changed by the command `tributary-hub user` while the hub
 * runs, so it is looked at again whenever it changed. Refused when other users of the machine can read it.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fail } from '#shared/errors.ts'
import { type Account, accountsSchema } from './accounts-config.ts'

export class Accounts {
  readonly #file: string
  #stamp = ''
  #users: readonly Account[] = []

  constructor(file: string) {
    this.#file = file
  }

  /** Throws when the file is there and cannot be used: nobody gets in by breaking it. */
  list(): readonly Account[] {
    if (!existsSync(this.#file)) {
      this.#stamp = ''
      this.#users = []
      return this.#users
    }
    const { mtimeMs, size, ino, mode } = statSync(this.#file)
    const stamp = `${mtimeMs} ${size} ${ino}`
    if (stamp === this.#stamp) return this.#users
    if ((mode & 0o077) !== 0) fail('config-invalid', `${this.#file} can be read by other users; run: chmod 600 ${this.#file}`)
    let found: ReturnType<typeof accountsSchema.safeParse>
    try {
      found = accountsSchema.safeParse(JSON.parse(readFileSync(this.#file, 'utf8')))
    } catch (cause) {
      fail('config-invalid', `${this.#file} is not JSON`, { cause })
    }
    if (!found.success)
      fail('config-invalid', `${this.#file}: ${found.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ')}`)
    this.#users = found.data.users
    this.#stamp = stamp
    return this.#users
  }

  find(name: string): Account | undefined {
    return this.list().find((one) => one.name === name)
  }

  /** Adds, or gives a new role and password. */
  save(account: Account): void {
    this.#write([...this.list().filter(({ name }) => name !== account.name), account])
  }

  remove(name: string): boolean {
    const rest = this.list().filter((one) => one.name !== name)
    if (rest.length === this.list().length) return false
    this.#write(rest)
    return true
  }

  #write(users: readonly Account[]): void {
    mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 })
    const next = `${this.#file}.next`
    const sorted = [...users].sort((a, b) => (a.name < b.name ? -1 : 1))
    writeFileSync(next, `${JSON.stringify({ users: sorted }, undefined, 2)}\n`, { mode: 0o600, flush: true })
    renameSync(next, this.#file)
  }
}
