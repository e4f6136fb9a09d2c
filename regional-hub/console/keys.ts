/** The keyboard: one table of what each key does, which the help shows too. Keys typed into a field are left alone. */
import type { Console } from './console-model.ts'
import { type View, views } from './place.ts'
import { copyAsCurl, exportShown } from './take-out.ts'

export interface KeyCommand {
  readonly keys: string
  readonly words: string
  readonly run: (console: Console) => void
}

const going: Readonly<Record<View, string>> = { map: 'm', alerts: 'a', sites: 's', cells: 'c', lookup: 'l', fences: 'f', incidents: 'i' }
export const viewWords: Readonly<Record<View, string>> = {
  map: 'Map',
  alerts: 'Alerts',
  sites: 'Sites',
  cells: 'Cells',
  lookup: 'Look-up',
  fences: 'Fences',
  incidents: 'Incidents',
}

export const keyCommands: readonly KeyCommand[] = [
  { keys: '/', words: 'Search and filter', run: () => document.querySelector<HTMLInputElement>('[data-find]')?.focus() },
  { keys: 'Ctrl+K', words: 'All commands', run: (console) => (console.dialog.value = 'palette') },
  { keys: 'j', words: 'Next row', run: () => step(1) },
  { keys: 'k', words: 'Row before', run: () => step(-1) },
  {
    keys: 'a',
    words: 'Acknowledge what is selected',
    run: () => document.querySelector<HTMLButtonElement>('[data-triage=acknowledged]')?.click(),
  },
  { keys: 's', words: 'Snooze what is selected', run: () => document.querySelector<HTMLButtonElement>('[data-triage=snoozed]')?.click() },
  { keys: 'x', words: 'Close what is selected', run: () => document.querySelector<HTMLButtonElement>('[data-triage=closed]')?.click() },
  { keys: 'u', words: 'Undo', run: (console) => console.notice.value?.undo?.() },
  { keys: 'l', words: 'Live', run: (console) => console.go({ atMs: null, isPlaying: true, speed: 1 }) },
  { keys: 't', words: 'Table of what is on the map', run: (console) => console.go({ hasTable: !console.place.value.hasTable }) },
  { keys: 'e', words: 'Export what is shown (CSV)', run: (console) => exportShown(console, 'csv') },
  { keys: 'c', words: 'Copy as curl', run: (console) => void copyAsCurl(console) },
  { keys: 'w', words: 'Wall mode', run: (console) => console.go({ isWall: !console.place.value.isWall }) },
  { keys: 'd', words: 'Dark or light', run: (console) => console.go({ theme: console.isDark.value ? 'light' : 'dark' }) },
  { keys: '?', words: 'Keys', run: (console) => (console.dialog.value = console.dialog.value === 'help' ? '' : 'help') },
  { keys: 'Esc', words: 'Let go of what is selected', run: (console) => console.go({ selected: '', isWall: false }) },
  ...views.map((view) => ({
    keys: `g ${going[view]}`,
    words: `Go to ${viewWords[view]}`,
    run: (console: Console) => console.go({ view, find: '' }),
  })),
]

export function takeKeys(console: Console): void {
  let isGoing = false
  addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault()
      console.dialog.value = 'palette'
      return
    }
    const target = event.target as HTMLElement
    if (target.closest('input, textarea, select, dialog') !== null) {
      if (event.key === 'Escape' && target.closest('dialog') === null) target.blur()
      return
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const typed = isGoing ? `g ${event.key}` : event.key === 'Escape' ? 'Esc' : event.key
    isGoing = !isGoing && event.key === 'g'
    const found = keyCommands.find(({ keys }) => keys === typed)
    if (found === undefined) return
    event.preventDefault()
    found.run(console)
  })
}

/** Moves through the rows of the list on the screen as a click would. */
function step(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')]
  const at = rows.findIndex((row) => row.dataset.chosen === 'true')
  const next = rows[Math.max(0, Math.min(rows.length - 1, at + by))]
  next?.click()
  next?.scrollIntoView({ block: 'nearest' })
}
