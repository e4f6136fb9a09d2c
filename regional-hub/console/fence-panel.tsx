/** A fence: rename it, change what it tells, or take it away. */
import type { FenceItem, FenceRequest } from '../console-api.ts'
import { ask } from './ask-hub.ts'
import { useConsole } from './console-model.ts'
import { typeWords, when } from './words.ts'

export function FencePanel({ id }: { readonly id: string }) {
  const console = useConsole()
  const fence = console.fences.value.find((one) => one.id === id)
  if (fence === undefined) return <p class="empty">There is no such fence.</p>
  const state = console.shown.value
  const alerts = Object.values(state.alerts).filter(({ evidence, retracted }) => !retracted && JSON.stringify(evidence).includes(id))
  const act = async (work: () => Promise<unknown>, words: string) => {
    try {
      await work()
      await console.refreshFences()
      console.tell(words)
    } catch (error) {
      console.tell((error as Error).message, true)
    }
  }
  const save = (event: SubmitEvent) => {
    event.preventDefault()
    const given = new FormData(event.currentTarget as HTMLFormElement)
    const minutes = Number(given.get('dwell'))
    const body: FenceRequest = {
      name: String(given.get('name')),
      geometry: fence.geometry,
      ...(minutes > 0 && { dwellS: minutes * 60 }),
      ...(fence.segment && { segment: fence.segment }),
    }
    void act(() => ask<FenceItem>(`/api/fences/${id}`, body, 'PUT'), 'Saved.')
  }
  return (
    <>
      <h2>Fence</h2>
      <form class="triage-form" onSubmit={save} key={`${id} ${fence.revision}`}>
        <label>
          Name <input name="name" required maxLength={64} defaultValue={fence.name} />
        </label>
        <label>
          Tell after a stay of (min){' '}
          <input name="dwell" type="number" min="0" defaultValue={fence.dwellS === undefined ? '' : String(fence.dwellS / 60)} />
        </label>
        <div class="row">
          <button type="submit" class="primary">
            Save
          </button>
          <button
            type="button"
            onClick={() =>
              confirm(`Take away the fence “${fence.name}”?`) &&
              void act(() => ask(`/api/fences/${id}`, undefined, 'DELETE'), 'The fence is gone.')
            }
          >
            Take away
          </button>
        </div>
      </form>
      <p class="hint">
        Watches {fence.segment === undefined ? 'everybody' : `${fence.segment.length} subscribers`}. Being inside is told when it is 80 %
        certain or lasts 30 s.
      </p>
      <h3>Alerts of this fence</h3>
      {alerts.length === 0 ? (
        <p class="empty">None yet.</p>
      ) : (
        <ul class="situations">
          {alerts.slice(-50).map((alert) => (
            <li key={alert.id}>
              <button type="button" onClick={() => console.go({ selected: `alert:${alert.id}` })}>
                <span class="what">
                  <b>{typeWords(alert.type)}</b>
                </span>
                <time>{when(alert.timeMs, state.timeMs)}</time>
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}
