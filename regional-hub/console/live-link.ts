/**
 * Follows the hub's stream. The browser resumes with Last-Event-ID by itself while the page is open; where it gives up (a refusal), this opens the
 * stream anew from the last id, so that a gap is filled and nothing is taken twice.
 */
import type { LiveMessage } from '../console-api.ts'

export type LinkState = 'connecting' | 'live' | 'cut'

export interface LinkDeps {
  readonly took: (message: LiveMessage) => void
  readonly changed: (state: LinkState) => void
}

const types: readonly LiveMessage['type'][] = ['state', 'alerts', 'triage', 'positions', 'cells', 'agents']
const retryMs = 3_000

/** Returns what ends it. */
export function followStream({ took, changed }: LinkDeps): () => void {
  let stream: EventSource | undefined
  let lastId = ''
  let timer: ReturnType<typeof setTimeout> | undefined
  const open = () => {
    stream = new EventSource(`/api/stream${lastId === '' ? '' : `?lastEventId=${encodeURIComponent(lastId)}`}`)
    stream.onopen = () => changed('live')
    stream.onerror = () => {
      changed('cut')
      if (stream?.readyState !== EventSource.CLOSED) return
      timer = setTimeout(open, retryMs)
    }
    for (const type of types) {
      stream.addEventListener(type, (event) => {
        lastId = event.lastEventId
        took(JSON.parse(event.data) as LiveMessage)
      })
    }
  }
  open()
  return () => {
    clearTimeout(timer)
    stream?.close()
  }
}
