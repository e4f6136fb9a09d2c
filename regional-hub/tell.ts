/**
 * Writes what detection has to tell into record batches for the trunk: alerts, SIM movements, bindings and positions.
 */
import { BatchBuilder } from '#shared/batch-builder.ts'
import { hexToWords } from '#shared/pseudonym.ts'
import { type Batch, type BatchMeta, bindingKinds } from '#shared/records.ts'
import type { PlainBinding } from './judge.ts'
import type { Told } from './outcomes.ts'
import type { RuleContext } from './rule-context.ts'

export class Teller {
  readonly #meta: BatchMeta
  readonly positions = new BatchBuilder('position', 4096)
  readonly #bindings = new BatchBuilder('binding')
  readonly #movements = new BatchBuilder('sim-movement')
  readonly #alerts = new BatchBuilder('alert')

  constructor(meta: BatchMeta) {
    this.#meta = meta
  }

  tell(told: readonly Told[]): void {
    for (const one of told) {
      if (one.outcome.record === 'alert') this.#alert(one)
      else if (one.outcome.record === 'movement') this.#movement(one)
      else this.#binding(one)
    }
  }

  /** Plain bindings, from words to words: they are told every hour for everybody. */
  tellPlain(plain: readonly PlainBinding[], { sims, numbers, devices }: RuleContext): void {
    for (const { kind, from, to, firstMs, lastMs } of plain) {
      const row = this.#bindings.add()
      const { columns } = this.#bindings
      const isNumber = bindingKinds[kind] === 'number-sim'
      columns.kind[row] = kind
      ;(isNumber ? numbers : sims).copy(from, columns.from, row * 4)
      ;(isNumber ? sims : devices).copy(to, columns.to, row * 4)
      columns.firstMs[row] = firstMs
      columns.lastMs[row] = lastMs
      columns.revision[row] = lastMs
      columns.retracted[row] = 0
    }
  }

  /** The batches written since the last call; none that is empty. */
  finish(): Batch[] {
    const builders = [this.positions, this.#bindings, this.#movements, this.#alerts]
    return builders.filter((builder) => builder.rows > 0).map((builder) => builder.finish(this.#meta) as Batch)
  }

  #alert({ outcome, revision, retracted, detectedMs }: Told): void {
    if (outcome.record !== 'alert') return
    const { alert } = outcome
    const row = this.#alerts.add()
    const { columns } = this.#alerts
    hexToWords(outcome.id, columns.id, row * 4)
    columns.type[row] = this.#alerts.code(alert.type)
    columns.severity[row] = this.#alerts.code(alert.severity)
    columns.timeMs[row] = outcome.timeMs
    columns.detectedMs[row] = detectedMs
    columns.revision[row] = revision
    columns.retracted[row] = retracted ? 1 : 0
    hexToWords(alert.subscriber, columns.subscriber, row * 4)
    hexToWords(alert.number, columns.number, row * 4)
    hexToWords(alert.device, columns.device, row * 4)
    columns.cell[row] = this.#alerts.code(alert.cell)
    columns.evidence[row] = this.#alerts.code(JSON.stringify(alert.evidence))
  }

  #movement({ outcome, revision, retracted, detectedMs }: Told): void {
    if (outcome.record !== 'movement') return
    const { movement } = outcome
    const builder = this.#movements
    const row = builder.add()
    const { columns } = builder
    hexToWords(outcome.id, columns.id, row * 4)
    columns.type[row] = builder.code(movement.type)
    columns.timeMs[row] = outcome.timeMs
    columns.detectedMs[row] = detectedMs
    columns.revision[row] = revision
    columns.retracted[row] = retracted ? 1 : 0
    columns.confirmed[row] = movement.confirmed ? 1 : 0
    hexToWords(movement.subscriber, columns.subscriber, row * 4)
    hexToWords(movement.number, columns.number, row * 4)
    hexToWords(movement.before, columns.before, row * 4)
    hexToWords(movement.after, columns.after, row * 4)
    columns.beforeModel[row] = movement.beforeModel
    columns.afterModel[row] = movement.afterModel
    columns.regionBefore[row] = builder.code(movement.regionBefore)
    columns.regionAfter[row] = builder.code(movement.regionAfter)
    columns.cell[row] = builder.code(movement.cell)
  }

  #binding({ outcome, revision, retracted }: Told): void {
    if (outcome.record !== 'binding') return
    const { binding } = outcome
    const row = this.#bindings.add()
    const { columns } = this.#bindings
    columns.kind[row] = binding.kind
    hexToWords(binding.from, columns.from, row * 4)
    hexToWords(binding.to, columns.to, row * 4)
    columns.firstMs[row] = binding.firstMs
    columns.lastMs[row] = binding.lastMs
    columns.revision[row] = revision
    columns.retracted[row] = retracted ? 1 : 0
  }
}
