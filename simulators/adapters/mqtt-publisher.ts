/**
 * One connection to one agent, QoS 1, by mqtt.js. Owns what it was handed until the broker's PUBACK.
 *
 * mqtt.js keeps what is published offline in memory, apart from its store, and resends by rules of its own; to count acknowledgements
 * exactly this file keeps the unacknowledged itself: a lost connection is thrown away, a new one is made after a pause with jitter, for
 * ever, and everything unacknowledged is published again in order (the same text, so the same event_id).
 */
import { connect, type MqttClient } from 'mqtt'

export interface Publication {
  readonly topic: string
  readonly text: string
  /** Called once, when the broker has acknowledged it. */
  readonly acknowledged: () => void
}

export interface MqttPublisherOptions {
  readonly url: string
  readonly clientId: string
  readonly user?: string | undefined
  readonly password?: string | undefined
  /** Published and not acknowledged; more waits its turn. */
  readonly maxInFlight: number
  /** For the jitter of pauses only; never part of what is sent. */
  readonly random: () => number
  readonly onConnection?: (up: boolean, reason: string) => void
}

const connectTimeoutMs = 5_000
const maxPauseMs = 3_000

export class MqttPublisher {
  resent = 0
  readonly #options: MqttPublisherOptions
  readonly #waiting: Publication[] = []
  #waitingFrom = 0
  readonly #inFlight = new Set<Publication>()
  #client: MqttClient | undefined
  #up = false
  #closed = false
  #failures = 0
  #pause: NodeJS.Timeout | undefined

  constructor(options: MqttPublisherOptions) {
    this.#options = options
  }

  /** Handed over and not acknowledged yet. */
  get held(): number {
    return this.#inFlight.size + this.#waiting.length - this.#waitingFrom
  }

  get connected(): boolean {
    return this.#up
  }

  open(): void {
    const { url, clientId, user, password } = this.#options
    const client = connect(url, {
      clientId,
      username: user,
      password,
      clean: true,
      protocolVersion: 4,
      keepalive: 20,
      reconnectPeriod: 0,
      connectTimeout: connectTimeoutMs,
      resubscribe: false,
    })
    this.#client = client
    let reason = 'closed by the other side'
    client.on('connect', () => {
      if (client !== this.#client) return
      this.#up = true
      this.#failures = 0
      this.#options.onConnection?.(true, '')
      const again = [...this.#inFlight]
      this.resent += again.length
      for (const publication of again) this.#send(publication)
      this.#fill()
    })
    client.on('error', (error) => {
      reason = error.message
    })
    client.on('close', () => {
      if (client === this.#client) this.#reconnect(reason)
    })
  }

  publish(publication: Publication): void {
    if (this.#up && this.#inFlight.size < this.#options.maxInFlight && this.#waiting.length === 0) {
      this.#inFlight.add(publication)
      this.#send(publication)
    } else this.#waiting.push(publication)
  }

  /** Ends the connection; what is not acknowledged stays counted in `held`. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#pause)
    const client = this.#client
    this.#client = undefined
    const wasUp = this.#up
    this.#up = false
    await client?.endAsync(!wasUp).catch(() => {})
  }

  #reconnect(reason: string): void {
    const client = this.#client
    this.#client = undefined
    if (this.#up) this.#options.onConnection?.(false, reason)
    this.#up = false
    client?.removeAllListeners()
    client?.on('error', () => {})
    client?.end(true)
    if (this.#closed) return
    const ceiling = Math.min(maxPauseMs, 200 * 2 ** Math.min(this.#failures++, 6))
    this.#pause = setTimeout(() => this.open(), 50 + ceiling * this.#options.random())
  }

  #send(publication: Publication): void {
    const client = this.#client!
    client.publish(publication.topic, publication.text, { qos: 1 }, (error) => {
      // An error, or the answer of a connection that was thrown away: it stays in flight and the next connection sends it again.
      if (error || client !== this.#client || !this.#inFlight.delete(publication)) return
      publication.acknowledged()
      this.#fill()
    })
  }

  #fill(): void {
    while (this.#up && this.#inFlight.size < this.#options.maxInFlight && this.#waitingFrom < this.#waiting.length) {
      const publication = this.#waiting[this.#waitingFrom++]!
      this.#inFlight.add(publication)
      this.#send(publication)
    }
    if (this.#waitingFrom > 1_000 || this.#waitingFrom === this.#waiting.length) {
      this.#waiting.splice(0, this.#waitingFrom)
      this.#waitingFrom = 0
    }
  }
}
