/** Drawing a fence on the map: corners by click, then a name; saved through the hub, which tells the core. */
import { type Signal, useSignal } from '@preact/signals'
import type { FenceItem, FenceRequest } from '../console-api.ts'
import { ask } from './ask-hub.ts'
import { useConsole } from './console-model.ts'

type Draft = readonly (readonly [number, number])[] | null

export function FenceDrawing({ draft }: { readonly draft: Signal<Draft> }) {
  const console = useConsole()
  const name = useSignal('')
  const dwellMin = useSignal('')
  if (console.place.value.view !== 'fences') return null
  if (draft.value === null) {
    return (
      <button
        type="button"
        class="map-draw primary"
        onClick={() => {
          draft.value = []
        }}
      >
        Draw a fence
      </button>
    )
  }
  const points = draft.value
  const save = async (event: Event) => {
    event.preventDefault()
    const ring = [...points, points[0]!].map(([longitude, latitude]) => [longitude, latitude])
    const id = crypto.randomUUID()
    const body: FenceRequest = {
      name: name.value,
      geometry: { type: 'Polygon', coordinates: [ring] },
      ...(dwellMin.value !== '' && { dwellS: Number(dwellMin.value) * 60 }),
    }
    try {
      await ask<FenceItem>(`/api/fences/${id}`, body, 'PUT')
      draft.value = null
      name.value = ''
      await console.refreshFences()
      console.go({ selected: `fence:${id}` })
      console.tell('The fence is watched from now on.')
    } catch (error) {
      console.tell((error as Error).message, true)
    }
  }
  return (
    <form class="map-draw card" onSubmit={save}>
      <p>{points.length < 3 ? `Click corners on the map (${points.length} of at least 3).` : `${points.length} corners.`}</p>
      <label>
        Name <input required maxLength={64} value={name.value} onInput={(event) => (name.value = event.currentTarget.value)} />
      </label>
      <label>
        Tell after a stay of{' '}
        <input type="number" min="1" max="10080" value={dwellMin.value} onInput={(event) => (dwellMin.value = event.currentTarget.value)} />{' '}
        min
      </label>
      <div class="row">
        <button type="submit" class="primary" disabled={points.length < 3}>
          Watch it
        </button>
        <button type="button" onClick={() => (draft.value = points.slice(0, -1))} disabled={points.length === 0}>
          Undo corner
        </button>
        <button type="button" onClick={() => (draft.value = null)}>
          Cancel
        </button>
      </div>
    </form>
  )
}
