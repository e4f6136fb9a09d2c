/**
 * Stands between a socket and the broker: reads the fixed header of every packet as octets arrive and closes the connection before the
 * broker's parser buffers what no sensor may send. aedes has no limit on a packet's size, and its parser would hold 256 MiB per connection
 * before anybody is authenticated.
 *
 * It looks through `push`, where a socket's octets come in, and holds `read` back while intake is congested, instead of standing as a stream of
 * its own in between: that would cost every PUBACK a second write queue. Never changes an octet.
 */
import type { Socket } from 'node:net'

export interface GuardLimits {
  /** Remaining length of a CONNECT and of every packet that is no PUBLISH. */
  readonly maxControlBytes: number
  readonly maxPublishBytes: number
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** Octets of unfinished packets over all connections. */
  readonly maxUnfinishedBytes: number
  /** A packet that is not complete after this long closes its connection. */
  readonly packetTimeoutMs: number
}

export const defaultLimits: GuardLimits = {
  maxControlBytes: 16 << 10,
  maxPublishBytes: 256 << 10,
  maxConnections: 4096,
  maxConnectionsPerAddress: 1024,
  maxUnfinishedBytes: 64 << 20,
  packetTimeoutMs: 30_000,
}

export type Breach =
  | 'too-many-connections'
  | 'not-connect'
  | 'packet-too-large'
  | 'malformed-length'
  | 'too-much-unfinished'
  | 'packet-too-slow'

export interface GuardDeps {
  readonly nowMs: () => number
  readonly congested: () => boolean
  readonly whenRelieved: (listener: () => void) => void
  readonly breach: (reason: Breach, address: string) => void
}

const connect = 1
const publish = 3

/** Where in a packet the octets of one connection stand. */
class FrameWatch {
  #type = 0
  #shift = 0
  #length = 0
  #left = 0
  #inHeader = true
  #inLength = false
  #first = true
  unfinished = 0
  sinceMs = 0

  /** The breach these octets commit, if any. */
  watch(chunk: Uint8Array, limits: GuardLimits): Breach | undefined {
    let at = 0
    const end = chunk.length
    while (at < end) {
      if (this.#inHeader) {
        this.#type = chunk[at++]! >>> 4
        if (this.#first && this.#type !== connect) return 'not-connect'
        this.#first = false
        this.#inHeader = false
        this.#inLength = true
        this.#shift = 0
        this.#length = 0
        this.unfinished = 1
      } else if (this.#inLength) {
        const octet = chunk[at++]!
        this.#length += (octet & 127) * 2 ** this.#shift
        this.#shift += 7
        this.unfinished++
        if (octet >= 128) {
          if (this.#shift >= 28) return 'malformed-length'
          continue
        }
        if (this.#length > (this.#type === publish ? limits.maxPublishBytes : limits.maxControlBytes)) return 'packet-too-large'
        this.#inLength = false
        this.#left = this.#length
        if (this.#left === 0) this.#finish()
      } else {
        const taken = Math.min(this.#left, end - at)
        at += taken
        this.#left -= taken
        this.unfinished += taken
        if (this.#left === 0) this.#finish()
      }
    }
    return undefined
  }

  #finish(): void {
    this.#inHeader = true
    this.unfinished = 0
  }
}

interface Guarded {
  readonly socket: Socket
  readonly address: string
  readonly frames: FrameWatch
}

export class MqttGuard {
  readonly #limits: GuardLimits
  readonly #deps: GuardDeps
  readonly #connections = new Set<Guarded>()
  readonly #perAddress = new Map<string, number>()
  #unfinished = 0
  #sweep: NodeJS.Timeout | undefined

  constructor(limits: GuardLimits, deps: GuardDeps) {
    this.#limits = limits
    this.#deps = deps
  }

  get open(): number {
    return this.#connections.size
  }

  start(): void {
    this.#sweep = setInterval(() => this.#closeSlow(), Math.min(5_000, this.#limits.packetTimeoutMs))
    this.#sweep.unref()
  }

  stop(): void {
    clearInterval(this.#sweep)
    for (const { socket } of this.#connections) socket.destroy()
  }

  /** Watches a new connection; false when there are too many: then it is closed already. */
  admit(socket: Socket): boolean {
    const address = socket.remoteAddress ?? ''
    const fromHere = this.#perAddress.get(address) ?? 0
    if (this.#connections.size >= this.#limits.maxConnections || fromHere >= this.#limits.maxConnectionsPerAddress) {
      socket.destroy()
      this.#deps.breach('too-many-connections', address)
      return false
    }
    const guarded: Guarded = { socket, address, frames: new FrameWatch() }
    this.#connections.add(guarded)
    this.#perAddress.set(address, fromHere + 1)
    socket.once('close', () => this.#forget(guarded))
    this.#watchPush(guarded)
    this.#holdReads(socket)
    return true
  }

  #watchPush(guarded: Guarded): void {
    const { socket, frames } = guarded
    const push = socket.push
    socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk instanceof Uint8Array) {
        const before = frames.unfinished
        const breach = frames.watch(chunk, this.#limits) ?? (this.#account(frames, before) ? undefined : 'too-much-unfinished')
        if (breach !== undefined) {
          this.#close(guarded, breach)
          return false
        }
      }
      return push.call(socket, chunk, encoding)
    }
  }

  #account(frames: FrameWatch, before: number): boolean {
    if (frames.unfinished === before) return true
    if (before === 0 || frames.unfinished < before) frames.sinceMs = this.#deps.nowMs()
    this.#unfinished += frames.unfinished - before
    return this.#unfinished <= this.#limits.maxUnfinishedBytes
  }

  /** The broker asks for everything there is (`read(null)`); Node's own `read(0)` passes. */
  #holdReads(socket: Socket): void {
    const read = socket.read
    let waiting = false
    socket.read = (size?: number) => {
      if (size !== 0 && this.#deps.congested()) {
        if (!waiting) {
          waiting = true
          this.#deps.whenRelieved(() => {
            waiting = false
            if (!socket.destroyed) setImmediate(() => socket.emit('readable'))
          })
        }
        return null
      }
      return read.call(socket, size)
    }
  }

  #closeSlow(): void {
    const nowMs = this.#deps.nowMs()
    for (const guarded of this.#connections) {
      const { unfinished, sinceMs } = guarded.frames
      if (unfinished > 0 && nowMs - sinceMs > this.#limits.packetTimeoutMs) this.#close(guarded, 'packet-too-slow')
    }
  }

  #close(guarded: Guarded, breach: Breach): void {
    this.#forget(guarded)
    guarded.socket.destroy()
    this.#deps.breach(breach, guarded.address)
  }

  #forget(guarded: Guarded): void {
    if (!this.#connections.delete(guarded)) return
    this.#unfinished -= guarded.frames.unfinished
    guarded.frames.unfinished = 0
    const left = (this.#perAddress.get(guarded.address) ?? 1) - 1
    if (left > 0) this.#perAddress.set(guarded.address, left)
    else this.#perAddress.delete(guarded.address)
  }
}
