/** The table twin of the map: the same things with the same selection, for those who cannot or do not want to read a picture. */
import { useSignal } from '@preact/signals'
import { rsrpDbm } from './cell-levels.ts'
import { type Console, useConsole } from './console-model.ts'
import { FindField } from './find-field.tsx'
import { type Column, SortedTable } from './sorted-table.tsx'
import { ago, bytes, clock, metres, motionWords, short } from './words.ts'

interface SubscriberRow {
  readonly id: string
  readonly name: string
  readonly motion: string
  readonly radiusM: number | null
  readonly timeMs: number
  readonly cell: string
}

interface CellRow {
  readonly id: string
  readonly events: number
  readonly bytes: number
  readonly dbm: number | null
  readonly drops: number
  readonly startMs: number
}

const subscriberColumns: readonly Column<SubscriberRow>[] = [
  { name: 'Subscriber', cell: ({ name }) => short(name), value: ({ name }) => name },
  { name: 'Motion', cell: ({ motion }) => motionWords[motion], value: ({ motion }) => motion },
  { name: 'Within', cell: ({ radiusM }) => metres(radiusM), value: ({ radiusM }) => radiusM ?? Number.POSITIVE_INFINITY, isNumber: true },
  { name: 'Cell', cell: ({ cell }) => cell, value: ({ cell }) => cell },
  { name: 'Seen', cell: ({ timeMs }) => clock(timeMs), value: ({ timeMs }) => timeMs, isNumber: true },
]

const cellColumns: readonly Column<CellRow>[] = [
  { name: 'Cell', cell: ({ id }) => id.slice(id.indexOf(':') + 1), value: ({ id }) => id },
  { name: 'Events', cell: ({ events }) => events, value: ({ events }) => events, isNumber: true },
  { name: 'Traffic', cell: (row) => bytes(row.bytes), value: (row) => row.bytes, isNumber: true },
  { name: 'Signal', cell: ({ dbm }) => (dbm === null ? '' : `${dbm.toFixed(0)} dBm`), value: ({ dbm }) => dbm ?? -999, isNumber: true },
  { name: 'Drops', cell: ({ drops }) => drops, value: ({ drops }) => drops, isNumber: true },
  { name: 'Window', cell: ({ startMs }) => clock(startMs), value: ({ startMs }) => startMs, isNumber: true },
]

export function MapTable() {
  const console = useConsole()
  const what = useSignal<'subscribers' | 'cells'>('subscribers')
  return (
    <section class="pane twin" aria-label="What is on the map, as a table">
      <div class="filter">
        <fieldset class="segments">
          <legend class="visually-hidden">Which table</legend>
          {(['subscribers', 'cells'] as const).map((one) => (
            <button key={one} type="button" aria-pressed={what.value === one} onClick={() => (what.value = one)}>
              {one === 'subscribers' ? 'Subscribers' : 'Cells'}
            </button>
          ))}
        </fieldset>
        <FindField words="Pseudonym or cell…" />
        <span class="hint">as of {ago(console.shown.value.timeMs, console.nowMs.value)}</span>
      </div>
      {what.value === 'subscribers' ? (
        <SortedTable
          columns={subscriberColumns}
          rows={subscriberRows(console)}
          empty="Nobody has been located yet: agents must be sending, and their cells be in the inventory."
        />
      ) : (
        <SortedTable columns={cellColumns} rows={cellRows(console)} empty="No cell has told anything yet." />
      )}
    </section>
  )
}

function subscriberRows({ shown, place }: Console): SubscriberRow[] {
  const words = place.value.find.toLowerCase()
  return Object.values(shown.value.subscribers)
    .filter(({ subscriber, cell, motion }) => words === '' || subscriber.includes(words) || cell.includes(words) || motion.includes(words))
    .map(({ subscriber, motion, radiusM, timeMs, cell }) => ({
      id: `subscriber:${subscriber}`,
      name: subscriber,
      motion,
      radiusM,
      timeMs,
      cell,
    }))
}

function cellRows({ shown, place }: Console): CellRow[] {
  const words = place.value.find.toLowerCase()
  return Object.values(shown.value.cells)
    .filter(({ cell }) => words === '' || cell.includes(words))
    .map((cell) => ({
      id: `cell:${cell.cell}`,
      events: cell.events,
      bytes: cell.bytes,
      dbm: rsrpDbm(cell),
      drops: cell.drops,
      startMs: cell.startMs,
    }))
}
