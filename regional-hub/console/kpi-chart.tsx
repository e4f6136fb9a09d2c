/** One measure of some cells over time (uPlot), with alerts as marks on the time they happened. */
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import type { KpiItem } from '../console-api.ts'
import { useConsole } from './console-model.ts'
import { type Measure, measures } from './kpi-measures.ts'
import { readColors } from './map-colors.ts'
import { shapePath } from './paint-map.ts'
import { clock, day } from './words.ts'

export interface ChartAlert {
  readonly timeMs: number
  readonly severity: string
  readonly words: string
}

interface ChartSeries {
  readonly cell: string
  readonly items: readonly KpiItem[]
}

const heightPx = 150
const dashes: readonly number[][] = [[], [6, 3], [2, 3], [9, 3, 2, 3], [1, 4], [12, 4]]

export function KpiChart({
  measure,
  series,
  alerts,
}: {
  readonly measure: Measure
  readonly series: readonly ChartSeries[]
  readonly alerts: readonly ChartAlert[]
}) {
  const console = useConsole()
  const box = useRef<HTMLDivElement>(null)
  const isDark = console.isDark.value
  const { name, of, words } = measures[measure]
  useEffect(() => {
    const element = box.current
    if (element === null) return
    const colors = readColors(document.body)
    const lines = [
      colors.accent,
      colors.motion[2]!,
      colors.severity.major!,
      colors.fence,
      colors.severity.indeterminate!,
      colors.severity.minor!,
    ]
    const times = [...new Set(series.flatMap(({ items }) => items.map(({ bucketMs }) => bucketMs)))].sort((a, b) => a - b)
    const rows = series.map(({ items }) => {
      const byTime = new Map(items.map((item) => [item.bucketMs, of(item)]))
      return times.map((time) => byTime.get(time) ?? null)
    })
    const hours = (_plot: uPlot, values: number[]) => values.map((value) => chartTime(value * 1000, times))
    const axis = {
      stroke: colors.label,
      grid: { stroke: colors.grid, width: 1 },
      ticks: { stroke: colors.grid, width: 1 },
      font: '11px system-ui, sans-serif',
    }
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: heightPx,
        legend: { show: false },
        cursor: { sync: { key: 'cells' }, y: false },
        scales: { x: { time: true } },
        axes: [
          { ...axis, values: hours, space: 70 },
          { ...axis, size: 82, values: (_plot, values) => values.map((value) => words(value)) },
        ],
        series: [
          {},
          ...series.map(({ cell }, at) => ({
            label: cell,
            stroke: lines[at % lines.length]!,
            dash: dashes[at % dashes.length]!,
            width: 1.5,
            points: { show: times.length < 90, size: 4 },
          })),
        ],
        hooks: {
          draw: [
            (drawn) => {
              for (const { timeMs, severity } of alerts) {
                const px = drawn.valToPos(timeMs / 1000, 'x', true)
                drawn.ctx.strokeStyle = colors.severity[severity] ?? colors.label
                drawn.ctx.globalAlpha = 0.6
                drawn.ctx.beginPath()
                drawn.ctx.moveTo(px, drawn.bbox.top)
                drawn.ctx.lineTo(px, drawn.bbox.top + drawn.bbox.height)
                drawn.ctx.stroke()
                drawn.ctx.globalAlpha = 1
                shapePath(drawn.ctx, severity, px, drawn.bbox.top + 6, 6)
                drawn.ctx.fillStyle = colors.severity[severity] ?? colors.label
                drawn.ctx.fill()
              }
            },
          ],
        },
      },
      [times.map((time) => time / 1000), ...rows],
      element,
    )
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: heightPx }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      plot.destroy()
    }
  }, [measure, JSON.stringify(series), alerts.length, isDark])
  const last = series.map(({ cell, items }) => `${cell}: ${words(items.at(-1) === undefined ? null : of(items.at(-1)!)) || 'nothing'}`)
  return (
    <section class="chart">
      <h3>{name}</h3>
      <div
        ref={box}
        role="img"
        aria-label={`${name} over time. Latest: ${last.join('; ')}${alerts.length > 0 ? `. Alerts: ${alerts.map((alert) => alert.words).join('; ')}` : ''}`}
      />
      <p class="hint">
        {last.map((words, at) => (
          <span key={words} class="series">
            <i class={`swatch line-${at % 6}`} />
            {words}
          </span>
        ))}
      </p>
    </section>
  )
}

/** Days where the chart spans days, else the time of day. */
function chartTime(timeMs: number, times: readonly number[]): string {
  const isLong = (times.at(-1) ?? 0) - (times[0] ?? 0) > 30 * 3600_000
  return isLong ? day(timeMs) : clock(timeMs).slice(0, 5)
}
