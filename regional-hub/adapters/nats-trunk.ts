/**
 * The trunk as a JetStream stream on the core's server, reached through the leaf. That server syncs on every write, so its acknowledgement is
 * the trunk's word. `Nats-Msg-Id` is a hint that saves a second copy after a lost acknowledgement; nothing relies on it.
 *
 * Who appends keeps the order when one of several in flight fails: it sends that one and everything after it again.
 */
import { JetStreamApiError, jetstream } from '@nats-io/jetstream'
import { headers as natsHeaders } from '@nats-io/transport-node'
import { type NatsConnection, unavailable } from '#shared/adapters/nats-connection.ts'
import { headers, subjects } from '#shared/control.ts'
import type { Trunk, TrunkItem } from '#shared/ports.ts'

/** The frame is larger than any server of this network takes. */
export class FrameTooLarge extends Error {}

const ackTimeoutMs = 4_000
/** The server's headers and subject count as well. */
const overheadBytes = 1024

export class NatsTrunk implements Trunk {
  readonly #connection: NatsConnection
  readonly #client: ReturnType<typeof jetstream>

  constructor(connection: NatsConnection) {
    this.#connection = connection
    this.#client = jetstream(connection, { timeout: ackTimeoutMs })
  }

  async append({ tenant, region, topic, hubEpoch, frame, key }: TrunkItem): Promise<void> {
    const limit = this.#connection.info?.max_payload ?? Number.POSITIVE_INFINITY
    if (frame.length + overheadBytes > limit)
      throw new FrameTooLarge(`a frame of ${frame.length} octets for ${topic}; the server takes ${limit}`)
    const header = natsHeaders()
    header.set(headers.topic, topic)
    header.set(headers.region, region)
    header.set(headers.hubEpoch, String(hubEpoch))
    if (key !== undefined) header.set(headers.key, key)
    try {
      await this.#client.publish(subjects.trunk(tenant, topic), frame, { headers: header, timeout: ackTimeoutMs, retries: 0 })
    } catch (error) {
      // A full or misconfigured stream is mended at the core, not here: nothing the server says makes this frame worthless.
      throw unavailable(error, error instanceof JetStreamApiError ? `the trunk refused ${topic}` : `trunk ${topic}`)
    }
  }
}
