/** Cells: worst first by the measure chosen, and over time, several at once, with the alerts drawn on the lines they belong to. */
import { useSignal } from '@preact/signals'
import type { KpiItem, KpisAnswer } from '../console-api.ts'
import { useAnswer } from './answer.ts'
import { query } from './ask-hub.ts'
import { useConsole } from './console-model.ts'
import { FindField } from './find-field.tsx'
import { KpiChart } from './kpi-chart.tsx'
import { type CellSum, type Measure, measures, sumByCell } from './kpi-measures.ts'
import { type Column, SortedTable } from './sorted-table.tsx'
import { typeWords } from './words.ts'

const spans: Readonly<Record<string, string>> = { 1: '1 h', 6: '6 h', 24: '24 h', 168: '7 d' }
const buckets: Readonly<Record<number, string>> = { 1: '1m', 6: '5m', 24: '15m', 168: '2h' }
const minuteMs = 60_000

export function CellsView() {
  const console = useConsole()
  const { hours, compare, find } = console.place.value
  const measure = useSignal<Measure>('signal')
  const toMs = Math.floor((console.past.value?.timeMs ?? console.nowMs.value) / minuteMs) * minuteMs + minuteMs
  const range = { from: new Date(toMs - hours * 60 * minuteMs).toISOString(), to: new Date(toMs).toISOString(), bucket: buckets[hours] }
  const all = useAnswer<KpisAnswer>(`/api/kpis${query({ ...range, groupBy: 'cell', limit: 100_000 })}`).value
  if (all.answer === null) return <p class="page empty">{all.words === '' ? 'Asking the hub…' : all.words}</p>
  const items = all.answer.items.filter(({ cell }) => cell !== undefined && cell !== '')
  const sums = sumByCell(items).filter(({ cell }) => cell.includes(find))
  const chosen = compare.length > 0 ? compare : worst(sums, measure.value).slice(0, 3)
  const series = chosen.map((cell) => ({ cell, items: items.filter((item) => item.cell === cell) }))
  const toggle = (cell: string) =>
    console.go({ compare: chosen.includes(cell) ? chosen.filter((one) => one !== cell) : [...chosen.slice(-5), cell] })
  const alerts = Object.values(console.shown.value.alerts)
    .filter(({ cell, timeMs, retracted }) => chosen.includes(cell) && timeMs > toMs - hours * 60 * minuteMs && !retracted)
    .map(({ timeMs, severity, type, cell }) => ({ timeMs, severity, words: `${typeWords(type)} at ${cell}` }))
  return (
    <div class="page">
      <div class="filter">
        <fieldset class="segments">
          <legend class="visually-hidden">Span of time</legend>
          {Object.entries(spans).map(([value, words]) => (
            <button key={value} type="button" aria-pressed={Number(value) === hours} onClick={() => console.go({ hours: Number(value) })}>
              {words}
            </button>
          ))}
        </fieldset>
        <label>
          Worst by{' '}
          <select value={measure.value} onChange={(event) => (measure.value = event.currentTarget.value as Measure)}>
            {(Object.keys(measures) as Measure[]).map((one) => (
              <option key={one} value={one}>
                {measures[one].name}
              </option>
            ))}
          </select>
        </label>
        <FindField words="Cell…" />
        {compare.length > 0 && (
          <button type="button" onClick={() => console.go({ compare: [] })}>
            The worst again
          </button>
        )}
      </div>
      {items.length === 0 ? (
        <p class="empty">No cell told anything in this stretch. Choose a longer one, or see under Sites whether agents are heard.</p>
      ) : (
        <div class="two">
          {(Object.keys(measures) as Measure[]).map((one) => (
            <KpiChart key={one} measure={one} series={series} alerts={alerts} />
          ))}
        </div>
      )}
      <CellTable sums={sums} chosen={chosen} toggle={toggle} measure={measure.value} />
    </div>
  )
}

function worst(sums: readonly CellSum[], measure: Measure): string[] {
  const { badness } = measures[measure]
  const judged = sums.flatMap((sum) => {
    const value = badness(sum)
    return value === null ? [] : [{ cell: sum.cell, value }]
  })
  return judged.sort((a, b) => b.value - a.value).map(({ cell }) => cell)
}

function CellTable(props: {
  readonly sums: readonly CellSum[]
  readonly chosen: readonly string[]
  readonly toggle: (cell: string) => void
  readonly measure: Measure
}) {
  const order = worst(props.sums, props.measure)
  const rankOf = new Map(order.map((cell, at) => [cell, at + 1]))
  const rows = props.sums.map((sum) => ({ ...sum, id: `cell:${sum.cell}` }))
  const measured = (Object.keys(measures) as Measure[]).map(
    (one): Column<CellSum & { id: string }> => ({
      name: measures[one].name,
      cell: (sum) => measures[one].words(measures[one].of(sum as unknown as KpiItem)),
      value: (sum) => measures[one].of(sum as unknown as KpiItem) ?? Number.NEGATIVE_INFINITY,
      isNumber: true,
    }),
  )
  const columns: readonly Column<CellSum & { id: string }>[] = [
    { name: 'Cell', cell: ({ cell }) => cell, value: ({ cell }) => cell },
    {
      name: 'Shown',
      cell: ({ cell }) => (
        <input
          type="checkbox"
          aria-label={`Draw ${cell}`}
          checked={props.chosen.includes(cell)}
          onClick={(event) => event.stopPropagation()}
          onChange={() => props.toggle(cell)}
        />
      ),
      value: ({ cell }) => (props.chosen.includes(cell) ? 1 : 0),
      isNumber: true,
    },
    ...measured,
    { name: 'Rank', cell: ({ cell }) => rankOf.get(cell) ?? '', value: ({ cell }) => -(rankOf.get(cell) ?? 1e9), isNumber: true },
  ]
  return <SortedTable columns={columns} rows={rows} empty="No cell fits the filter." />
}
