/**
 * The hub, in the order a batch travels. Start reading here.
 *
 *   inbox ──▶ ledger ──▶ decode ──▶ detect ──▶ route ──▶ spool ──▶ trunk
 *     ▲                                │                   │
 *     └── watermark ◀── snapshot ◀─────┴──── history, console
 *
 * Promise: an agent hears that its rows may be freed only when they are in this hub's fsynced snapshot and everything they led to is durably
 * the trunk's. A hub that is killed begins again at its snapshot and reads the inbox from the cursor in it; a second hub of the same region
 * ends the first. While the core is away detection and console go on, and what is for the trunk waits in the spool.
 */
import type { Fence, Notice, Triage } from '#shared/control.ts'
import type { Component } from '#shared/ports.ts'
import { pump } from '#shared/pump.ts'
import { sleep } from '#shared/retry.ts'
import type { NatsClaims } from './adapters/nats-claims.ts'
import type { InboxMessage } from './adapters/nats-inbox.ts'
import type { SqliteSpool } from './adapters/sqlite-spool.ts'
import { Checkpointer } from './checkpoint.ts'
import { SpoolDrain } from './drain-spool.ts'
import { followControls, followNotices } from './follow-core.ts'
import { Herald } from './herald.ts'
import { HubState } from './hub-state.ts'
import type { PipelineConfig, PipelineDeps, PipelineEnds } from './pipeline-ends.ts'
import type { Detector, StreamCursor } from './ports.ts'
import { BatchTaker } from './take-batch.ts'

const flushEveryMs = 20
const tickMs = 250
const trunkBytesInFlight = 8 << 20
/** Batches of these lanes show what they led to at once. */
const urgentLanes = new Set(['alarm', 'movement'])

export class HubPipeline implements Component {
  readonly name = 'pipeline'
  readonly state: HubState
  readonly #config: PipelineConfig
  readonly #deps: PipelineDeps
  readonly #abort = new AbortController()
  readonly #reading = new AbortController()
  #ends!: PipelineEnds
  #detector!: Detector
  #taker!: BatchTaker
  #drain!: SpoolDrain
  #checkpoints!: Checkpointer
  #herald!: Herald
  #tasks: Promise<unknown>[] = []
  #isRunning = false
  #lastFlushMs = 0

