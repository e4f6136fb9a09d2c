/**
 * Who may publish: users with scrypt-hashed passwords, each of a tenant. A right password is remembered, as a keyed digest and in memory only,
 * so that a site that reconnects all at once does not stall on scrypt; how many are being checked at a time is bounded.
 */
import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

export interface MqttUser {
  readonly name: string
  /** `scrypt$<log2 N>$<r>$<p>$<salt base64>$<hash base64>`; `hashPassword` makes one. */
  readonly passwordHash: string
  readonly tenant?: string
}

const pattern = /^scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)$/
const maxChecking = 64
const maxRemembered = 4096

export class MqttCredentials {
  readonly #users: ReadonlyMap<string, MqttUser>
  readonly #memoryKey = randomBytes(32)
  readonly #remembered = new Set<string>()
  #checking = 0

  constructor(users: readonly MqttUser[]) {
    for (const { name, passwordHash } of users) {
      if (!pattern.test(passwordHash)) throw new Error(`mqtt.users: the password hash of ${name} is not scrypt$N$r$p$salt$hash`)
    }
    this.#users = new Map(users.map((user) => [user.name, user]))
  }

  get required(): boolean {
    return this.#users.size > 0
  }

  /** The user, `undefined` when name or password are wrong, `busy` when too many are being checked. */
  async verify(name: string | undefined, password: Uint8Array | undefined): Promise<MqttUser | undefined | 'busy'> {
    const user = this.#users.get(name ?? '')
    if (password === undefined) return undefined
    const digest = createHmac('sha256', this.#memoryKey).update(`${name}\0`).update(password).digest('base64')
    if (user !== undefined && this.#remembered.has(digest)) return user
    if (this.#checking >= maxChecking) return 'busy'
    this.#checking++
    try {
      // An unknown name costs as much as a wrong password: nobody learns which names exist.
      const right = await matches(user?.passwordHash ?? unknownUser, password)
      if (!right || user === undefined) return undefined
      if (this.#remembered.size >= maxRemembered) this.#remembered.clear()
      this.#remembered.add(digest)
      return user
    } finally {
      this.#checking--
    }
  }
}

const unknownUser = 'scrypt$14$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='

/** What stands in the configuration for a password. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(Buffer.from(password), salt, 14, 8, 1, 32)
  return `scrypt$14$8$1$${salt.toString('base64')}$${hash.toString('base64')}`
}

async function matches(stored: string, password: Uint8Array): Promise<boolean> {
  const [, cost, blockSize, parallel, salt, hash] = pattern.exec(stored)!
  const expected = Buffer.from(hash!, 'base64')
  const actual = await derive(password, Buffer.from(salt!, 'base64'), Number(cost), Number(blockSize), Number(parallel), expected.length)
  return timingSafeEqual(actual, expected)
}

function derive(password: Uint8Array, salt: Uint8Array, log2: number, r: number, p: number, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { N: 2 ** log2, r, p, maxmem: 256 * 2 ** log2 * r }
    scrypt(password, salt, length, options, (error, key) => (error === null ? resolve(key) : reject(error)))
  })
}
