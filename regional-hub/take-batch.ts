/**
 * What happens to one message of the inbox: ledger → decode → detect → route. Synchronous; no wire and no disk of its own.
 *
 * Promises: a batch that was taken before changes nothing; octets that are no batch are passed with a dead letter, so that one bad frame
 * stops nobody; what an agent sent goes to the trunk as it came, what the detector found of it follows with the next `flush`.
 */
import { createHash } from 'node:crypto'
import { BatchBuilder } from '#shared/batch-builder.ts'
import { BadFrame, decodeBatch, encodeBatch } from '#shared/batch-codec.ts'
import type { Clock } from '#shared/clock.ts'
import type { Claim } from '#shared/control.ts'
import type { Batch, BatchMeta, Lane } from '#shared/records.ts'
import type { HubReport } from './events.ts'
import type { Ledger } from './ledger.ts'
import type { Detector } from './ports.ts'
import { route } from './route.ts'

export interface IncomingBatch {
  readonly tenant: string
  readonly agent: string
  readonly lane: Lane
  readonly epoch: string
  readonly seq: number
  readonly frame: Uint8Array
}

/** Where things go that leave this stage. */
export interface Outlets {
  /** Waits for the trunk, in order. */
  spool(topic: string, frame: Uint8Array, key: string): void
  /** For the region's own eyes (history, console): every batch that goes to the trunk. The batch is valid during the call. */
  observe(batch: Batch, frame: Uint8Array): void
  claims(claims: readonly Claim[]): void
}

export interface TakeDeps {
  readonly tenant: string
  readonly region: string
  /** It may rise while the hub runs. */
  readonly hubEpoch: () => number
  readonly ledger: Ledger
  readonly detector: Detector
  readonly outlets: Outlets
  readonly clock: Clock
  readonly report: HubReport
}

export class BatchTaker {
  readonly #deps: TakeDeps
  #flushed = true
  /** Sightings taken since the last flush: what the detector adds nothing to goes on in the octets it came in. */
  readonly #came = new Map<Batch, IncomingBatch>()
  #flushes = 0

  constructor(deps: TakeDeps) {
    this.#deps = deps
  }

  /** Something was taken since the last flush. */
  get isDirty(): boolean {
    return !this.#flushed
  }

  take(message: IncomingBatch): void {
    const { ledger, clock, report, tenant } = this.#deps
    if (message.tenant !== tenant) {
      report.foreignMessage(`a batch of tenant ${message.tenant} in the inbox of ${tenant}`)
      return
    }
    const verdict = ledger.take(message, clock.nowMs())
    if (verdict !== 'new') {
      report.batchNotTaken(verdict)
      return
    }
    let batch: Batch
    try {
      batch = decodeBatch(message.frame)
      checkIdentity(batch.meta, message)
    } catch (error) {
      this.putAside(message, error)
      return
    }
    ledger.count(message.agent, batch.rows)
    report.batchTaken(message.lane, batch.kind, batch.rows, message.frame.length)
    this.#pass(batch, message)
    this.#detect(batch, message)
  }

  /** Everything the detector found since the last time goes its ways. */
  flush(): void {
    const { detector, outlets, report } = this.#deps
    this.#flushed = true
    const { batches, claims } = detector.flush()
    for (const batch of batches) {
      const came = this.#came.get(batch)
      if (came !== undefined) this.#passOn(batch, came)
      else if (batch.rows > 0) this.#send(batch)
    }
    this.#came.clear()
    if (claims.length > 0) outlets.claims(claims)
    report.flushed(batches.length, claims.length)
  }

  /** A notice, a fence or a watermark reached the detector. */
  touch(): void {
    this.#flushed = false
  }

  /** The dead letter of a frame: who sent it and what is wrong with it, never its octets. */
  putAside(message: IncomingBatch, error: unknown): void {
    const { clock, report } = this.#deps
    const words = error instanceof Error ? error.message : String(error)
    report.frameRefused(message.agent, message.lane, words)
    const builder = new BatchBuilder('dead-letter', 1)
    const row = builder.add()
    const hash = createHash('sha256').update(keyOf(message)).digest()
    builder.columns.key.set([hash.readUInt32BE(0), hash.readUInt32BE(4)])
    builder.columns.timeMs[row] = clock.nowMs()
    builder.columns.source[row] = builder.code(message.agent)
    builder.columns.reason[row] = builder.code(error instanceof BadFrame ? 'bad-frame' : 'not-processed')
    builder.columns.body[row] = builder.code(`${keyOf(message)}: ${words}`.slice(0, 512))
    this.#send(builder.finish(this.#ownMeta()))
  }

  #pass(batch: Batch, message: IncomingBatch): void {
    if (batch.kind !== 'sighting') this.#passOn(batch, message) // the detector curates those
  }

  #passOn(batch: Batch, message: IncomingBatch): void {
    const { outlets, region } = this.#deps
    const routed = route(batch, region)
    for (const [at, { topic, batch: part }] of routed.entries()) {
      const frame = part === batch ? message.frame : encodeBatch(part)
      outlets.spool(topic, frame, routed.length === 1 ? keyOf(message) : `${keyOf(message)}.${at}`)
    }
    outlets.observe(batch, message.frame)
  }

  #detect(batch: Batch, message: IncomingBatch): void {
    const { detector } = this.#deps
    if (batch.kind !== 'sighting' && batch.kind !== 'event') return
    this.#flushed = false
    try {
      if (batch.kind === 'sighting' && batch.meta.region === this.#deps.region) this.#came.set(batch, message)
      if (batch.kind === 'sighting') detector.sightings(batch as Batch<'sighting'>)
      else detector.events(batch as Batch<'event'>)
    } catch (error) {
      this.putAside(message, error)
    }
  }

  #send(found: Batch): void {
    const { outlets, region } = this.#deps
    const batch = { ...found, meta: this.#ownMeta() }
    for (const { topic, batch: part } of route(batch, region)) {
      const frame = encodeBatch(part)
      outlets.spool(topic, frame, `${region}.${batch.meta.epoch}.${batch.meta.seq}.${topic}`)
      outlets.observe(part, frame)
    }
  }

  #ownMeta(): BatchMeta {
    const { tenant, region, hubEpoch } = this.#deps
    return { tenant, region, agent: '', epoch: String(hubEpoch()), lane: '', seq: ++this.#flushes }
  }
}

function keyOf({ agent, epoch, lane, seq }: IncomingBatch): string {
  return `${agent}.${epoch}.${lane}.${seq}`
}

/** What stands in the frame must be what stands on the message: else one agent could use up another's numbers. */
function checkIdentity(meta: BatchMeta, { tenant, agent, epoch, lane, seq }: IncomingBatch): void {
  if (meta.agent !== agent || meta.epoch !== epoch || meta.lane !== lane || meta.seq !== seq || meta.tenant !== tenant) {
    throw new BadFrame(
      `the frame says ${meta.tenant}/${meta.agent}.${meta.epoch}.${meta.lane}.${meta.seq}, the message ${agent}.${epoch}.${lane}.${seq}`,
    )
  }
}
