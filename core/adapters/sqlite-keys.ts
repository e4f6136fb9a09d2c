/**
 * API keys in `keys.db` beside history: the operator's command and the running core open the same file, and every request asks it, so that a
 * revocation holds from the next request on. A look-up by hash is a few microseconds.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, openDatabase } from '#shared/adapters/sqlite.ts'
import { type ApiKey, hashSecret, type KeyStore, type Scope } from '../access.ts'

type Row = Omit<ApiKey, 'scopes'> & { scopes: string }

export class SqliteKeys implements KeyStore {
  readonly #db: Database

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true, mode: 0o750 })
    this.#db = openDatabase(join(dataDir, 'keys.db'))
    this.#db.exec(`CREATE TABLE IF NOT EXISTS api_key (id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, tenant TEXT NOT NULL, name TEXT NOT NULL,
      scopes TEXT NOT NULL, createdMs REAL NOT NULL, expiresMs REAL, revokedMs REAL, number TEXT NOT NULL)`)
  }

  create({ id, tenant, name, scopes, createdMs, expiresMs, number }: Omit<ApiKey, 'revokedMs'>, secret: string): void {
    this.#db
      .prepare('INSERT INTO api_key (id, hash, tenant, name, scopes, createdMs, expiresMs, number) VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
      .run(id, hashSecret(secret), tenant, name, JSON.stringify(scopes), createdMs, expiresMs, number)
  }

  list(): ApiKey[] {
    return this.#db.prepare<[], Row>('SELECT * FROM api_key ORDER BY createdMs, id').all().map(keyOf)
  }

  revoke(id: string, atMs: number): boolean {
    return this.#db.prepare('UPDATE api_key SET revokedMs = COALESCE(revokedMs, ?) WHERE id = ?').run(atMs, id).changes > 0
  }

  find(secret: string): ApiKey | undefined {
    const row = this.#db.prepare<[Buffer], Row>('SELECT * FROM api_key WHERE hash = ?').get(hashSecret(secret))
    return row && keyOf(row)
  }

  close(): void {
    this.#db.close()
  }
}

function keyOf({ id, tenant, name, scopes, createdMs, expiresMs, revokedMs, number }: Row): ApiKey {
  return { id, tenant, name, scopes: JSON.parse(scopes) as Scope[], createdMs, expiresMs, revokedMs, number }
}
