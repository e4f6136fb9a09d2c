/**
 * Takes events from a broker that already stands on site: a persistent session, QoS 1, and a PUBACK only after the journal's fsync, so that the
 * broker sends again what this agent had not stored.
 *
 * mqtt.js writes the PUBACK of one message before it looks at the next, which would be one fsync per message. So `handleMessage` is answered
 * with an error, upon which mqtt.js (5.16: handlers/publish.js, `case 1`) goes on to the next message and writes nothing, and the PUBACK is
 * sent after the commit through `_sendPacket`, a private method: the version is pinned, and the test here fails when either changes.
 * Chosen over several connections in a `$share/` subscription, because not every broker on site knows those and one session keeps the order.
 */
import { connect, type MqttClient } from 'mqtt'
import type { Clock } from '#shared/clock.ts'
import { describeError } from '#shared/errors.ts'
import type { Component } from '#shared/ports.ts'
import { EventTopics } from '../event-topic.ts'
import type { TapReport } from '../events.ts'
import type { SessionIntake } from '../ports.ts'

export interface MqttSubscriberConfig {
  /** `mqtt://host:port` or `mqtts://…`. */
  readonly url: string
  readonly tenant: string
  /** The same at every start: the broker keeps the session, and what came meanwhile, under it. */
  readonly clientId: string
  /** What stands before `/<family>/<source>` there. */
  readonly topicPrefix?: string
  readonly username?: string
  readonly password?: string
  readonly ca?: string
  readonly reconnectMs?: number
}

interface Packet {
  readonly topic: string
  readonly payload: Buffer | string
  readonly qos: number
  readonly messageId?: number
}

/** What of mqtt.js is used that its types do not show. */
interface PrivateClient {
  handleMessage(packet: Packet, callback: (error?: Error) => void): void
  _sendPacket(packet: { cmd: 'puback'; messageId: number }, callback: () => void): void
}

const answeredLater = new Error('acknowledged after the commit')

export class MqttSubscriber implements Component {
  readonly name: string
  readonly #config: MqttSubscriberConfig
  readonly #deps: { intake: SessionIntake; clock: Clock; report: TapReport }
  readonly #topics: EventTopics
  #client: MqttClient | undefined
  /** Rises with every connection: an acknowledgement belongs to the one its message came on. */
  #connection = 0

  constructor(config: MqttSubscriberConfig, deps: { intake: SessionIntake; clock: Clock; report: TapReport }) {
    this.#config = config
    this.#deps = deps
    this.#topics = new EventTopics(config.topicPrefix)
    this.name = `mqtt-subscriber ${new URL(config.url).host}`
  }

  /** Does not wait for the broker: a site must start without it, and it is tried again for ever. */
  async start(): Promise<void> {
    const { url, clientId, username, password, ca, reconnectMs = 2_000, topicPrefix = 'tributary/v1' } = this.#config
    const { report } = this.#deps
    const broker = new URL(url).host
    const client = connect(url, {
      clientId,
      username,
      password,
      ca,
      clean: false,
      protocolVersion: 4,
      reconnectPeriod: reconnectMs,
      resubscribe: false,
      manualConnect: true,
    })
    this.#client = client
    const internal = client as unknown as PrivateClient
    internal.handleMessage = (packet, callback) => this.#take(client, internal, packet, callback)
    client.on('connect', () => {
      this.#connection++
      client.subscribe(`${topicPrefix}/#`, { qos: 1 }, (error, granted) => {
        const refused = granted?.some(({ qos }) => qos > 2) ?? false
        if (error === null && !refused) report.brokerConnected('mqtt-subscriber', broker)
        else
          report.brokerLost(
            'mqtt-subscriber',
            broker,
            `the subscription was refused: ${describeError(error ?? new Error('not authorised'))}`,
          )
      })
    })
    client.on('close', () => {
      this.#connection++
      report.brokerLost('mqtt-subscriber', broker, 'connection closed')
    })
    client.on('error', (error) => report.brokerLost('mqtt-subscriber', broker, describeError(error)))
    client.connect()
  }

  async stop(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    await client?.endAsync(true)
  }

  #take(client: MqttClient, internal: PrivateClient, packet: Packet, callback: (error?: Error) => void): void {
    const { intake, clock } = this.#deps
    const connection = this.#connection
    const { messageId } = packet
    const { family, source } = this.#topics.parse(packet.topic)
    intake.offer({
      family,
      source,
      tenant: this.#config.tenant,
      payload: Buffer.isBuffer(packet.payload) ? packet.payload : Buffer.from(packet.payload),
      arrivalMs: clock.nowMs(),
      settle: (error) => {
        if (connection !== this.#connection) return // the session sends it again
        if (error !== undefined) client.stream.destroy()
        else if (packet.qos > 0 && messageId !== undefined) internal._sendPacket({ cmd: 'puback', messageId }, () => {})
      },
    })
    const goOn = () => callback(packet.qos > 0 ? answeredLater : undefined)
    if (intake.congested) intake.whenRelieved(goOn)
    else goOn()
  }
}
