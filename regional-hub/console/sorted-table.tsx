/** A table that sorts by any column and follows the page's selection; only the rows near the view are in the document. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useConsole } from './console-model.ts'

export interface Column<Row> {
  readonly name: string
  readonly cell: (row: Row) => ComponentChildren
  readonly value: (row: Row) => string | number
  readonly isNumber?: boolean
}

const rowPx = 28
const rowsAhead = 12

export function SortedTable<Row extends { readonly id: string }>(props: {
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly empty: string
  readonly firstSort?: number
}) {
  const { columns, rows, empty } = props
  const console = useConsole()
  const sort = useSignal({ column: props.firstSort ?? columns.length - 1, isDown: true })
  const top = useSignal(0)
  if (rows.length === 0) return <p class="empty">{empty}</p>
  const { column, isDown } = sort.value
  const { value } = columns[column]!
  const sorted = rows.toSorted((a, b) => compare(value(a), value(b)) * (isDown ? -1 : 1) || compare(a.id, b.id))
  const first = Math.max(0, Math.floor(top.value / rowPx) - rowsAhead)
  const visible = sorted.slice(first, first + 60)
  const { selected } = console.place.value
  return (
    <section class="table-scroll" aria-label={`${rows.length} rows`} onScroll={(event) => (top.value = event.currentTarget.scrollTop)}>
      <table aria-rowcount={rows.length}>
        <thead>
          <tr>
            {columns.map(({ name, isNumber }, at) => (
              <th
                key={name}
                scope="col"
                class={isNumber ? 'number' : ''}
                aria-sort={at === column ? (isDown ? 'descending' : 'ascending') : 'none'}
              >
                <button type="button" onClick={() => (sort.value = { column: at, isDown: at === column ? !isDown : isNumber === true })}>
                  {name}
                  {at === column ? (isDown ? ' ↓' : ' ↑') : ''}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Gap rows={first} columns={columns.length} />
          {visible.map((row) => (
            <tr
              key={row.id}
              data-row
              data-chosen={selected === row.id}
              aria-selected={selected === row.id}
              onClick={() => console.go({ selected: row.id })}
            >
              {columns.map(({ name, cell, isNumber }, at) => (
                <td key={name} class={isNumber ? 'number' : ''}>
                  {at === 0 ? (
                    <button type="button" class="quiet" onClick={() => console.go({ selected: row.id })}>
                      {cell(row)}
                    </button>
                  ) : (
                    cell(row)
                  )}
                </td>
              ))}
            </tr>
          ))}
          <Gap rows={sorted.length - first - visible.length} columns={columns.length} />
        </tbody>
      </table>
    </section>
  )
}

function Gap({ rows, columns }: { readonly rows: number; readonly columns: number }) {
  if (rows <= 0) return null
  return (
    <tr class="gap">
      <td colSpan={columns} style={{ height: `${rows * rowPx}px` }} />
    </tr>
  )
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a) < String(b) ? -1 : a === b ? 0 : 1
}
