/**
 * The part of aedes' persistence that a broker for publishers needs: nothing is stored here. What makes QoS 2 exactly-once, the packet ids that
 * are taken and not released, is in the journal, committed with the events themselves; PUBCOMP leaves only after the release is on disk,
 * because from then on the device uses the packet id anew.
 *
 * Sessions without state across connections (clean) keep their packet ids in memory, as MQTT-3.1.2-6 has it.
 */
import { Readable } from 'node:stream'
import type { Client } from 'aedes'

interface Packet {
  readonly cmd?: string
  readonly messageId?: number
}

export interface SessionDeps {
  /** Resolves when the packet id may be used anew. */
  readonly released: (client: Client, packetId: number) => Promise<void>
  /** Resolves when nothing of an earlier session of this client id is remembered. */
  readonly ended: (client: Client) => Promise<void>
}

export class MqttSessions {
  readonly #deps: SessionDeps

  constructor(deps: SessionDeps) {
    this.#deps = deps
  }

  async setup(): Promise<void> {}
  async subscriptionsByClient(): Promise<never[]> {
    return []
  }
  async cleanSubscriptions(): Promise<void> {}
  async delWill(): Promise<void> {}
  async putWill(): Promise<void> {}
  async *streamWill(): AsyncIterable<never> {}
  async storeRetained(): Promise<void> {}
  async addSubscriptions(): Promise<void> {}
  async removeSubscriptions(): Promise<void> {}
  async subscriptionsByTopic(): Promise<never[]> {
    return []
  }
  async outgoingEnqueueCombi(): Promise<void> {}
  async outgoingUpdate(): Promise<void> {}
  async outgoingClearMessageId(): Promise<undefined> {
    return undefined
  }
  outgoingStream(): Readable {
    return Readable.from([])
  }
  createRetainedStreamCombi(): Readable {
    return Readable.from([])
  }

  /** A repeated PUBLISH was recognised in intake already; PUBREL always goes on to the release. */
  async incomingGetPacket(_: Client, packet: Packet): Promise<Packet> {
    if (packet.cmd === 'pubrel') return packet
    throw new Error('not kept here')
  }
  async incomingStorePacket(): Promise<void> {}
  async incomingDelPacket(client: Client, packet: Packet): Promise<void> {
    await this.#deps.released(client, packet.messageId ?? 0)
  }
  async cleanIncoming(client: Client): Promise<void> {
    await this.#deps.ended(client)
  }
}
