/** Keys, the command palette, and short notices. */
import { useSignal } from '@preact/signals'
import { useConsole } from './console-model.ts'
import { type KeyCommand, keyCommands } from './keys.ts'
import { exportShown } from './take-out.ts'

const more: readonly KeyCommand[] = [
  { keys: '', words: 'Export what is shown (Parquet)', run: (console) => exportShown(console, 'parquet') },
  { keys: '', words: 'Theme as the system has it', run: (console) => console.go({ theme: 'auto' }) },
  { keys: '', words: 'Show all alerts', run: (console) => console.go({ view: 'alerts', show: 'all', severity: '', find: '' }) },
]

export function Dialogs() {
  const console = useConsole()
  const { value: open } = console.dialog
  const notice = console.notice.value
  return (
    <>
      {open === 'help' && <Help />}
      {open === 'palette' && <Palette />}
      {notice !== null && (
        <div class={`notice ${notice.isBad ? 'is-bad' : ''}`} role={notice.isBad ? 'alert' : 'status'}>
          {notice.words}
          {notice.undo !== undefined && (
            <button
              type="button"
              onClick={() => {
                console.notice.value = null
                notice.undo?.()
              }}
            >
              Undo (u)
            </button>
          )}
          <button type="button" class="quiet" aria-label="Dismiss" onClick={() => (console.notice.value = null)}>
            ✕
          </button>
        </div>
      )}
    </>
  )
}

function shown(element: HTMLDialogElement | null): void {
  if (element !== null && !element.open) element.showModal()
}

function Help() {
  const console = useConsole()
  return (
    <dialog ref={shown} onClose={() => (console.dialog.value = '')} aria-label="Keys">
      <form method="dialog">
        <h2>Keys</h2>
        <dl class="keys">
          {keyCommands.map(({ keys, words }) => (
            <div key={keys}>
              <dt>
                <kbd>{keys}</kbd>
              </dt>
              <dd>{words}</dd>
            </div>
          ))}
        </dl>
        <button type="submit">Close</button>
      </form>
    </dialog>
  )
}

function Palette() {
  const console = useConsole()
  const find = useSignal('')
  const words = find.value.trim().toLowerCase()
  const id = words.startsWith('psn1.')
    ? `subscriber:${words}`
    : /^\d{3}-\d{2,3}-\d+$/.test(words)
      ? `cell:${words}`
      : /^[0-9a-f]{32}$/.test(words)
        ? `alert:${words}`
        : ''
  const jump: KeyCommand[] =
    id === ''
      ? []
      : [
          {
            keys: '',
            words: `Open ${id.replace(':', ' ')}`,
            run: () => console.go({ selected: id, ...(id.startsWith('alert') && { view: 'alerts' }) }),
          },
        ]
  const found = [...jump, ...[...keyCommands, ...more].filter((command) => command.words.toLowerCase().includes(words))]
  const run = (command: KeyCommand | undefined) => {
    console.dialog.value = ''
    command?.run(console)
  }
  return (
    <dialog
      ref={shown}
      class="palette"
      onClose={() => {
        if (console.dialog.value === 'palette') console.dialog.value = ''
      }}
      aria-label="Commands"
    >
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault()
          run(found[0])
        }}
      >
        <input
          type="search"
          aria-label="Command, pseudonym, cell or alert id"
          placeholder="Command, pseudonym, cell or alert id"
          value={find.value}
          onInput={(event) => (find.value = event.currentTarget.value)}
        />
        <ul>
          {found.slice(0, 14).map((command) => (
            <li key={command.words}>
              <button type="button" onClick={() => run(command)}>
                {command.words} {command.keys !== '' && <kbd>{command.keys}</kbd>}
              </button>
            </li>
          ))}
        </ul>
        {found.length === 0 && <p class="empty">No command of that name.</p>}
      </form>
    </dialog>
  )
}
