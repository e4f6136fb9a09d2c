/** The fences in force: which, how large, what they tell. */
import { useConsole } from './console-model.ts'
import { metres } from './words.ts'

export function FenceList() {
  const console = useConsole()
  const fences = console.fences.value
  if (fences.length === 0)
    return <p class="empty">No fences yet. “Draw a fence” on the map makes one; entering and leaving it raises alerts.</p>
  return (
    <ul class="situations" aria-label="Fences">
      {fences.map(({ id, name, geometry, dwellS, isTold }) => (
        <li key={id}>
          <button
            type="button"
            data-row
            data-chosen={console.place.value.selected === `fence:${id}`}
            onClick={() => console.go({ selected: `fence:${id}` })}
          >
            <span class="what">
              <b>{name}</b>
              <span class="why">
                {geometry.type === 'Circle'
                  ? `circle of ${metres(geometry.radiusM)}`
                  : `${(geometry.coordinates[0]?.length ?? 1) - 1} corners`}
                {dwellS !== undefined && ` · tells after ${Math.round(dwellS / 60)} min`}
                {isTold === false && ' · the core has not heard of it yet'}
              </span>
            </span>
          </button>
        </li>
      ))}
    </ul>
  )
}
