/**
 * How a service shows who it is to a NATS server: a user with a password from a file, a certificate, and whom it trusts. The password file is
 * read anew for every attempt to connect, so that a wrong one that was mended is taken without a restart. Secrets never go into a message.
 */
import { readFileSync } from 'node:fs'
import { type Authenticator, type ConnectionOptions, usernamePasswordAuthenticator } from '@nats-io/transport-node'

export interface NatsAccess {
  readonly user?: string
  readonly passwordFile?: string
  /** PEM files. */
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
}

export function accessOptions(access: NatsAccess = {}): Pick<ConnectionOptions, 'authenticator' | 'tls'> {
  const { user, passwordFile, caFile, certFile, keyFile } = access
  const authenticator: Authenticator | undefined =
    user === undefined
      ? undefined
      : usernamePasswordAuthenticator(user, () =>
          passwordFile === undefined ? '' : readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, ''),
        )
  const tls = caFile === undefined && certFile === undefined ? undefined : { caFile, certFile, keyFile }
  return { ...(authenticator === undefined ? {} : { authenticator }), ...(tls === undefined ? {} : { tls }) }
}
