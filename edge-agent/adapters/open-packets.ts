/**
 * QoS 2 packets between PUBLISH and PUBREL. A repeated PUBLISH has no second effect: of a session that outlives its connection the journal
 * knows the packet (intake looks it up), of a clean one, and while the first is still on its way to disk, this file does.
 */
import { randomUUID } from 'node:crypto'
import type { Client } from 'aedes'
import { packetKey, type SessionIntake } from '../ports.ts'

interface Open {
  settled: boolean
  readonly waiting: ((error?: Error) => void)[]
}

interface Session {
  /** Name under which the journal knows the client. */
  readonly client: string
  readonly persistent: boolean
  readonly packets: Map<number, Open>
}

export class OpenPackets {
  readonly #intake: SessionIntake
  readonly #hashClient: (clientId: string) => string
  readonly #sessions = new WeakMap<Client, Session>()

  constructor(intake: SessionIntake, hashClient: (clientId: string) => string) {
    this.#intake = intake
    this.#hashClient = hashClient
  }

  /** The session when the packet is to be taken; `repeated`: `callback` is called when the first one is settled. */
  take(client: Client, packetId: number, maxOpen: number, callback: (error?: Error) => void): Session | 'repeated' | 'too-many' {
    const session = this.#session(client)
    const open = session.packets.get(packetId)
    if (open !== undefined) {
      if (open.settled) setImmediate(callback)
      else open.waiting.push(callback)
      return 'repeated'
    }
    if (session.packets.size >= maxOpen) return 'too-many'
    session.packets.set(packetId, { settled: false, waiting: [] })
    return session
  }

  settled(client: Client, packetId: number, error?: Error): void {
    const { packets } = this.#session(client)
    const open = packets.get(packetId)
    if (open === undefined) return
    if (error !== undefined) packets.delete(packetId)
    open.settled = true
    for (const callback of open.waiting.splice(0)) callback(error)
  }

  /** PUBREL. Rejects after the connection was cut: a PUBCOMP now would let the device use the packet id for something new. */
  async release(client: Client, packetId: number): Promise<void> {
    const session = this.#session(client)
    if (session.persistent) await this.#release(client, [packetKey(session.client, packetId)])
    session.packets.delete(packetId)
  }

  /** A clean session begins or ends: nothing of an earlier one counts. */
  async end(client: Client): Promise<void> {
    this.#sessions.delete(client)
    const held = this.#intake.packetsOf(this.#hashClient(client.id))
    if (held.length > 0) await this.#release(client, held)
  }

  #release(client: Client, keys: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#intake.releasePackets(keys, (error) => {
        if (error === undefined) return resolve()
        client.conn.destroy(error)
        reject(error)
      })
    })
  }

  #session(client: Client): Session {
    let session = this.#sessions.get(client)
    if (session === undefined) {
      session = { client: client.clean ? randomUUID() : this.#hashClient(client.id), persistent: !client.clean, packets: new Map() }
      this.#sessions.set(client, session)
    }
    return session
  }
}
