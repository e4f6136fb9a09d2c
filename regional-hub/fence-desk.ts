/**
 * Fences drawn at this region's console: in force here at once, on disk before anybody is told so, and told to the core and the other regions as soon
 * as the uplink is there. The highest revision wins; whoever comes second with the same one takes what stands.
 */
import type { Fence } from '#shared/control.ts'
import type { FenceItem } from './console-api.ts'

export interface FenceDeskDeps {
  readonly store: {
    queueFence(fence: Fence): void
    untoldFences(): readonly Fence[]
    fenceTold(fence: Fence): void
  }
  /** A pseudonym's text. */
  readonly textOf: (hex: string) => string
  readonly known: () => ReadonlyMap<string, Fence>
  readonly apply: (fence: Fence) => void
  /** Resolves with the fence that stands in its place when that is as new or newer; rejects while nobody is there. */
  readonly tell: (fence: Fence) => Promise<Fence | undefined>
}

export class FenceDesk {
  readonly #deps: FenceDeskDeps
  #telling: Promise<void> | undefined
  #isResumed = false

  constructor(deps: FenceDeskDeps) {
    this.#deps = deps
  }

  save(fence: Omit<Fence, 'revision'>): Fence {
    const { store, known, apply } = this.#deps
    const waiting = store.untoldFences().find(({ id }) => id === fence.id)
    const saved: Fence = { ...fence, revision: Math.max(known().get(fence.id)?.revision ?? 0, waiting?.revision ?? 0) + 1 }
    store.queueFence(saved)
    apply(saved)
    void this.tell()
    return saved
  }

  /** As the console shows them. */
  shown(): readonly FenceItem[] {
    const waiting = new Map(this.#deps.store.untoldFences().map((fence) => [fence.id, fence.revision]))
    return [...this.#deps.known().values()].filter(({ deleted }) => !deleted).map((fence) => this.item(fence, waiting))
  }

  item(
    { segment, ...fence }: Fence,
    waiting = new Map(this.#deps.store.untoldFences().map(({ id, revision }) => [id, revision])),
  ): FenceItem {
    const people = segment?.map((hex) => this.#deps.textOf(hex))
    return { ...fence, ...(people !== undefined && { segment: people }), isTold: (waiting.get(fence.id) ?? 0) < fence.revision }
  }

  /** What waits is in force here, also after a restart; one round of telling at a time, and what fails is told again later. */
  tell(): Promise<void> {
    if (!this.#isResumed) {
      for (const fence of this.#deps.store.untoldFences()) this.#deps.apply(fence)
      this.#isResumed = true
    }
    this.#telling ??= this.#tellAll()
      .catch(() => {})
      .finally(() => {
        this.#telling = undefined
      })
    return this.#telling
  }

  async #tellAll(): Promise<void> {
    const { store, tell, apply } = this.#deps
    for (const fence of store.untoldFences()) {
      const standing = await tell(fence)
      store.fenceTold(fence)
      if (standing !== undefined) apply(standing)
    }
  }
}
