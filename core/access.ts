/**
 * Who may ask what: the scopes there are, and the shape of an API key. The key itself is shown once, when it is made; only its SHA-256 is
 * kept, so that neither the file nor a backup of it lets anybody in.
 */
import { createHash, randomBytes } from 'node:crypto'

export const scopes = [
  'events:read',
  'location:read',
  'movements:read',
  'alerts:read',
  'alerts:write',
  'cells:read',
  'usage:read',
  'population:read',
  'completeness:read',
  'fences:read',
  'fences:write',
  'sim-swap',
  'sim-swap:check',
  'sim-swap:retrieve-date',
  'device-swap',
  'device-swap:check',
  'device-swap:retrieve-date',
  'location-retrieval:read',
] as const
export type Scope = (typeof scopes)[number]

export interface ApiKey {
  readonly id: string
  readonly tenant: string
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly createdMs: number
  readonly expiresMs: number | null
  readonly revokedMs: number | null
  /** Pseudonym of the one phone number this key stands for (CAMARA's three-legged access), '' for a key that names numbers itself. */
  readonly number: string
}

/** Where keys are kept; made and revoked by the operator's command while the core runs, asked at every request. */
export interface KeyStore {
  create(key: Omit<ApiKey, 'revokedMs'>, secret: string): void
  list(): ApiKey[]
  /** False when there is no such key. */
  revoke(id: string, atMs: number): boolean
  find(secret: string): ApiKey | undefined
  close(): void
}

export function makeSecret(): { id: string; secret: string } {
  return { id: randomBytes(5).toString('hex'), secret: `trb_${randomBytes(32).toString('base64url')}` }
}

export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

/** A scope without a colon covers those that begin with it (`sim-swap` covers `sim-swap:check`). */
export function allows(key: ApiKey, scope: Scope): boolean {
  return key.scopes.includes(scope) || key.scopes.some((one) => !one.includes(':') && scope.startsWith(`${one}:`))
}

export function isUsable(key: ApiKey, nowMs: number): boolean {
  return key.revokedMs === null && (key.expiresMs === null || key.expiresMs > nowMs)
}

/** `all` (or `*`), or names separated by commas; answers the names that are not known. */
export function parseScopes(text: string): { scopes: Scope[]; unknown: string[] } {
  if (text.trim() === 'all' || text.trim() === '*') return { scopes: [...scopes], unknown: [] }
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  const known = (name: string): name is Scope => (scopes as readonly string[]).includes(name)
  return { scopes: names.filter(known), unknown: names.filter((name) => !known(name)) }
}
