/** The map with the inbox or what is selected beside it, and the table twin below. */
import { useConsole } from './console-model.ts'
import { FenceList } from './fence-list.tsx'
import { MapTable } from './map-table.tsx'
import { MapView } from './map-view.tsx'
import { SelectedPanel } from './selected-panel.tsx'
import { SituationFilter } from './situation-filter.tsx'
import { SituationList } from './situation-list.tsx'

export function MapPage() {
  const console = useConsole()
  const { selected, hasTable, isWall, view } = console.place.value
  return (
    <div class={`map-page ${hasTable ? 'has-table' : ''}`}>
      <MapView />
      <button type="button" class="table-toggle" aria-expanded={hasTable} onClick={() => console.go({ hasTable: !hasTable })}>
        {hasTable ? 'Hide the table' : 'Table'}
      </button>
      {hasTable && <MapTable />}
      {selected !== '' && !isWall ? (
        <SelectedPanel />
      ) : (
        <section class="pane side" aria-label={view === 'fences' ? 'Fences' : 'What waits'}>
          {view === 'fences' ? (
            <FenceList />
          ) : (
            <>
              <SituationFilter />
              <SituationList isCompact />
            </>
          )}
        </section>
      )}
    </div>
  )
}
