/** The component that says the summary: it stands first in the list, so it stops last, when all that can be acknowledged is. */
import type { Component } from '#shared/ports.ts'

export function lastWords(say: () => string): Component {
  let said = false
  return {
    name: 'summary',
    start: async () => {},
    stop: async () => {
      if (!said) process.stdout.write(say())
      said = true
    },
  }
}
