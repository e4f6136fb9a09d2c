/** What the colours mean, and which layers are shown. */
import { metricWords } from './cell-levels.ts'
import { useConsole } from './console-model.ts'
import { type Layer, layers, type Metric } from './place.ts'

const layerWords: Readonly<Record<Layer, string>> = {
  subscribers: 'Subscribers',
  trails: 'Trails',
  coverage: 'Coverage',
  fences: 'Fences',
  alerts: 'Alerts',
}

export function MapLegend() {
  const console = useConsole()
  const { hidden, metric } = console.place.value
  const { low, high } = metricWords[metric]
  const toggle = (layer: Layer) =>
    console.go({ hidden: hidden.includes(layer) ? hidden.filter((one) => one !== layer) : [...hidden, layer] })
  return (
    <details class="legend" open={matchMedia('(min-width: 700px)').matches}>
      <summary>Layers</summary>
      {layers.map((layer) => (
        <label key={layer}>
          <input type="checkbox" checked={!hidden.includes(layer)} onChange={() => toggle(layer)} /> {layerWords[layer]}
        </label>
      ))}
      <label class="legend-metric">
        Cells by{' '}
        <select value={metric} onChange={(event) => console.go({ metric: event.currentTarget.value as Metric })}>
          {Object.entries(metricWords).map(([name, words]) => (
            <option key={name} value={name}>
              {words.name}
            </option>
          ))}
        </select>
      </label>
      <div class="ramp" aria-hidden="true">
        <i class="ramp-0" />
        <i class="ramp-1" />
        <i class="ramp-2" />
        <i class="ramp-3" />
        <i class="ramp-4" />
      </div>
      <div class="ramp-ends">
        <span>{low}</span>
        <span>{high}</span>
      </div>
      <p class="legend-motion">
        <i class="dot still" /> still <i class="dot walking" /> walking <i class="dot vehicle" /> vehicle
      </p>
      <p class="legend-note">A disc holds its subscriber with 68 %. Far away: density; under 20 is not shown.</p>
    </details>
  )
}
