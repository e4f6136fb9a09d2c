/**
 * Passwords as argon2id (RFC 9106) in PHC form: `$argon2id$v=19$m=65536,t=3,p=1$salt$hash`. Never kept, logged or compared in the clear; a name that
 * does not exist costs as much time as one that does.
 */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'

const cost = { memory: 65_536, passes: 3, parallelism: 1 }
const phc = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/

export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(16)
  const tag = await derive(password, nonce, cost)
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${base64(nonce)}$${base64(tag)}`
}

export function isPasswordHash(text: string): boolean {
  return phc.test(text)
}

/** Without a stored hash (there is no such account) the same work is done, and the answer is no. */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [, memory, passes, parallelism, salt, tag] = phc.exec(stored ?? '') ?? []
  if (tag === undefined) {
    await derive(password, Buffer.alloc(16), cost)
    return false
  }
  const expected = Buffer.from(tag, 'base64')
  const found = await derive(password, Buffer.from(salt!, 'base64'), {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
  })
  return timingSafeEqual(found, expected)
}

function derive(password: string, nonce: Uint8Array, parameters: typeof cost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    argon2('argon2id', { message: password.normalize('NFKC'), nonce, tagLength: 32, ...parameters }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    )
  })
}

function base64(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64').replace(/=+$/, '')
}
