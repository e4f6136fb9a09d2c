/**
 * The UDP port that flow exporters send to. Datagrams wait in a bounded queue until intake takes them; what does not fit is dropped and counted
 * (UDP has no way to say no; exporters' sequence numbers tell what was lost before us).
 */
import { createSocket, type Socket } from 'node:dgram'
import type { Component } from '#shared/ports.ts'
import type { FlowDecoder, FlowOrigin } from '../decode-flows.ts'
import type { EventBatch } from '../event-batch.ts'
import type { Intake } from '../ports.ts'

export interface UdpFlowsOptions {
  readonly host: string
  readonly port: number
  /** Octets that may wait to be decoded. */
  readonly maxQueuedOctets: number
}

export interface UdpFlowsReport {
  datagramsDropped(datagrams: number): void
  datagramTaken(flows: number): void
  /** The flows of `datagrams` datagrams could not be stored; their exporters will not send them again. */
  flowsLost(datagrams: number, error: Error): void
}

export interface UdpFlowsDeps {
  readonly intake: Intake
  readonly decoder: FlowDecoder
  readonly report: UdpFlowsReport
  readonly nowMs: () => number
}

const receiveBufferOctets = 4 << 20

export class UdpFlows implements Component {
  readonly name = 'netflow'
  readonly #options: UdpFlowsOptions
  readonly #deps: UdpFlowsDeps
  #socket: Socket | undefined
  #queued: { datagram: Buffer; origin: FlowOrigin }[] = []
  #queuedOctets = 0
  #offered = false
  /** Arrival time of the last datagram, epoch ms; 0 before the first. */
  lastArrivalMs = 0

  constructor(options: UdpFlowsOptions, deps: UdpFlowsDeps) {
    this.#options = options
    this.#deps = deps
  }

  get port(): number {
    return this.#socket?.address().port ?? this.#options.port
  }

  async start(): Promise<void> {
    const { host, port } = this.#options
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: receiveBufferOctets })
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (cause) => {
        reject(
          new Error(
            `netflow: UDP ${host}:${port} cannot be bound (${cause.message}); another program holds it (tributary-agent doctor names it): change netflow.port`,
            {
              cause,
            },
          ),
        )
      })
      socket.bind(port, host, resolve)
    })
    socket.on('message', (datagram, { address, port: from }) => this.#queue(datagram, address, from))
    this.#socket = socket
  }

  async stop(): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    if (socket !== undefined) await new Promise<void>((resolve) => socket.close(() => resolve()))
  }

  #queue(datagram: Buffer, address: string, port: number): void {
    this.lastArrivalMs = this.#deps.nowMs()
    if (this.#queuedOctets + datagram.length > this.#options.maxQueuedOctets) {
      this.#deps.report.datagramsDropped(1)
      return
    }
    this.#queued.push({ datagram, origin: { address, port, arrivalMs: this.lastArrivalMs } })
    this.#queuedOctets += datagram.length
    if (this.#offered) return
    this.#offered = true
    let filled = 0
    this.#deps.intake.offerFlows({
      fill: (batch) => {
        filled = this.#fill(batch)
      },
      settle: (error) => {
        if (error !== undefined) this.#deps.report.flowsLost(filled, error)
      },
    })
  }

  #fill(batch: EventBatch): number {
    const queued = this.#queued
    this.#queued = []
    this.#queuedOctets = 0
    this.#offered = false
    for (const { datagram, origin } of queued) {
      const flows = this.#deps.decoder.decode(datagram, origin, batch)
      if (flows >= 0) this.#deps.report.datagramTaken(flows)
    }
    return queued.length
  }
}
