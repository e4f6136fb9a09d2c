/**
 * From a phone number's pseudonym to the subscribers that bore it, each with the span of time it did: a number moves between SIMs, and a SIM
 * may later bear another number, whose owner's whereabouts must not be told to someone who asks for the first.
 *
 * A binding holds from its first sighting until the number is first seen on another SIM, or, after its last sighting, until another number is
 * first seen on its SIM. The first binding reaches back to the SIM's previous number, if any: a SIM is often seen before its number is.
 * The number's own pseudonym is always among the answers: what no SIM was known for is kept under it.
 */
import type { Binding, History, Range } from './ports.ts'

export interface Span extends Range {
  readonly who: string
}

export const numberSim = 0
export const simDevice = 1

export async function resolveNumber(history: History, tenant: string, number: string): Promise<readonly Span[]> {
  const own: Span = { who: number, fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY }
  const bindings = mergeRegions(await history.bindingsFrom(tenant, numberSim, number))
  const spans: Span[] = []
  for (const [at, binding] of bindings.entries()) {
    const others = (await history.bindingsTo(tenant, numberSim, binding.to)).filter((one) => one.from !== number)
    const next = bindings.slice(at + 1).find((one) => one.to !== binding.to && one.lastMs > binding.lastMs)
    const taken = others.filter((one) => one.firstMs > binding.lastMs).map((one) => one.firstMs)
    const before = others.filter((one) => one.firstMs < binding.firstMs).map((one) => Math.min(one.lastMs + 1, binding.firstMs))
    const fromMs = at === 0 ? Math.max(Number.NEGATIVE_INFINITY, ...before) : binding.firstMs
    const outlived = bindings.slice(0, at).some((one) => one.to !== binding.to && one.lastMs > binding.lastMs) // a short visit to another SIM
    const toMs = outlived ? binding.lastMs + 1 : Math.min(next?.firstMs ?? Number.POSITIVE_INFINITY, ...taken)
    if (fromMs < toMs) spans.push({ who: binding.to, fromMs, toMs: Math.max(toMs, binding.lastMs + 1) })
  }
  return [...spans, own]
}

/** Hubs of several regions report one binding each: one interval per pair that touches or overlaps, in order of first sighting. */
function mergeRegions(bindings: readonly Binding[]): Binding[] {
  const merged: Binding[] = []
  for (const binding of [...bindings].sort((a, b) => a.firstMs - b.firstMs || a.lastMs - b.lastMs)) {
    const last = merged.at(-1)
    if (last !== undefined && last.to === binding.to) merged[merged.length - 1] = { ...last, lastMs: Math.max(last.lastMs, binding.lastMs) }
    else merged.push(binding)
  }
  return merged
}
