/** The trunk's reading side on JetStream: stream TRUNK on the core's server, message by message into deliveries. */
import type { JsMsg } from '@nats-io/jetstream'
import { headers, subjects } from '#shared/control.ts'
import type { TrunkDelivery, TrunkReader } from '#shared/ports.ts'
import { NatsStreamReader, type NatsStreamReaderOptions } from './nats-stream-reader.ts'

const releaseWithinMs = 5_000

export class NatsTrunkReader implements TrunkReader {
  readonly #reader: NatsStreamReader

  constructor(options: Omit<NatsStreamReaderOptions, 'stream' | 'filter'>) {
    this.#reader = new NatsStreamReader({ ...options, stream: 'TRUNK' })
  }

  get generation(): string {
    return this.#reader.generation
  }

  async *read(afterPosition: number, signal: AbortSignal): AsyncIterable<readonly TrunkDelivery[]> {
    for await (const group of this.#reader.read(afterPosition, signal)) yield group.map(deliveryOf)
  }

  release(position: number): Promise<void> {
    return this.#reader.release(position, AbortSignal.timeout(releaseWithinMs))
  }
}

function deliveryOf(message: JsMsg): TrunkDelivery {
  const epoch = Number(message.headers?.get(headers.hubEpoch) ?? 0)
  const tenant = message.subject.split('.')[1] ?? ''
  return {
    position: message.seq,
    tenant,
    region: message.headers?.get(headers.region) ?? '',
    topic: message.subject.slice(subjects.trunk(tenant, '').length),
    hubEpoch: Number.isFinite(epoch) ? epoch : 0,
    frame: message.data,
  }
}
