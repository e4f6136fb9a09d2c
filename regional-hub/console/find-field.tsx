/** The field that `/` goes to: filters what the view lists. */
import { useConsole } from './console-model.ts'

export function FindField({ words }: { readonly words: string }) {
  const console = useConsole()
  return (
    <input
      type="search"
      data-find
      placeholder={words}
      aria-label={`Filter: ${words}`}
      value={console.place.value.find}
      onInput={(event) => console.go({ find: event.currentTarget.value })}
    />
  )
}
