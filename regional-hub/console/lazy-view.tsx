/** Views that come over the wire only when they are asked for: the map and the alerts need not wait for charts. */
import { signal } from '@preact/signals'
import type { ComponentType } from 'preact'

export function lazy(load: () => Promise<ComponentType>): ComponentType {
  const loaded = signal<ComponentType | null>(null)
  const failed = signal('')
  let isLoading = false
  return function LazyView() {
    const View = loaded.value
    if (View !== null) return <View />
    if (!isLoading) {
      isLoading = true
      load().then(
        (view) => (loaded.value = view),
        (error: Error) => (failed.value = error.message),
      )
    }
    return (
      <p class="empty">
        {failed.value === '' ? 'Loading…' : `This part of the page could not be loaded (${failed.value}). Load the page again.`}
      </p>
    )
  }
}
