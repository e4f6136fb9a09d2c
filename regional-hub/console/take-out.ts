/** What is shown, as a file or as a command: the same question to the same API, in another form. */
import { query } from './ask-hub.ts'
import type { Console } from './console-model.ts'
import { selection } from './place.ts'

/** The address whose answer is what the view shows. */
export function addressShown({ place, shown, past }: Console): string {
  const { view, severity, show, hours, compare } = place.value
  const { kind, id } = selection(place.value)
  const toMs = past.value === null ? undefined : shown.value.timeMs
  const time = toMs === undefined ? undefined : new Date(toMs).toISOString()
  if (view === 'alerts')
    return `/api/alerts${query({ severity, status: show === 'unacknowledged' ? 'active' : undefined, to: time, limit: 1000 })}`
  if (view === 'sites') return '/api/agents'
  if (view === 'fences') return '/api/fences'
  if (view === 'incidents') return '/api/incidents'
  if (view === 'cells') {
    const from = new Date((toMs ?? Date.now()) - hours * 3600_000).toISOString()
    const bucket = hours > 24 ? '1h' : hours > 1 ? '5m' : '1m'
    return `/api/kpis${query({ from, to: time, bucket, groupBy: 'cell', cell: compare.length === 1 ? compare[0] : undefined })}`
  }
  if (kind === 'subscriber') return `/api/subscribers/${id}/track`
  return time === undefined ? '/api/subscribers?limit=2000' : `/api/at?time=${time}`
}

export function exportShown(console: Console, format: 'csv' | 'parquet'): void {
  const address = addressShown(console)
  if (address.startsWith('/api/at')) {
    console.tell('A moment of the past is not a table: save it as an incident, or choose a list.', true)
    return
  }
  const link = document.createElement('a')
  link.href = `${address}${address.includes('?') ? '&' : '?'}format=${format}`
  link.download = ''
  link.click()
}

export async function copyAsCurl(console: Console): Promise<void> {
  const words = `curl -s '${location.origin}${addressShown(console)}'`
  try {
    await navigator.clipboard.writeText(words)
    console.tell('Copied as curl.')
  } catch {
    console.tell(words)
  }
}
