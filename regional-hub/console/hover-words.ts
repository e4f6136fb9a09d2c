/** One line on what the pointer is over. */
import { rsrpDbm } from './cell-levels.ts'
import type { Console } from './console-model.ts'
import { home, selection } from './place.ts'
import { ago, bytes, metres, motionWords, short, typeWords } from './words.ts'

export function hoverWords({ shown, situations, cells }: Console, selected: string): string {
  const { kind, id } = selection({ ...home, selected })
  const state = shown.peek()
  if (kind === 'alert') {
    const alert = state.alerts[id]
    return alert === undefined ? '' : `${typeWords(alert.type)} (${alert.severity}), ${ago(alert.timeMs, state.timeMs)}`
  }
  if (kind === 'situation') {
    const situation = situations.peek().find((one) => one.id === id)
    return situation === undefined
      ? ''
      : `${situation.alertIds.length} alerts, worst ${situation.severity}, latest ${ago(situation.lastMs, state.timeMs)}`
  }
  if (kind === 'subscriber') {
    const position = state.subscribers[id]
    if (position === undefined) return ''
    return `${short(id)}: within ${metres(position.radiusM)}, ${motionWords[position.motion]}, ${ago(position.timeMs, state.timeMs)}`
  }
  const latest = state.cells[id]
  const radio = cells.peek()?.table
  const row = cells.peek()?.rowOf.get(id)
  const what = `${kind === 'site' ? 'Site' : 'Cell'} ${id}${row === undefined || radio === undefined ? '' : ` · ${radio.radios[radio.radio[row]!]}`}`
  if (latest === undefined || kind === 'site') return what
  const dbm = rsrpDbm(latest)
  return `${what} · ${latest.events} events, ${bytes(latest.bytes)}${dbm === null ? '' : `, ${dbm.toFixed(0)} dBm`} in ${latest.widthMs / 1000} s`
}
