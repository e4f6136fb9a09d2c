/**
 * The embedded MQTT 3.1 and 3.1.1 broker that devices publish to (MQTT 5 clients are told so in their CONNACK).
 *
 * Promise: PUBACK and PUBREC leave only after the journal's fsync. aedes writes them right after `authorizePublish` has called back and before
 * anything else, so that is where a message goes into intake and waits. Nothing is ever fanned out, retained or queued: devices publish
 * here, nobody subscribes. What is merely wrong is acknowledged and dead-lettered, because MQTT 3.1.1 knows no refusal and a device would
 * resend it for ever; size, rate and authorisation breaches and a failing store close the connection.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { Aedes, type AuthenticateError, type Client, type PublishPacket } from 'aedes'
import { holderOf, holderWords } from '#shared/check-host.ts'
import type { Clock } from '#shared/clock.ts'
import { fail } from '#shared/errors.ts'
import type { Component } from '#shared/ports.ts'
import { EventTopics, probeTopic } from '../event-topic.ts'
import type { TapReport } from '../events.ts'
import { JournalFailed, JournalFull, packetKey, type SessionIntake } from '../ports.ts'
import { MqttCredentials, type MqttUser } from './mqtt-credentials.ts'
import { defaultLimits, type GuardLimits, MqttGuard } from './mqtt-guard.ts'
import { MqttSessions } from './mqtt-sessions.ts'
import { OpenPackets } from './open-packets.ts'

export interface MqttBrokerConfig {
  readonly host: string
  readonly port: number
  readonly tenant: string
  /** Without users, only a loopback address takes anonymous devices, unless `allowAnonymous`. */
  readonly users?: readonly MqttUser[]
  readonly allowAnonymous?: boolean
  /** PEM texts. With `ca`, a device's certificate is asked for; with `requireCertificate`, nobody comes without one. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string; readonly requireCertificate?: boolean }
  readonly limits?: Partial<GuardLimits>
  readonly connectTimeoutMs?: number
  readonly drainTimeoutMs?: number
}

export interface MqttBrokerDeps {
  readonly intake: SessionIntake
  readonly clock: Clock
  readonly report: TapReport
  /** A keyed hash: client ids may be somebody's, and stand in the journal with open QoS 2 packets. */
  readonly hashClient: (clientId: string) => string
}

const tap = 'mqtt'
const clientIdPattern = /^[\x20-\x7e]{1,128}$/
const maxOpenPackets = 1000

/** aedes without its fan-out: what was taken into intake goes nowhere else. */
class PublishOnlyBroker extends Aedes {
  override publish(_packet: PublishPacket, client: unknown, done?: (error?: Error) => void): void {
    const callback = typeof client === 'function' ? (client as (error?: Error) => void) : done
    callback?.()
  }
}

export class MqttBroker implements Component {
  readonly name = tap
  readonly #config: MqttBrokerConfig
  readonly #deps: MqttBrokerDeps
  readonly #credentials: MqttCredentials
  readonly #guard: MqttGuard
  readonly #topics = new EventTopics()
  readonly #packets: OpenPackets
  readonly #tenants = new WeakMap<Client, string>()
  readonly #closedFor = new WeakSet<Client>()
  #aedes: Aedes | undefined
  #server: Server | undefined

