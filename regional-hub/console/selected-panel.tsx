/** What is selected, whatever it is. */
import { AlertPanel, SituationPanel } from './alert-panel.tsx'
import { CellPanel } from './cell-panel.tsx'
import { useConsole } from './console-model.ts'
import { FencePanel } from './fence-panel.tsx'
import { selection } from './place.ts'
import { SubscriberPanel } from './subscriber-panel.tsx'

export function SelectedPanel() {
  const console = useConsole()
  const { kind, id } = selection(console.place.value)
  if (kind === '') {
    return (
      <section class="pane detail" aria-label="Selected">
        <p class="empty">Choose a row to see what happened, why it was raised, and what was done. j and k walk the list, a acknowledges.</p>
      </section>
    )
  }
  return (
    <section class="pane detail" aria-label="Selected">
      <button type="button" class="quiet close" onClick={() => console.go({ selected: '' })} aria-label="Let go" title="Let go (Esc)">
        ✕
      </button>
      {kind === 'situation' && <SituationPanel id={id} />}
      {kind === 'alert' && <AlertPanel id={id} />}
      {(kind === 'cell' || kind === 'site') && <CellPanel id={id} isSite={kind === 'site'} />}
      {kind === 'subscriber' && <SubscriberPanel id={id} />}
      {kind === 'fence' && <FencePanel id={id} />}
      {kind === 'agent' && <p class="empty">Its page is under Sites.</p>}
    </section>
  )
}
