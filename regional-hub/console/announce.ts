/** Says new critical alerts to those who listen to the page, politely and at most every few seconds; what was open before says nothing. */
import { effect } from '@preact/signals'
import type { Console } from './console-model.ts'
import { typeWords } from './words.ts'

const everyMs = 5_000

export function announce(console: Console): void {
  let known: Set<string> | undefined
  let fresh: string[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  const say = () => {
    timer = undefined
    console.announced.value =
      fresh.length === 1 ? `New critical alert: ${fresh[0]}.` : `${fresh.length} new critical alerts: ${[...new Set(fresh)].join(', ')}.`
    fresh = []
  }
  effect(() => {
    const { alerts, timeMs } = console.live.value
    if (timeMs === 0) return
    const critical = Object.values(alerts).filter(({ severity, retracted }) => severity === 'critical' && !retracted)
    const before = known
    known = new Set(critical.map(({ id }) => id))
    if (before === undefined) return
    const news = critical.filter(({ id }) => !before.has(id))
    if (news.length === 0) return
    fresh.push(...news.map(({ type }) => typeWords(type)))
    timer ??= setTimeout(say, everyMs / 5)
  })
}