  constructor(config: MqttBrokerConfig, deps: MqttBrokerDeps) {
    this.#config = config
    this.#deps = deps
    this.#credentials = new MqttCredentials(config.users ?? [])
    this.#packets = new OpenPackets(deps.intake, deps.hashClient)
    this.#guard = new MqttGuard(
      { ...defaultLimits, ...config.limits },
      {
        nowMs: deps.clock.monotonicMs,
        congested: () => deps.intake.congested,
        whenRelieved: (listener) => deps.intake.whenRelieved(listener),
        breach: (reason, address) => deps.report.connectionRefused(tap, reason, address),
      },
    )
  }

  /** The port it listens on, once started. */
  get port(): number {
    const address = this.#server?.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  async start(): Promise<void> {
    const { host, port, tls } = this.#config
    if (!this.#credentials.required && !this.#config.allowAnonymous && !tls?.requireCertificate && !isLoopback(host)) {
      fail(
        'start-failed',
        `mqtt.host ${host} can be reached from other machines and no users are configured; set mqtt.users, or mqtt.allowAnonymous`,
      )
    }
    const aedes = this.#createAedes()
    await aedes.listen()
    this.#aedes = aedes
    const accept = (socket: Socket) => this.#accept(socket, aedes)
    const server = tls === undefined ? createServer({ noDelay: true }, accept) : createTlsServer(tlsOptions(tls), accept)
    server.maxConnections = { ...defaultLimits, ...this.#config.limits }.maxConnections + 256 // TLS handshakes come before the guard
    server.on('tlsClientError', (_, socket) => this.#deps.report.connectionRefused(tap, 'tls', socket.remoteAddress ?? ''))
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause: NodeJS.ErrnoException) => {
        const code =
          cause.code === 'EADDRINUSE'
            ? 'port-taken'
            : cause.code === 'EACCES' || cause.code === 'EADDRNOTAVAIL'
              ? 'port-refused'
              : 'start-failed'
        try {
          const holder = code === 'port-taken' ? holderOf(port, 'tcp') : undefined
          fail(code, `mqtt.host ${host}, mqtt.port ${port}${holder === undefined ? '' : `, held by ${holderWords(holder)}`}`, { cause })
        } catch (error) {
          reject(error as Error)
        }
      })
      server.listen(port, host, resolve)
    })
    this.#server = server
    this.#guard.start()
    this.#deps.report.listening(tap, `${tls === undefined ? 'mqtt' : 'mqtts'}://${host}:${this.port}`)
  }

  /** What is not acknowledged yet stays unacknowledged: the devices send it again. */
  async stop(): Promise<void> {
    const aedes = this.#aedes
    if (aedes === undefined) return
    this.#aedes = undefined
    this.#server?.close()
    await new Promise((resolve) => setImmediate(resolve)) // acknowledgements of the last commit are on their way
    await new Promise<void>((resolve) => aedes.close(resolve))
    this.#guard.stop()
  }

  #createAedes(): Aedes {
    const { connectTimeoutMs = 5_000, drainTimeoutMs = 10_000 } = this.#config
    const aedes = new PublishOnlyBroker({
      connectTimeout: connectTimeoutMs,
      drainTimeout: drainTimeoutMs,
      maxInflightInbound: maxOpenPackets,
      maxClientsIdLength: 128,
      maxTopicLevels: 100, // aedes’ own ceiling; what is deeper breaks the connection
      queueLimit: 1024, // what came in one read with CONNECT; reading waits for the CONNACK
      persistence: new MqttSessions({
        released: (client, packetId) => this.#packets.release(client, packetId),
        ended: (client) => this.#packets.end(client),
      }),
      preConnect: (client, packet, callback) => {
        const { clientId, clean } = packet
        if (clientId === '' || clientId === undefined) {
          if (clean) callback(null, true)
          else this.#refuse(client, 'empty-client-id', callback)
        } else if (!clientIdPattern.test(clientId)) this.#refuse(client, 'bad-client-id', callback)
        else callback(null, true)
      },
      authenticate: (client, username, password, done) => {
        void this.#authenticate(client, username, password).then(
          (verdict) => done(verdict, verdict === null),
          (error) => done(Object.assign(error as Error, { returnCode: 3 }) as AuthenticateError, false),
        )
      },
      authorizePublish: (client, packet, callback) => this.#take(client, packet, callback),
      authorizeSubscribe: (_client, _subscription, callback) => callback(null, null), // SUBACK 0x80: nobody reads here
    })
    aedes.on('clientError', (client, error) => this.#closed(client, reasonOf(error)))
    aedes.on('connectionError', (client, error) => this.#closed(client, reasonOf(error)))
    return aedes
  }

  #accept(socket: Socket, aedes: Aedes): void {
    if (!this.#guard.admit(socket)) return
    this.#deps.report.connections(tap, this.#guard.open)
    socket.once('close', () => this.#deps.report.connections(tap, this.#guard.open))
    aedes.handle(socket)
  }

  async #authenticate(client: Client, name: string | undefined, password: Buffer | undefined): Promise<AuthenticateError | null> {
    if (!this.#credentials.required) {
      this.#tenants.set(client, this.#config.tenant)
      return null
    }
    const user = await this.#credentials.verify(name, password)
    if (user === 'busy') return Object.assign(new Error('busy'), { returnCode: 3 }) as AuthenticateError
    if (user === undefined) return Object.assign(new Error('bad-credentials'), { returnCode: 4 }) as AuthenticateError
    this.#tenants.set(client, user.tenant ?? this.#config.tenant)
    return null
  }

  /** Also called for a last will, which has no packet id. */
  #take(client: Client | null, packet: PublishPacket, callback: (error?: Error | null) => void): void {
    const tenant = client === null ? undefined : this.#tenants.get(client)
    if (client === null || tenant === undefined) {
      callback(new Error('not-authorised'))
      return
    }
    const { messageId } = packet
    if (packet.qos > 0 && messageId === 0) {
      callback(new Error('packet-id-0'))
      return
    }
    if (packet.topic === probeTopic && packet.qos < 2) {
      this.#deps.intake.offerFlows({ fill: () => {}, settle: callback }) // goes the way of every message, and is none
      return
    }
    let key: string | undefined
    if (packet.qos === 2 && messageId !== undefined) {
      const open = this.#packets.take(client, messageId, maxOpenPackets, callback)
      if (open === 'repeated') return
      if (open === 'too-many') {
        callback(new Error('too-many-open-packets'))
        return
      }
      key = open.persistent ? packetKey(open.client, messageId) : undefined
    }
    const { family, source } = this.#topics.parse(packet.topic)
    this.#deps.intake.offer({
      family,
      source,
      tenant,
      payload: packet.payload as Buffer,
      arrivalMs: this.#deps.clock.nowMs(),
      packetKey: key,
      settle: (error) => {
        if (packet.qos === 2 && messageId !== undefined) this.#packets.settled(client, messageId, error)
        if (error !== undefined || !client.closed) callback(error)
      },
    })
  }

  #refuse(client: Client, reason: string, callback: (error: Error, success: boolean) => void): void {
    callback(new Error(reason), false)
    this.#closed(client, reason)
  }

  #closed(client: Client, reason: string): void {
    if (this.#closedFor.has(client)) return
    this.#closedFor.add(client)
    this.#deps.report.connectionClosed(tap, reason, client.id ?? '')
  }
}

const ownReasons = new Set([
  'busy',
  'bad-credentials',
  'not-authorised',
  'packet-id-0',
  'too-many-open-packets',
  'empty-client-id',
  'bad-client-id',
  'drain timeout',
  'keep alive timeout',
  'connect did not arrive in time',
])

/** A bounded set of words: what libraries and sockets say is told by kind. */
function reasonOf(error: Error): string {
  if (error instanceof JournalFull) return 'journal-full'
  if (error instanceof JournalFailed) return 'journal-failed'
  if (ownReasons.has(error.message)) return error.message.replaceAll(' ', '-')
  return (error as NodeJS.ErrnoException).code === undefined ? 'protocol' : 'connection-lost'
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host)
}

function tlsOptions(tls: NonNullable<MqttBrokerConfig['tls']>): TlsOptions {
  return {
    cert: tls.cert,
    key: tls.key,
    ca: tls.ca,
    minVersion: 'TLSv1.2',
    requestCert: tls.ca !== undefined,
    rejectUnauthorized: tls.requireCertificate ?? false,
    handshakeTimeout: 5_000,
  }
}
