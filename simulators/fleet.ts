/**
 * The connections of a run: each region's sites are spread over its agents, each agent's over a handful of connections. Keeps the count
 * of what was published and acknowledged, and gives up only when an agent is away so long that its bounded queue is full: that is counted
 * as dropped and said.
 */

import { type Family, families } from '#shared/families.ts'
import type { Publication } from './adapters/mqtt-publisher.ts'
import type { Message } from './delivery.ts'

export interface Target {
  readonly region: string
  /** One URL per agent. */
  readonly mqtt: readonly string[]
}

/** What the fleet needs of a connection. */
export interface Publisher {
  readonly held: number
  readonly resent: number
  readonly connected: boolean
  open(): void
  publish(publication: Publication): void
  close(): Promise<void>
}

export interface FleetCounts {
  /** Events handed to connections, repeats included. */
  published: number
  /** Of these, repeats of an event that went out before: the agents should accept `published − repeats` events. */
  repeats: number
  acknowledged: number
  /** Given up because an agent's queue was full. */
  dropped: number
  readonly byFamily: Record<Family, number>
}

export interface FleetOptions {
  readonly connectionsPerAgent: number
  /** Events held for one agent at most. */
  readonly holdPerAgent: number
  /** Events per message; 1 sends single objects. */
  readonly arraySize: number
  readonly connect: (url: string, name: string) => Publisher
}

interface Agent {
  readonly publishers: readonly Publisher[]
  heldEvents: number
  /** Per source, while arrays fill. */
  readonly filling: Map<string, { family: Family; source: string; site: number; texts: string[] }>
}

export class Fleet {
  readonly counts: FleetCounts
  readonly #agents: readonly (readonly Agent[])[]
  readonly #arraySize: number
  readonly #hold: number

  /** `regions` in the simulation's order; `targets` may name them in any. */
  constructor(regions: readonly string[], targets: readonly Target[], options: FleetOptions) {
    this.counts = {
      published: 0,
      repeats: 0,
      acknowledged: 0,
      dropped: 0,
      byFamily: Object.fromEntries(families.map((family) => [family, 0])) as Record<Family, number>,
    }
    this.#arraySize = options.arraySize
    this.#hold = options.holdPerAgent
    this.#agents = regions.map((region) =>
      targets
        .filter((target) => target.region === region)
        .flatMap((target) => target.mqtt)
        .map((url, agent) => ({
          publishers: Array.from({ length: options.connectionsPerAgent }, (_, nth) =>
            options.connect(url, `sim-${region}-${agent + 1}-${nth + 1}`),
          ),
          heldEvents: 0,
          filling: new Map(),
        })),
    )
  }

  open(): void {
    for (const publisher of this.#publishers()) publisher.open()
  }

  get connected(): number {
    return this.#publishers().filter((publisher) => publisher.connected).length
  }

  get size(): number {
    return this.#publishers().length
  }

  /** Events handed over and not acknowledged. */
  get held(): number {
    return this.#agents.flat().reduce((sum, agent) => sum + agent.heldEvents, 0)
  }

  get resent(): number {
    return this.#publishers().reduce((sum, publisher) => sum + publisher.resent, 0)
  }

  send(message: Message): void {
    const agents = this.#agents[message.region]!
    if (agents.length === 0) return
    const agent = agents[message.site % agents.length]!
    if (agent.heldEvents >= this.#hold) {
      this.counts.dropped++
      return
    }
    this.counts.byFamily[message.family]++
    this.counts.published++
    if (message.duplicate) this.counts.repeats++
    agent.heldEvents++
    const { family, source, site, text } = message
    if (this.#arraySize === 1) {
      this.#publish(agent, site, `tributary/v1/${family}/${source}`, text, 1)
      return
    }
    const key = `${family}/${source}`
    let filling = agent.filling.get(key)
    if (filling === undefined) {
      filling = { family, source, site, texts: [] }
      agent.filling.set(key, filling)
    }
    filling.texts.push(text)
    if (filling.texts.length >= this.#arraySize) this.#flushArray(agent, key)
  }

  /** Sends arrays that are not full. */
  flush(): void {
    for (const agent of this.#agents.flat()) for (const key of [...agent.filling.keys()]) this.#flushArray(agent, key)
  }

  async close(): Promise<void> {
    await Promise.all(this.#publishers().map((publisher) => publisher.close()))
  }

  #flushArray(agent: Agent, key: string): void {
    const { family, source, site, texts } = agent.filling.get(key)!
    agent.filling.delete(key)
    this.#publish(agent, site, `tributary/v1/${family}/${source}`, `[${texts.join(',')}]`, texts.length)
  }

  #publish(agent: Agent, site: number, topic: string, text: string, events: number): void {
    // A site keeps to one connection, so its events arrive in order.
    const publisher = agent.publishers[Math.floor(site / 7) % agent.publishers.length]!
    const acknowledged = () => {
      agent.heldEvents -= events
      this.counts.acknowledged += events
    }
    publisher.publish({ topic, text, acknowledged })
  }

  #publishers(): Publisher[] {
    return this.#agents.flat().flatMap((agent) => agent.publishers)
  }
}
