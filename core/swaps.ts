/**
 * When a number's SIM or device last changed, as the CAMARA swap services ask it: on changes seen. A first sighting is no swap, for a collector
 * cannot see activations. Pure but for history.
 *
 * SIM: the hub's sim-swaps (and toggles: back to an earlier SIM is a change of SIM, too) of the number. Device: the hub's device swaps and
 * toggles of the SIMs while they bore the number, and a SIM swap whose two SIMs were last and first seen in different devices: for the number
 * that is another device, though neither SIM moved.
 */
import type { Binding, History, SimMovement } from './ports.ts'
import { type Span, simDevice } from './resolve-number.ts'

const simChanges: readonly string[] = ['sim-swap', 'sim-toggle']
const deviceChanges: readonly string[] = ['device-swap', 'device-toggle']

export function lastSimChangeMs(movements: readonly SimMovement[], number: string): number | undefined {
  return latestOf(movements.filter((one) => simChanges.includes(one.type) && one.number === number).map((one) => one.timeMs))
}

export async function lastDeviceChangeMs(
  history: History,
  tenant: string,
  movements: readonly SimMovement[],
  number: string,
  spans: readonly Span[],
): Promise<number | undefined> {
  const times = movements.filter((one) => deviceChanges.includes(one.type)).map((one) => one.timeMs)
  for (const swap of movements.filter((one) => simChanges.includes(one.type) && one.number === number)) {
    const before = (await history.bindingsFrom(tenant, simDevice, swap.before)).filter((one) => one.firstMs <= swap.timeMs)
    const after = (await history.bindingsFrom(tenant, simDevice, swap.after)).filter((one) => one.lastMs >= swap.timeMs)
    const last = newest(before)
    const first = after.sort((a, b) => a.firstMs - b.firstMs)[0]
    const isBorne = spans.some((span) => span.who === swap.after)
    if (isBorne && last !== undefined && first !== undefined && last.to !== first.to) times.push(Math.max(swap.timeMs, first.firstMs))
  }
  return latestOf(times)
}

function newest(bindings: readonly Binding[]): Binding | undefined {
  return [...bindings].sort((a, b) => b.lastMs - a.lastMs)[0]
}

function latestOf(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.max(...times)
}
