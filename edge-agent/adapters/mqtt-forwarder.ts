/**
 * An intake in another process: hands flows to a running agent as DPI events over MQTT, QoS 1, in arrays.
 * A delivery is settled when the agent acknowledged all of its events, which means that they are durable there. Every event carries an id,
 * so that one that is sent twice has no second effect. Only flows are forwarded: a file holds nothing else.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import mqtt, { type MqttClient } from 'mqtt'
import { EventBatch } from '../event-batch.ts'
import type { FlowDelivery, Intake } from '../ports.ts'

export interface MqttForwarderOptions {
  readonly url: string
  readonly clientId: string
  readonly username?: string
  readonly password?: string
  /** Gives up when the agent cannot be reached for so long. */
  readonly connectTimeoutMs: number
}

const eventsPerMessage = 100
const messagesInFlight = 50

export class MqttForwarder implements Intake {
  readonly #options: MqttForwarderOptions
  #client: MqttClient | undefined
  #tail: Promise<void> = Promise.resolve()

  constructor(options: MqttForwarderOptions) {
    this.#options = options
  }

  /** Rejects when the agent is not reached within the timeout. */
  async connect(): Promise<void> {
    const { url, clientId, username, password, connectTimeoutMs } = this.#options
    const credentials = username === undefined ? {} : { username, password: password ?? '' }
    const client = mqtt.connect(url, { clientId, clean: false, reconnectPeriod: 500, ...credentials })
    this.#client = client
    let reason = 'no answer'
    client.on('error', (error) => {
      reason = error.message
    })
    const giveUp = AbortSignal.timeout(connectTimeoutMs)
    while (!client.connected) {
      if (giveUp.aborted) {
        client.end(true)
        throw new Error(
          `the agent at ${url} cannot be reached (${reason}); is it running, and is mqtt.port in its configuration the one it was started with?`,
        )
      }
      await sleep(50)
    }
  }

  async close(): Promise<void> {
    await this.#client?.endAsync()
  }

  offer(): never {
    throw new Error('only flows are forwarded')
  }

  offerFlows(delivery: FlowDelivery): void {
    const batch = new EventBatch(256)
    delivery.fill(batch)
    this.#tail = this.#tail
      .then(() => this.#publish(batch))
      .then(
        () => delivery.settle(),
        (error) => delivery.settle(error as Error),
      )
  }

  async #publish(batch: EventBatch): Promise<void> {
    const messages: { topic: string; payload: string }[] = []
    for (let from = 0; from < batch.rows; from += eventsPerMessage) {
      const rows = Array.from({ length: Math.min(eventsPerMessage, batch.rows - from) }, (_, at) => flowEvent(batch, from + at))
      messages.push({ topic: `tributary/v1/dpi/${batch.texts[batch.columns.source[from]!]}`, payload: JSON.stringify(rows) })
    }
    for (let from = 0; from < messages.length; from += messagesInFlight) {
      await Promise.all(
        messages.slice(from, from + messagesInFlight).map(({ topic, payload }) => this.#client!.publishAsync(topic, payload, { qos: 1 })),
      )
    }
  }
}

/** A row as the event that a device would send (the outside face, §2). */
function flowEvent(batch: EventBatch, row: number): object {
  const { columns, texts } = batch
  const endMs = columns.timeMs[row]!
  const durationMs = Number.isNaN(columns.durationMs[row]!) ? 0 : columns.durationMs[row]!
  return {
    event_id: `${columns.idHash[row * 2]!.toString(16)}-${columns.idHash[row * 2 + 1]!.toString(16)}`,
    timestamp: Math.round(endMs),
    event_type: 'flow',
    payload: {
      ...(columns.cell[row] === 0 ? {} : { cell: texts[columns.cell[row]!] }),
      application: texts[columns.application[row]!],
      protocol: texts[columns.protocol[row]!],
      bytes_up: columns.bytesUp[row],
      bytes_down: columns.bytesDown[row],
      packets_up: columns.packetsUp[row],
      packets_down: columns.packetsDown[row],
      flow_start: Math.round(endMs - durationMs),
      flow_end: Math.round(endMs),
    },
  }
}
