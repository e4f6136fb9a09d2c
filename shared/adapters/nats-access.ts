/**
 * How a service shows who it is to a NATS server: a user with a password from a file, a certificate, and whom it trusts. The password file is
 * read anew for every attempt to connect, so that a wrong one that was mended is taken without a restart. Secrets never go into a message.
 */
import { readFileSync } from 'node:fs'
import { type Authenticator, type ConnectionOptions, usernamePasswordAuthenticator } from '@nats-io/transport-node'
import { describeError } from '../errors.ts'

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

/** Why a server was not reached, for whoever can mend it: what is wrong, and what to do about it where that is known. */
export function refusalWords(error: unknown, access: NatsAccess = {}): string {
  const words = describeError(error)
  if (/authorization violation|authentication/i.test(words)) {
    return access.user === undefined
      ? `the server asks for a user and none is set (${words}); set the user and the file with its password`
      : `the server does not take user “${access.user}” with the password in ${access.passwordFile ?? '(no file is set)'} (${words}); correct that file, it is read anew at every attempt`
  }
  if (/certificate has expired/i.test(words)) return `the server’s certificate has expired; renew it there`
  if (/unable to (get|verify)|self-signed|altnames|hostname/i.test(words)) {
    return `the server’s certificate is not trusted (${words}); name the CA that signed it${access.caFile === undefined ? '' : ` (now ${access.caFile})`}, and a name the certificate has`
  }
  if (/ENOTFOUND/.test(words))
    return `the name is not known to the name server (${words}); correct the address, or the name server of this machine`
  if (/EAI_AGAIN/.test(words)) return `no name server answers (${words})`
  if (/ECONNREFUSED/.test(words)) return `nothing listens there (${words})`
  return words
}
