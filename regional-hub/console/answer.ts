/** An answer of the hub as a signal: asked for again when the address changes or at an interval; the last one stays until the next is there. */
import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { ask } from './ask-hub.ts'

export interface Asked<T> {
  readonly answer: T | null
  readonly words: string
}

export function useAnswer<T>(address: string | null, everyMs = 0): Signal<Asked<T>> {
  const asked = useSignal<Asked<T>>({ answer: null, words: '' })
  useEffect(() => {
    if (address === null) return
    const abort = new AbortController()
    const refresh = () =>
      ask<T>(address, undefined, 'GET', abort.signal).then(
        (answer) => {
          asked.value = { answer, words: '' }
        },
        (error: Error) => {
          if (!abort.signal.aborted) asked.value = { answer: null, words: error.message }
        },
      )
    void refresh()
    const timer = everyMs > 0 ? setInterval(refresh, everyMs) : undefined
    return () => {
      abort.abort()
      clearInterval(timer)
    }
  }, [address, everyMs])
  return asked
}