  constructor(config: PipelineConfig, deps: PipelineDeps) {
    this.#config = config
    this.#deps = deps
    this.state = new HubState(config.roster)
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  get detector(): Detector | undefined {
    return this.#detector
  }

  get spool(): SqliteSpool | undefined {
    return this.#ends?.spool
  }

  async start(signal: AbortSignal): Promise<void> {
    const { report, createDetector } = this.#deps
    signal.addEventListener('abort', () => this.#abort.abort(), { once: true })
    this.#ends = await this.#deps.connect(signal)
    const { inbox, epoch, spool, snapshots } = this.#ends
    const found = await snapshots.read()
    this.state.hubEpoch = await epoch.take(found?.header.hubEpoch ?? 0, signal)
    this.#detector = createDetector(this.state.hubEpoch)
    if (found !== undefined) {
      this.state.restore(found.parts, this.#detector, report)
      report.restored(
        `${found.isPrevious ? 'the snapshot before the last' : 'snapshot'} of epoch ${found.header.hubEpoch}, inbox position ${this.state.inboxCursor.position}`,
      )
    }
    if (this.#ends.spoolWasLost) this.state.forgetTaken()
    spool.open(found === undefined ? undefined : this.state.spoolHead)
    this.#assemble()
    await inbox.prepare(signal)
    if (found !== undefined) this.state.watermarks.snapshotted(this.state.marks(), this.state.spoolHead)
    this.state.watermarks.acknowledged(spool.acknowledged)
    this.#run()
    this.#isRunning = true
  }

  async stop(deadlineMs: number): Promise<void> {
    if (!this.#isRunning) return
    this.#isRunning = false
    this.#reading.abort()
    this.#taker.flush()
    await this.#drain.drained(deadlineMs * 0.5)
    await this.#checkpoints.take()
    this.#herald.tellWatermarks()
    this.#abort.abort()
    await Promise.allSettled(this.#tasks)
    this.#ends.spool.close()
  }

  /** A person's word on an alert, from this region's console or from elsewhere. */
  async publishTriage(triage: Triage): Promise<void> {
    await this.#ends.claims.publishTriage(triage)
  }

  /** A fence drawn here: in force with the next position. */
  setFence(fence: Fence): void {
    this.#fenced(fence)
  }

  /** Resolves with what stands there when that is as new or newer. */
  publishFence(fence: Fence): Promise<Fence | undefined> {
    return this.#ends.claims.publishFence(fence)
  }

  #assemble(): void {
    const { tenant, region, snapshotIntervalMs, trunkInFlight } = this.#config
    const { observer, clock, report, die } = this.#deps
    const { inbox, spool, snapshots, trunk } = this.#ends
    const { state } = this
    this.#taker = new BatchTaker({
      tenant,
      region,
      hubEpoch: () => state.hubEpoch,
      ledger: state.ledger,
      detector: this.#detector,
      clock,
      report,
      outlets: {
        spool: (topic, frame, key) => {
          spool.push(topic, frame, key)
          this.#drain.poke()
        },
        observe: (batch, frame) => observer.batch(batch, frame),
        claims: (claims) => {
          const dropped = state.claims.push(claims)
          if (dropped > 0) report.claimsDropped(dropped)
        },
      },
    })
    this.#drain = new SpoolDrain({
      spool,
      trunk,
      address: state.addressOf(tenant, region),
      maxInFlight: trunkInFlight,
      maxBytesInFlight: trunkBytesInFlight,
      onAcknowledged: (id) => {
        report.trunkAcknowledged(1)
        if (state.watermarks.acknowledged(id)) this.#herald.tellWatermarks()
      },
      onUnavailable: (error, attempt) => report.trunkUnavailable(error.message, attempt),
      onRefused: ({ topic }, error) => report.trunkRefusedForGood(topic, error.message),
    })
    this.#herald = new Herald({
      tenant,
      region,
      state,
      observer,
      clock,
      spool,
      tell: (agent, watermark) => inbox.tell(agent, watermark),
      pushed: () => this.#drain.poke(),
      moved: (timeMs) => {
        this.#detector.watermark(timeMs)
        this.#taker.touch()
      },
    })
    this.#checkpoints = new Checkpointer({
      intervalMs: snapshotIntervalMs,
      clock,
      report,
      capture: () => {
        this.#taker.flush()
        return state.capture({ tenant, region, takenMs: clock.nowMs() }, this.#detector, spool.head)
      },
      persistSpool: () => spool.persist(),
      flushHistory: () => observer.flush(),
      write: (header, parts) => snapshots.write(header, parts),
      written: ({ marks, spoolHead }, previous) => {
        if (state.watermarks.snapshotted(marks, spoolHead)) this.#herald.tellWatermarks()
        inbox.release(previous).catch((error) => report.readerRetried('INBOX', error)) // the next snapshot releases more
      },
      die,
    })
  }

  #run(): void {
    const { die } = this.#deps
    const { inbox, claims } = this.#ends
    const { signal } = this.#abort
    this.#drain.start(signal)
    const unsubscribe = inbox.onBeat((beat) => {
      this.state.progress.heard(beat, this.#deps.clock.nowMs())
      this.#ends.epoch.heard(beat.hubEpoch ?? 0)
    })
    signal.addEventListener('abort', unsubscribe, { once: true })
    const reading = pump<InboxMessage>({
      source: inbox.read(this.state.inboxCursor, this.#reading.signal),
      work: (message) => this.#take(message),
      settle: () => {},
      maxInFlight: 1,
      signal: this.#reading.signal,
      onPoison: (message, error) => this.#taker.putAside(message, error),
    })
    this.#tasks = [reading, this.#checkpoints.loop(signal), this.#everyTick(signal), ...this.#followCore(claims, signal)]
    for (const task of this.#tasks) task.catch((error) => !signal.aborted && die(error))
  }

  #followCore(claims: NatsClaims, signal: AbortSignal): readonly Promise<void>[] {
    const { report, observer } = this.#deps
    for (const fence of this.state.fences.values()) this.#detector.fence(fence)
    const noticed = (notice: Notice, cursor: StreamCursor) => {
      this.#detector.notice(notice)
      this.state.noticeCursor = cursor
      this.#taker.touch()
      this.#flush(this.#deps.clock.monotonicMs())
    }
    const refused = (words: string) => report.foreignMessage(words)
    return [
      claims.send(this.state.claims, signal),
      followNotices(claims.notices(this.state.noticeCursor, signal), noticed, refused),
      followControls(claims.controls(signal), {
        fenced: (fence) => this.#fenced(fence),
        triaged: (triage) => observer.triage(triage),
        refused,
      }),
    ]
  }

  /** Waits only when too much waits for the trunk or for history. */
  async #take(message: InboxMessage): Promise<void> {
    const { observer, clock, report } = this.#deps
    const { spool } = this.#ends
    if (spool.full) report.spoolFull(spool.bytes)
    while (spool.full || !observer.hasRoom()) await sleep(100, this.#reading.signal)
    if (this.state.isNewUnenrolled(message.agent)) report.notEnrolled(message.agent)
    this.#taker.take(message)
    this.state.inboxCursor = message.cursor
    const nowMs = clock.monotonicMs()
    if (urgentLanes.has(message.lane) || message.pending === 0 || nowMs - this.#lastFlushMs >= flushEveryMs) this.#flush(nowMs)
  }

  #flush(nowMs: number): void {
    if (!this.#taker.isDirty) return
    this.#lastFlushMs = nowMs
    this.#taker.flush()
  }

  async #everyTick(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps
    let lastSecondMs = Number.NEGATIVE_INFINITY
    while (!signal.aborted) {
      const nowMs = clock.monotonicMs()
      this.#herald.moveTime()
      this.#flush(nowMs)
      if (nowMs - lastSecondMs >= 1000 - tickMs / 2) {
        lastSecondMs = nowMs
        this.#herald.tellProgress()
        this.#herald.tellWatermarks()
        this.state.hubEpoch = await this.#ends.epoch.check()
      }
      await sleep(tickMs, signal).catch(() => {})
    }
  }

  #fenced(fence: Fence): void {
    const known = this.state.fences.get(fence.id)
    if (known !== undefined && known.revision > fence.revision) return
    this.#detector.fence(fence)
    this.state.fences.set(fence.id, fence)
    this.#taker.touch()
  }
}
