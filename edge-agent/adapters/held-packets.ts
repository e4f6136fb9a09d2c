/** The QoS 2 packets that were taken and not released, by client: what the newest segment's table says, in memory. */
export class HeldPackets {
  readonly #byClient = new Map<string, Set<string>>()

  reset(keys: Iterable<string>): void {
    this.#byClient.clear()
    for (const key of keys) this.hold(key)
  }

  hold(key: string): void {
    const client = clientOf(key)
    const held = this.#byClient.get(client)
    if (held === undefined) this.#byClient.set(client, new Set([key]))
    else held.add(key)
  }

  letGo(key: string): void {
    const client = clientOf(key)
    const held = this.#byClient.get(client)
    if (held?.delete(key) && held.size === 0) this.#byClient.delete(client)
  }

  has(key: string): boolean {
    return this.#byClient.get(clientOf(key))?.has(key) ?? false
  }

  of(client: string): readonly string[] {
    return [...(this.#byClient.get(client) ?? [])]
  }

  all(): readonly string[] {
    return [...this.#byClient.values()].flatMap((keys) => [...keys])
  }
}

function clientOf(key: string): string {
  return key.slice(0, key.indexOf('\0'))
}
