/** A cell, or a site with its cells: what it is, how it does now, what was raised there. */

import { AlertList } from './alert-list.tsx'
import { rsrpDbm } from './cell-levels.ts'
import { cellsOfSite } from './cell-places.ts'
import { useConsole } from './console-model.ts'
import { ago, bytes, metres } from './words.ts'

export function CellPanel({ id, isSite }: { readonly id: string; readonly isSite: boolean }) {
  const console = useConsole()
  const cells = console.cells.value
  const state = console.shown.value
  const row = cells?.rowOf.get(id)
  if (cells === undefined || row === undefined)
    return <p class="empty">This cell is in no inventory: add it to the hub’s cells file, and it will have a place.</p>
  const site = cells.table.site[row]!
  const mates = cellsOfSite(cells, site)
  const names = isSite ? mates.map((mate) => cells.table.names[mate]!) : [id]
  const latest = state.cells[id]
  const alerts = Object.values(state.alerts)
    .filter(({ cell, retracted }) => names.includes(cell) && !retracted)
    .sort((a, b) => b.timeMs - a.timeMs)
  return (
    <>
      <h2>{isSite ? `Site of ${id}` : `Cell ${id}`}</h2>
      <dl class="facts-list">
        <div>
          <dt>Radio</dt>
          <dd>{cells.table.radios[cells.table.radio[row]!]}</dd>
        </div>
        <div>
          <dt>Reach</dt>
          <dd>{metres(cells.table.rangeM[row]!)}</dd>
        </div>
        {!isSite && (
          <div>
            <dt>Direction</dt>
            <dd>{Number.isFinite(cells.table.azimuthDeg[row]!) ? `${cells.table.azimuthDeg[row]}°` : 'not in the inventory'}</dd>
          </div>
        )}
        {latest !== undefined && !isSite && (
          <>
            <div>
              <dt>Last window</dt>
              <dd>
                {latest.events} events, {bytes(latest.bytes)}, {ago(latest.startMs, state.timeMs)}
              </dd>
            </div>
            <div>
              <dt>Signal</dt>
              <dd>{rsrpDbm(latest) === null ? 'none measured' : `${rsrpDbm(latest)!.toFixed(1)} dBm`}</dd>
            </div>
          </>
        )}
      </dl>
      <div class="row">
        <button
          type="button"
          onClick={() => console.go({ view: 'cells', compare: isSite ? names.slice(0, 6) : [id], selected: `cell:${id}` })}
        >
          Measurements over time
        </button>
      </div>
      <h3>{isSite ? 'Cells here' : 'Other cells of the site'}</h3>
      <ul class="chips">
        {mates
          .filter((mate) => isSite || mate !== row)
          .map((mate) => (
            <li key={mate}>
              <button type="button" class="link-like" onClick={() => console.go({ selected: `cell:${cells.table.names[mate]}` })}>
                {cells.table.names[mate]}
              </button>
            </li>
          ))}
      </ul>
      <h3>Alerts here</h3>
      <AlertList alerts={alerts.slice(0, 30)} />
    </>
  )
}
