/** The map's colours, read from the style sheet, so that page and canvas always wear the same theme. */
import { severities } from './severities.ts'

export interface MapColors {
  readonly sea: string
  readonly land: string
  readonly coast: string
  readonly grid: string
  readonly site: string
  readonly text: string
  readonly ink: string
  readonly label: string
  readonly muted: string
  readonly accent: string
  readonly fence: string
  /** Unknown, still, walking, vehicle. */
  readonly motion: readonly string[]
  /** Low to high. */
  readonly ramp: readonly string[]
  readonly severity: Readonly<Record<string, string>>
}

export function readColors(element: Element): MapColors {
  const style = getComputedStyle(element)
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim() || '#888'
  return {
    sea: color('map-sea'),
    land: color('map-land'),
    coast: color('map-coast'),
    grid: color('map-grid'),
    site: color('map-site'),
    text: color('text'),
    ink: color('severity-ink'),
    label: color('text-soft'),
    muted: color('muted'),
    accent: color('accent'),
    fence: color('map-fence'),
    motion: ['unknown', 'still', 'walking', 'vehicle'].map((name) => color(`motion-${name}`)),
    ramp: [0, 1, 2, 3, 4].map((step) => color(`ramp-${step}`)),
    severity: Object.fromEntries(severities.map((name) => [name, color(name)])),
  }
}
