/**
 * Who is logged in, in memory: a restart of the hub logs everybody out. A session's id is 256 random bits that only the browser has; here stands its
 * hash. It ends when nobody used it for a while, when it is too old, and when its account was changed or removed.
 *
 * And the brake on guessing: after a few wrong passwords for a name or from an address, both wait, longer each time.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Account } from './accounts-config.ts'

export interface Session {
  readonly account: Account
  readonly sinceMs: number
  readonly usedMs: number
}

export interface SessionLimits {
  readonly idleMs: number
  readonly absoluteMs: number
}

const maxSessions = 1_000
const maxBraked = 10_000
const freeTries = 5
const firstWaitMs = 30_000
const longestWaitMs = 15 * 60_000

export class Sessions {
  readonly limits: SessionLimits
  readonly #open = new Map<string, Session>()

  constructor(limits: SessionLimits) {
    this.limits = limits
  }

  /** A new id, whatever the browser held before: that one is over. */
  begin(account: Account, nowMs: number, replaced: string | undefined): string {
    if (replaced !== undefined) this.end(replaced)
    if (this.#open.size >= maxSessions) this.#open.delete(this.#open.keys().next().value!)
    const id = randomBytes(32).toString('base64url')
    this.#open.set(hashed(id), { account, sinceMs: nowMs, usedMs: nowMs })
    return id
  }

  /** `current` is what the account is now. */
  use(id: string, nowMs: number, current: (name: string) => Account | undefined): Session | undefined {
    const key = hashed(id)
    const session = this.#open.get(key)
    if (session === undefined) return undefined
    const { account, sinceMs, usedMs } = session
    const isOver = nowMs - usedMs >= this.limits.idleMs || nowMs - sinceMs >= this.limits.absoluteMs
    if (isOver || current(account.name)?.hash !== account.hash || current(account.name)?.role !== account.role) {
      this.#open.delete(key)
      return undefined
    }
    const used = { ...session, usedMs: nowMs }
    this.#open.delete(key)
    this.#open.set(key, used)
    return used
  }

  end(id: string): void {
    this.#open.delete(hashed(id))
  }
}

export class LoginBrake {
  readonly #failures = new Map<string, { count: number; untilMs: number }>()

  /** Milliseconds to wait before another try; 0: go on. */
  waitMs(keys: readonly string[], nowMs: number): number {
    return Math.max(0, ...keys.map((key) => (this.#failures.get(key)?.untilMs ?? 0) - nowMs))
  }

  failed(keys: readonly string[], nowMs: number): void {
    for (const key of keys) {
      const count = (this.#failures.get(key)?.count ?? 0) + 1
      const wait = count < freeTries ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** (count - freeTries))
      this.#failures.delete(key)
      if (this.#failures.size >= maxBraked) this.#failures.delete(this.#failures.keys().next().value!)
      this.#failures.set(key, { count, untilMs: nowMs + wait })
    }
  }

  succeeded(keys: readonly string[]): void {
    for (const key of keys) this.#failures.delete(key)
  }
}

function hashed(id: string): string {
  return createHash('sha256').update(id).digest('base64')
}
