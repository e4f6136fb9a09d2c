/** Facts about the way to a server, layer by layer: names, connection, certificate, path MTU. Each ends at its signal and says what happened in words. */

import type { X509Certificate } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { isIP, connect as tcpConnect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { connect as tlsConnect } from 'node:tls'
import { readText, said } from './check-host.ts'

export interface ServerAddress {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly text: string
}

/** `nats://host:port,tls://host` as addresses; a name and password in it never go into `text`. */
export function serverAddresses(urls: string, standardPort = 4222): ServerAddress[] {
  return urls
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
    .map((one) => {
      const url = new URL(one.includes('://') ? one : `nats://${one}`)
      const host = url.hostname.replace(/^\[|\]$/g, '')
      const port = url.port === '' ? standardPort : Number(url.port)
      const tls = url.protocol === 'tls:' || url.protocol === 'wss:'
      return { host, port, tls, text: `${host.includes(':') ? `[${host}]` : host}:${port}` }
    })
}

export async function resolveName(host: string, signal: AbortSignal): Promise<string[]> {
  if (isIP(host) !== 0) return [host]
  const found = await Promise.race([lookup(host, { all: true }), aborted(signal)])
  return found.map(({ address }) => address)
}

/** Milliseconds until the connection stood. */
export function connectTcp({ host, port }: ServerAddress, signal: AbortSignal): Promise<number> {
  const startedMs = performance.now()
  return new Promise((resolve, reject) => {
    const socket = tcpConnect({ host, port, signal })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.destroy()
      resolve(performance.now() - startedMs)
    })
  })
}

export interface Chain {
  readonly trusted: boolean
  /** Why not, as the TLS library says it. */
  readonly problem: string
  readonly subject: string
  readonly issuer: string
  readonly daysLeft: number
  /** The certificate of the chain that ends first, from the server's own upwards. */
  readonly endsFirst: string
}

/** NATS speaks first and asks for TLS then; other servers are asked at once. */
export function readChain(address: ServerAddress, options: { ca?: string; speaksFirst: boolean }, signal: AbortSignal): Promise<Chain> {
  return new Promise((resolve, reject) => {
    const socket = tcpConnect({ host: address.host, port: address.port, signal })
    socket.once('error', reject)
    const secure = () => {
      const secured = tlsConnect({
        socket,
        ...(isIP(address.host) === 0 ? { servername: address.host } : {}),
        ...(options.ca === undefined ? {} : { ca: options.ca }),
        rejectUnauthorized: false, // the chain is judged below, and nothing is ever said over this connection
      })
      secured.once('error', reject)
      secured.once('secureConnect', () => {
        const certificates: X509Certificate[] = []
        let one: X509Certificate | undefined = secured.getPeerX509Certificate()
        while (one !== undefined && !certificates.some((known) => known.fingerprint256 === one!.fingerprint256)) {
          certificates.push(one)
          one = one.issuerCertificate
        }
        const own = certificates[0]
        const first = [...certificates].sort((a, b) => Date.parse(a.validTo) - Date.parse(b.validTo))[0]
        const problem = secured.authorized ? '' : String(secured.authorizationError)
        secured.destroy()
        if (own === undefined || first === undefined) reject(new Error('the server showed no certificate'))
        else
          resolve({
            trusted: problem === '',
            problem,
            subject: own.subject?.replaceAll('\n', ', ') ?? '',
            issuer: own.issuer?.replaceAll('\n', ', ') ?? '',
            daysLeft: (Date.parse(first.validTo) - Date.now()) / 86_400_000,
            endsFirst: first.subject?.replaceAll('\n', ', ') ?? '',
          })
      })
    }
    if (options.speaksFirst) socket.once('data', secure)
    else socket.once('connect', secure)
  })
}

/** The interface towards a host and its MTU; undefined where the system does not tell. */
export async function mtuTowards(ip: string, signal: AbortSignal): Promise<{ device: string; mtu: number; pathMtu?: number } | undefined> {
  const route = await said('ip', ['route', 'get', ip], signal)
  const device =
    / dev (\S+)/.exec(route ?? '')?.[1] ??
    (/^127\.|^::1$/.test(ip) ? 'lo' : /^(\S+)\t00000000\t/m.exec(readText('/proc/net/route') ?? '')?.[1]) ??
    Object.keys(networkInterfaces()).find((name) => name !== 'lo')
  if (device === undefined) return undefined
  const mtu = Number(readText(`/sys/class/net/${device}/mtu`))
  const path = / mtu (\d+)/.exec(route ?? '')?.[1]
  return Number.isFinite(mtu) && mtu > 0 ? { device, mtu, ...(path === undefined ? {} : { pathMtu: Number(path) }) } : undefined
}

/** TCP segments sent and sent again by this machine since it started. */
export function tcpSegments(): { sent: number; again: number } | undefined {
  const [names, values] = (readText('/proc/net/snmp') ?? '').split('\n').filter((line) => line.startsWith('Tcp:'))
  const at = (name: string) => Number(values?.split(' ')[names?.split(' ').indexOf(name) ?? -1])
  const found = { sent: at('OutSegs'), again: at('RetransSegs') }
  return Number.isFinite(found.sent) && Number.isFinite(found.again) ? found : undefined
}

/** What a system error means for somebody on site. */
export function connectionWords(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'the machine is there, but nothing listens on that port (connection refused)',
    EHOSTUNREACH: 'no route leads to that machine (host unreachable)',
    ENETUNREACH: 'this machine has no network in that direction (network unreachable)',
    ETIMEDOUT: 'nobody answers (timed out): a firewall that drops packets, or the machine is off',
    ABORT_ERR: 'nobody answers (timed out): a firewall that drops packets, or the machine is off',
    ECONNRESET: 'the connection was cut by the other side',
    ENOTFOUND: 'the name is not known to the name server',
    EAI_AGAIN: 'no name server answers',
  }
  return words[code] ?? (error instanceof Error ? error.message : String(error))
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
