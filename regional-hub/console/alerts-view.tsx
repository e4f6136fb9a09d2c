/** The inbox on the left, what is selected on the right. */
import { useConsole } from './console-model.ts'
import { SelectedPanel } from './selected-panel.tsx'
import { SituationFilter } from './situation-filter.tsx'
import { SituationList } from './situation-list.tsx'

export function AlertsView() {
  const console = useConsole()
  const counts = console.answered.value?.counts
  return (
    <div class={console.place.value.selected === '' ? 'split' : 'split has-selected'}>
      <section class="pane list" aria-label="Alerts">
        <SituationFilter />
        {counts !== undefined && (
          <p class="hint counts">
            {Object.entries(counts.byType)
              .sort((a, b) => b[1] - a[1])
              .slice(0, 6)
              .map(([type, many]) => `${many} ${type}`)
              .join(' · ')}
            {counts.muted > 0 && ` · ${counts.muted} muted`}
            {counts.snoozed > 0 && ` · ${counts.snoozed} snoozed`}
            {counts.forgotten > 0 && ` · ${counts.forgotten} acknowledged long ago`}
          </p>
        )}
        <SituationList />
      </section>
      <SelectedPanel />
    </div>
  )
}
